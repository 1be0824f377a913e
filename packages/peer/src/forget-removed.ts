/** What a list of removed members means for those who are away: nobody looks for them any more. */
import type { Instant } from '@warren/base';
import type { RevocationSet } from '@warren/trust';
import { peerKey } from '@warren/wire';
import type { Directory } from './directory.ts';
import type { Network } from './network.ts';

/** Forgets the removed: those known by certificate, and those whom the list names and who were not met since. */
export function forgetRemoved(revocations: RevocationSet, directory: Directory, network: Network, now: Instant): void {
  for (const { peer, certified } of directory.all()) {
    if (revocations.isRevoked(certified)) network.forget(peer, now);
  }
  for (const entry of revocations.list?.revoked ?? []) {
    if (!('peerId' in entry)) continue;
    const peer = peerKey(entry.peerId);
    const metAt = network.acquaintances.metAt(peer);
    if (metAt !== undefined && metAt < entry.before) network.forget(peer, now);
  }
}

/**
 * What two peers make of their wishes for post-quantum keys. Each says in the
 * flags of its sealed handshake payload what it can and what it needs, so that
 * both come to the same result and nobody in between can change it.
 */
import type { Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/**
 * What one side wants. `off` has no part in it; `when-required` begins only for a peer that requires it; `on`
 * upgrades every session whose other side can, and data flows meanwhile; `required` lets no data flow before.
 */
export type PostQuantumMode = 'off' | 'when-required' | 'on' | 'required';

/** Bits of the flags of a handshake payload. */
export const PayloadFlag = { CAN_POST_QUANTUM: 1, REQUIRES_POST_QUANTUM: 2 } as const;

/** Why there is no session between two that disagree. */
export type Disagreement = 'peer-requires-post-quantum' | 'peer-lacks-post-quantum';

/** What becomes of a session: it stays as it is, is upgraded while data flows, or is upgraded before any does. */
export type Agreement = 'plain' | 'wanted' | 'required';

/** The flags that announce a mode. */
export function flagsOf(mode: PostQuantumMode): number {
  if (mode === 'off') return 0;
  return PayloadFlag.CAN_POST_QUANTUM | (mode === 'required' ? PayloadFlag.REQUIRES_POST_QUANTUM : 0);
}

/** What our mode and the other side's flags come to. */
export function agree(mode: PostQuantumMode, flags: number): Agreement | Disagreement {
  const theyCan = (flags & PayloadFlag.CAN_POST_QUANTUM) !== 0;
  const theyRequire = (flags & PayloadFlag.REQUIRES_POST_QUANTUM) !== 0;
  if (mode === 'off') return theyRequire ? 'peer-requires-post-quantum' : 'plain';
  if (theyRequire) return 'required';
  if (mode === 'required') return theyCan ? 'required' : 'peer-lacks-post-quantum';
  return mode === 'on' && theyCan ? 'wanted' : 'plain';
}

/** Whether two came to no session. */
export function isDisagreement(result: string): result is Disagreement {
  return result === 'peer-requires-post-quantum' || result === 'peer-lacks-post-quantum';
}

/** For how long a peer that wants other keys than we is not called again. */
const DISAGREEMENT_MS = 300_000;
const DISAGREEMENTS_MAX = 256;

/** Peers with whom there was a disagreement lately: told once, and no handshake is spent on them. */
export class Disagreements {
  private readonly byPeer = new Map<PeerKey, { readonly reason: Disagreement; readonly until: Instant }>();

  /** True when it is news. */
  note(peer: PeerKey, reason: Disagreement, now: Instant): boolean {
    const isNews = this.at(peer, now) !== reason;
    const [oldest] = this.byPeer.keys();
    if (this.byPeer.size >= DISAGREEMENTS_MAX && oldest !== undefined) this.byPeer.delete(oldest);
    this.byPeer.set(peer, { reason, until: now + DISAGREEMENT_MS });
    return isNews;
  }

  at(peer: PeerKey, now: Instant): Disagreement | undefined {
    const known = this.byPeer.get(peer);
    return known !== undefined && now < known.until ? known.reason : undefined;
  }

  /** Until a session comes about. */
  last(peer: PeerKey): Disagreement | undefined {
    return this.byPeer.get(peer)?.reason;
  }

  delete(peer: PeerKey): void {
    this.byPeer.delete(peer);
  }
}

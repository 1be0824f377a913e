/**
 * The two session tables of a network: with neighbours over paths, and end to
 * end over its overlay, whose paths name peers. What they agree on with others
 * differs in the prologue, the keys that are asked for, and who pays.
 * Source: decisions.md "Link, path, session".
 */
import type { PostQuantumPolicy } from '@warren/group';
import { senderGroup } from '@warren/link';
import {
  type HandshakeFailure,
  type PostQuantumMode,
  prologue,
  type Scope,
  Sessions,
  type SessionsOptions,
} from '@warren/session';
import { CLOCK_SKEW_MS } from '@warren/trust';
import { PEER_ID_BYTES, peerIdFromKey, peerKey } from '@warren/wire';
import { EndToEnd } from './end-to-end.ts';
import type { NetworkOptions } from './network-options.ts';

/** Refusals that a wrong clock, ours or theirs, explains. */
const DATED: ReadonlySet<HandshakeFailure> = new Set([
  'authority-not-yet-valid',
  'authority-expired',
  'not-yet-valid',
  'expired',
  'statement-not-yet-valid',
  'statement-expired',
]);

/**
 * What each policy means between neighbours: their links are upgraded only where it is required, as it is links that
 * somebody on the wire records. Whoever may do without still does it for a member whose policy is newer.
 */
const LINK_MODES: Readonly<Record<PostQuantumPolicy, PostQuantumMode>> = {
  off: 'off',
  on: 'when-required',
  required: 'required',
};

/** Sessions with neighbours. */
export function neighbourSessions(options: NetworkOptions): Sessions {
  const mode = LINK_MODES[options.postQuantum ?? 'off'];
  return sessions(options, 'point-to-point', mode, () => prologue(options.authority.networkKey, []));
}

/** Sessions with peers that are not neighbours: a path is `EndToEnd.path` of the other end. */
export function endToEndSessions(options: NetworkOptions): Sessions {
  const { authority, credentials } = options;
  const self = credentials.leaf.peerId;
  const prologueFor: SessionsOptions['prologueFor'] = (path, role) => {
    const remote = peerIdFromKey(EndToEnd.peer(path)) ?? new Uint8Array(PEER_ID_BYTES);
    return prologue(authority.networkKey, role === 'initiator' ? [self, remote] : [remote, self]);
  };
  return sessions(options, 'end-to-end', options.postQuantum ?? 'off', prologueFor);
}

function sessions(
  options: NetworkOptions,
  scope: Scope,
  postQuantum: PostQuantumMode,
  prologueFor: SessionsOptions['prologueFor'],
): Sessions {
  const { suite, authority, credentials, random, wallClock, indices, kem, clockHint, remotes } = options;
  const self = peerKey(credentials.leaf.peerId);
  const common = { suite, authority, credentials, random, wallClock, indices, self, ...(kem ? { kem } : {}) };
  const heardClock = (aheadMs: number) => {
    clockHint.isOdd = Math.abs(aheadMs) > CLOCK_SKEW_MS;
  };
  const heardRefusal = (reason: HandshakeFailure) => {
    if (DATED.has(reason)) clockHint.isOdd = true;
  };
  const groupOf = (path: string, via: string | undefined) => senderGroup(path, via, remotes.of(path));
  const paths = scope === 'end-to-end' ? { pathTo: EndToEnd.path } : {};
  return new Sessions({ ...common, ...paths, scope, postQuantum, prologueFor, heardClock, heardRefusal, groupOf });
}

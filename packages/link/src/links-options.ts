/** What the link table of one network needs to know, and what it gives back. The table is `links.ts`. */
import type { Random } from '@warren/base';
import type { HandshakeFailure, Identity, Origin, PathId, Sessions } from '@warren/session';
import type { PeerId, PeerKey, Willingness } from '@warren/wire';
import type { NatBehaviour } from './nat.ts';
import type { RelayChoice } from './relay-search.ts';
import type { RelaysStats } from './relays.ts';
import type { WebRtcOutput } from './web-rtc.ts';
import type { WebSocketOutput } from './web-socket.ts';

/**
 * Why a link ended: `replaced` by a fresh run of the neighbour, whose link follows; `unneeded`: one of the two has no use
 * for it any more, and both are there.
 */
export type LinkLoss = 'lost' | 'closed' | 'replaced' | 'stopped' | 'unneeded';

export type LinksOutput =
  | { readonly kind: 'send'; readonly path: PathId; readonly bytes: Uint8Array }
  | { readonly kind: 'up'; readonly peer: PeerKey; readonly identity: Identity }
  /** From where the neighbour whose address is `to` sees us: others may try that address. */
  | { readonly kind: 'seen'; readonly to: string; readonly address: string }
  | { readonly kind: 'changed'; readonly peer: PeerKey }
  /** Whether nothing comes back on a link that is up: until it is known to be lost, others should carry what they can. */
  | { readonly kind: 'doubt'; readonly peer: PeerKey; readonly isDoubtful: boolean }
  | { readonly kind: 'down'; readonly peer: PeerKey; readonly reason: LinkLoss }
  /** A datagram that the neighbour `via` passed on from another; it may be for another network too. */
  | { readonly kind: 'carried'; readonly path: PathId; readonly via: PeerKey; readonly bytes: Uint8Array }
  /** A link to this peer would make a relay to somebody: P2 4.3 "creating overlap". */
  | { readonly kind: 'wanted'; readonly peer: PeerKey }
  | { readonly kind: 'unreachable'; readonly peer: PeerKey | undefined; readonly reason: HandshakeFailure }
  | WebRtcOutput
  | WebSocketOutput;

/** What the neighbour sent up, returned from `receive` without an object per layer. */
export interface Received {
  readonly kind: 'overlay' | 'member' | 'frame';
  /** The session it came out of: the neighbour's, and nobody else's word. */
  readonly origin: Origin;
  readonly bytes: Uint8Array;
}

export interface LinksOptions {
  readonly self: PeerKey;
  /** `public` or the group id: `via/<network>/` paths of the same name are carried by ourselves. */
  readonly network: string;
  readonly sessions: Sessions;
  readonly random: Random;
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** `sockets`: extra UDP sockets, paths `udp/<address>~<number>`. `pinned`: it dials servers that are known by their key. */
  readonly can: {
    readonly udp: boolean;
    readonly sockets?: boolean;
    readonly webrtc: boolean;
    readonly pinned?: boolean;
  };
  readonly hostKind: number;
  /** Our place in the public overlay, offered as a carrier. */
  readonly publicId?: PeerId;
  /** The largest datagram on a path that has not been probed for more. */
  readonly maxBytes: (path: PathId) => number;
  /** Own addresses that others may try. */
  readonly addresses: () => readonly string[];
  /** Whether what we send to an address comes back to us to be sent, as all of a group's own addresses do. */
  readonly isOurTunnel?: (address: string) => boolean;
  /** What NATs do with our UDP. */
  readonly nat: () => NatBehaviour;
  /** Where we listen for WebSockets of members, as `mayDial` of `web-socket.ts` wants it; absent: nowhere. */
  readonly urls?: () => readonly string[];
  /** Whether neighbours are strangers, whose candidates are filtered. */
  readonly strangers: boolean;
  /** Whether our certificate lets us relay for others. */
  readonly mayRelay: () => boolean;
  /** When we do, `always` by default. */
  readonly willingness?: Willingness;
  /** How we choose among relays, by `latency` unless said otherwise. */
  readonly relayChoice?: RelayChoice;
}

/** Counters. */
export interface LinksStats {
  readonly malformed: number;
  /** Candidates and signals that aim at private networks on a stranger's word, and offers of data channels without end. */
  readonly refusedCandidates: number;
  /** Messages and frames for which there was no session or that were too large. */
  readonly dropped: number;
  readonly relays: RelaysStats;
}

/** What one network of a participant needs to know, and what it gives back. Its stack is `network.ts`. */

import type { Random, WallClock } from '@warren/base';
import type { DhtOutput } from '@warren/dht';
import type { PostQuantumPolicy } from '@warren/group';
import type { LinksOutput, NatBehaviour, RelayChoice } from '@warren/link';
import type { NoiseSuite } from '@warren/noise';
import type { OverlayOutput } from '@warren/overlay';
import type { Kem, Origin, SessionIndices, Sessions } from '@warren/session';
import type { Authority, Credentials, Identity } from '@warren/trust';
import type { PeerId, PeerKey, Willingness } from '@warren/wire';
import type { AcquaintancesOutput } from './acquaintances.ts';
import type { HostKind, PathId } from './host.ts';
import type { Remotes } from './remotes.ts';

/** What all networks of a process share. */
export interface Surroundings {
  readonly kind: HostKind;
  readonly random: Random;
  readonly suite: NoiseSuite;
  readonly wallClock: WallClock;
  readonly indices: SessionIndices<Sessions>;
  /** Whether the last handshake in any network found a clock, a certificate or a statement that does not fit our clock. */
  readonly clockHint: { isOdd: boolean };
  readonly can: {
    readonly udp: boolean;
    readonly sockets?: boolean;
    readonly webrtc: boolean;
    readonly pinned?: boolean;
  };
  /** Most links of one network. */
  readonly linkBudget: number;
  readonly maxBytes: (path: PathId) => number;
  /** Own UDP addresses that others may try. */
  readonly addresses: () => readonly string[];
  /** Whether an address lies behind the device of a group of ours: no path leads there. */
  readonly isOurTunnel?: (address: string) => boolean;
  /** Where we listen for WebSockets of members; absent: nowhere. */
  readonly urls?: () => readonly string[];
  /** What NATs do with our UDP. */
  readonly nat: () => NatBehaviour;
  /** When we relay for others, `always` by default; how we choose among relays, by `latency`. */
  readonly willingness?: Willingness;
  readonly relayChoice?: RelayChoice;
  /** Where accepted WebSockets come from. */
  readonly remotes: Pick<Remotes, 'of'>;
  /** Ed25519 by a working key; `sim` gives a cheap one. */
  readonly sign?: (secret: Uint8Array, message: Uint8Array) => Uint8Array;
  /** ML-KEM-768 by default; `sim` gives a cheap one. */
  readonly kem?: Kem;
}

export interface NetworkOptions extends Surroundings {
  /** `public`, or the group id. */
  readonly name: string;
  readonly authority: Authority;
  readonly credentials: Credentials;
  /** Our place in the public overlay; absent in that itself. */
  readonly publicId?: PeerId;
  /** `off` by default. */
  readonly postQuantum?: PostQuantumPolicy;
  /** The peers of before, as an output of the last run gave them. */
  readonly acquaintances?: Uint8Array;
}

/** What the disk is to hold of the records that we hold for others, before anything is sent that says so. */
export type ShelfOutput =
  | { readonly kind: 'keep'; readonly slot: string; readonly bytes: Uint8Array }
  | { readonly kind: 'drop'; readonly slot: string };

/** What came by a broadcast, and what censuses and crawls of ours have found. */
export type RingWideOutput = Extract<OverlayOutput, { kind: 'broadcast' | 'gathered' | 'crawled' }>;

export type NetworkOutput =
  | Extract<
      LinksOutput,
      { kind: 'send' | 'dial' | 'open-webrtc' | 'signal-webrtc' | 'close-path' | 'unreachable' | 'seen' }
    >
  | { readonly kind: 'up'; readonly peer: PeerKey; readonly identity: Identity }
  /** `isAway`: the neighbour may be gone, and has not only given up a link that nobody needs. */
  | { readonly kind: 'down'; readonly peer: PeerKey; readonly isAway: boolean }
  | { readonly kind: 'changed' }
  /** A point-to-point datagram that this network carried or relayed; `path` says from whom, on the word of the neighbour `via`. */
  | { readonly kind: 'carried'; readonly path: PathId; readonly via: PeerKey | undefined; readonly bytes: Uint8Array }
  | { readonly kind: 'frame' | 'member'; readonly origin: Origin; readonly bytes: Uint8Array }
  | Extract<DhtOutput, { kind: 'stored' | 'found' }>
  /** From the whole ring: of a group only. */
  | RingWideOutput
  /** News under a key that we watch. */
  | (Omit<Extract<DhtOutput, { kind: 'changed' }>, 'kind'> & { readonly kind: 'watched' })
  | Extract<AcquaintancesOutput, { kind: 'acquaintances' }>
  | ShelfOutput;

/** What a participant does in the same way whichever network asks for it. */
export type CommonOutput = Extract<
  NetworkOutput,
  {
    kind:
      | 'send'
      | 'carried'
      | 'seen'
      | 'dial'
      | 'open-webrtc'
      | 'signal-webrtc'
      | 'close-path'
      | 'changed'
      | 'acquaintances'
      | 'keep'
      | 'drop';
  }
>;

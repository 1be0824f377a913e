/** What a `Vpn` is told at its start, what happens to it, and what it asks for: read these to know it. */
import type { Random } from '@warren/base';
import type { PeerId, PeerKey } from '@warren/wire';
import type { InternetOffer } from './internet.ts';
import type { Range, Route } from './routes.ts';
import type { SearchNames } from './search-names.ts';
import type { DnsClient } from './service.ts';
import type { Subnet } from './subnet.ts';

export type VpnInput =
  /** The private overlay can store records; also after it came back. */
  | { readonly kind: 'ready' }
  /** The DHT's answer to `claim`: ours, another's, or not known because storing failed. */
  | { readonly kind: 'claim-result'; readonly address: number; readonly result: 'held' | 'taken' | 'failed' }
  /** An older claim on our address came up, as after a partition. */
  | { readonly kind: 'claim-lost'; readonly address: number }
  /** The DHT's answer to `find-owner`, or unasked news; `undefined`: nobody. */
  | { readonly kind: 'owner'; readonly address: number; readonly peerId: PeerId | undefined }
  /** What lies behind other members: whoever says so has checked their rights. Replaces all from before. */
  | { readonly kind: 'routes'; readonly routes: readonly Route[] }
  /** Who leads to the Internet: the same holds. */
  | { readonly kind: 'gateways'; readonly offers: readonly InternetOffer[] };

export type VpnOutput =
  /** Store or renew our claim on the address. */
  | { readonly kind: 'claim'; readonly address: number }
  /** Look up whose claim on the address stands. */
  | { readonly kind: 'find-owner'; readonly address: number }
  /** The address is ours: give it to the device, keep it as `preferred`. */
  | { readonly kind: 'configured'; readonly address: number; readonly prefixBits: number }
  /** The address is no longer ours; another `configured` follows. */
  | { readonly kind: 'conflict'; readonly address: number }
  /** Send the Ethernet frame end to end to the peer. */
  | { readonly kind: 'frame'; readonly to: PeerId; readonly frame: Uint8Array }
  /** Write the Ethernet frame to the TAP device. */
  | { readonly kind: 'tap'; readonly frame: Uint8Array }
  /** Answer a DNS query of our machine, with `answerDns`. */
  | { readonly kind: 'dns'; readonly client: DnsClient; readonly query: Uint8Array }
  /** The answer to a question that went to our gateway by `askGateway`. */
  | { readonly kind: 'dns-answer'; readonly id: number; readonly answer: Uint8Array }
  /** Another gateway is in use, or none. */
  | { readonly kind: 'gateway'; readonly peer: PeerKey | undefined }
  /** Packets wait and no gateway is there: look who leads to the Internet. */
  | { readonly kind: 'seek-gateways' }
  /** A `ping` was answered. */
  | {
      readonly kind: 'pong';
      readonly id: number;
      readonly sequence: number;
      readonly rttMs: number;
      readonly from: number;
    };

/** What a member of a group is asked about others. */
export interface Acquainted {
  /** The member whose peer id begins with these 8 bytes; `undefined` when none is known. */
  memberWith(interfaceId: Uint8Array): PeerId | undefined;
  /** Members that asked for multicast and broadcast. */
  listeners(): readonly PeerId[];
  /** Whether frames may be exchanged with the peer. */
  allows(peerId: PeerId): boolean;
}

export interface VpnOptions {
  /** Our peer id, 20 bytes. */
  readonly self: PeerId;
  /** The group's id: IPv6 addresses follow from it. */
  readonly group: string;
  readonly subnet: Subnet;
  readonly hasTap: boolean;
  readonly names: SearchNames;
  readonly members: Acquainted;
  /** Ranges behind us, as a router; none by default. */
  readonly announced?: readonly Range[] | undefined;
  /** Whether we want multicast and broadcast of others; false by default. */
  readonly hearsGroups?: boolean | undefined;
  /** The address of the last run; ignored when it is not assignable. */
  readonly preferred?: number | undefined;
  readonly random: Random;
}

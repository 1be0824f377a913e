/**
 * Who takes part in the lab's runs, wherever it lives: in this process, in a process of another namespace, or in a
 * page. What one is told to do and what it tells are plain values, so that they pass through pipes.
 */
import type { GroupView, LinkKind, PingReport } from '@warren/peer';

/** Where a participant finds others. */
export interface Surroundings {
  /** `ws://` URLs. */
  readonly bootstraps: readonly string[];
  /** `stun:host:port`. */
  readonly stun: readonly string[];
}

export interface Seat extends Surroundings {
  /** 26 characters base32. */
  readonly group: string;
  readonly device: string;
  /** The name of its Ethernet device, in Node; absent: none. */
  readonly interfaceName?: string;
  /** Whether members may open WebSockets to it, in Node. */
  readonly listensWs?: true;
  /** How it chooses among relays (P2 4.3). */
  readonly relayChoice?: 'latency' | 'stability';
}

/** How two who know each other came to talk. Times are Unix ms with fractions: all clocks are this machine's. */
export interface Meeting {
  /** When the other was first seen as a member, and sent a first line. */
  readonly sentAt?: number;
  /** When the other's first line came. */
  readonly heardAt?: number;
  /** When the link to it was first direct: UDP or WebRTC. */
  readonly directAt?: number;
  /** When it was first relayed by somebody. */
  readonly relayedAt?: number;
  /** What the link is at the end; absent without one. */
  readonly kind?: LinkKind;
}

/** What a participant can be told. Everything rejects with a sentence. */
export interface Actor {
  /** Starts it, in the public overlay; gives its certificate request, base64url. */
  open(seat: Seat): Promise<string>;
  /** Joins the group with the text of a group file and a leaf, base64url. */
  join(file: string, leaf: string): Promise<void>;
  /** Begins to look out for a member, to send it a line when it is seen, and to write down what happens. */
  greet(peerId: string): Promise<void>;
  /** Waits for what `greet` was to see: the other's line, and a link of one of these kinds. Gives what there is after `patienceMs`. */
  met(peerId: string, kinds: readonly LinkKind[], patienceMs: number): Promise<Meeting>;
  /** Waits first until the member has an address. */
  ping(peerId: string, count: number, intervalMs: number): Promise<PingReport>;
  view(): Promise<GroupView>;
  /** How many links it has, in the public overlay and in the group. */
  links(): Promise<number>;
  /** Ends it, with all it kept. */
  close(): Promise<void>;
}

/** The kinds of link that need nobody between. */
export const DIRECT: readonly LinkKind[] = ['udp', 'webrtc'];

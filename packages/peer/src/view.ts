/**
 * What people and tools may see of a participant: plain values, JSON-ready,
 * never live objects. Pages, the command line and tests read these.
 */

export type LinkKind = 'udp' | 'webrtc' | 'websocket' | 'relay' | 'overlay';

export interface LinkView {
  /** 40 hex digits. */
  readonly peerId: string;
  readonly kind: LinkKind;
  /** 40 hex digits: who relays, where the kind is `relay`. */
  readonly via?: string;
  /** Smoothed round-trip time; absent until measured. */
  readonly rttMs?: number;
  /** Why the link is there. */
  readonly roles: readonly ('near' | 'far' | 'leaf' | 'on-demand')[];
  /** Whether its session has post-quantum keys. */
  readonly pq: boolean;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** How a member is reached. */
export interface WayView {
  readonly kind: LinkKind;
  /** Who relays, where the kind is `relay`: `device.user`, or 40 hex digits of a member not known by name. */
  readonly via?: string;
  readonly rttMs?: number;
}

/** What was relayed between others (P2 4.3), and what was not, by reason. */
export interface RelayedView {
  readonly datagrams: number;
  readonly bytes: number;
  readonly refused: Readonly<Record<'no-link' | 'no-right' | 'quota' | 'unwilling', number>>;
}

export interface MemberView {
  /** 40 hex digits; the place on the ring. */
  readonly peerId: string;
  /** `device.user`, unique in the group. */
  readonly name: string;
  readonly device: string;
  readonly user: string;
  readonly kind: 'browser' | 'edge' | 'site';
  /** Virtual address such as `10.128.3.4`; absent until claimed. */
  readonly address?: string;
  /** IPv6 address inside the group, which follows from the peer id. */
  readonly address6?: string;
  /** Ranges of addresses behind it, as a router that has the right to it; absent where there are none. */
  readonly routes?: readonly string[];
  /** Teams of its user, by the alphabet; absent while its certificate is older than their last change. */
  readonly teams?: readonly string[];
  /** What its certificate lets it do for others. */
  readonly rights: readonly ('relay' | 'gateway' | 'router')[];
  readonly self: boolean;
  readonly online: boolean;
  /** A hidden tab or a device on battery, chosen last for duties; known of neighbours, absent where it is not so. */
  readonly resting?: true;
  /** How we reach it; absent for ourselves and where there is no direct link. */
  readonly link?: WayView;
  /** Whether the session in use, of the link or end to end, has post-quantum keys; absent where there is none. */
  readonly pq?: boolean;
  /** Why there is no session: one side requires post-quantum keys, the other is set not to have them. */
  readonly disagreement?: 'peer-requires-post-quantum' | 'peer-lacks-post-quantum';
}

export interface GroupView {
  /** 26 characters base32. */
  readonly group: string;
  /** Display name. */
  readonly name: string;
  readonly subnet: string;
  /** What names of members end with, `home.warren`; the name server of this device; where short names are looked for. */
  readonly names?: { readonly domain: string; readonly server: string; readonly search: readonly string[] };
  /** What this device asks of the keys of sessions. */
  readonly postQuantum: 'off' | 'on' | 'required';
  /** `searching`: no member found yet. `connected`: at least one link, or alone and in the ring. */
  readonly state: 'starting' | 'searching' | 'connected' | 'stopped';
  /**
   * Why nobody may accept us. `certificate-expired`: it is to be renewed at the site. `clock`: by our clock the
   * certificates of others, or our own, are not valid yet or any more. `removed`: the group's authority has declared
   * our certificate dead.
   */
  readonly problem?: 'removed' | 'certificate-expired' | 'clock';
  readonly self: MemberView;
  readonly members: readonly MemberView[];
  readonly links: readonly LinkView[];
  /** Members that offer the Internet and may, the best first where a tunnel is on; absent where there are none. */
  readonly gateways?: readonly GatewayView[];
  /** This device's Internet traffic goes through the group, or should and nothing passes; absent where it does not. */
  readonly tunnel?: 'on' | 'no-gateway';
  /** What this device offers as a gateway; absent where it does not. */
  readonly leading?: { readonly ipv6: boolean; readonly capacityMbit: number };
  /** Broadcasts that reached us, and parts of the ring that we handed them on to. */
  readonly broadcasts?: { readonly taken: number; readonly handedOn: number };
  /** DHT records that we hold for others. */
  readonly recordsHeld: number;
  /** Absent where the host keeps no records. */
  readonly storage?: StorageView;
  /** Datagrams of the overlay that we passed on for others. */
  readonly forwarded: number;
  readonly relayed?: RelayedView;
}

/** A member that offers its way to the Internet. */
export interface GatewayView {
  /** 40 hex digits. */
  readonly peerId: string;
  /** `device.user`. */
  readonly name: string;
  readonly ipv6: boolean;
  /** Mbit/s that it says it has; 0: it does not say. */
  readonly capacityMbit: number;
  /** As asked now and then; `unknown` without a tunnel, and where it has not answered yet. */
  readonly state: 'unknown' | 'live' | 'dead';
  readonly current: boolean;
}

/** How the records that are held for others outlive this run. */
export interface StorageView {
  /** `loading`: those of the last run are still being read. `off`: what comes is held in memory only. */
  readonly state: 'loading' | 'on' | 'off';
  readonly entries: number;
  readonly bytes: number;
  /** Why it is off, for a person. */
  readonly problem?: string;
}

/** What NATs do with our UDP over one address family, as neighbours see it. */
export interface NatView {
  /**
   * RFC 4787 section 4.1: whether all see us at one address. `endpoint-independent` without a NAT too; `unknown` before
   * two hosts have said where they see us.
   */
  readonly mapping: 'unknown' | 'endpoint-independent' | 'endpoint-dependent';
  /** Ports from one mapping to the next; 0: no step, or no need of one. */
  readonly portStep: number;
  /** `192.0.2.7:41641`, `[2001:db8::7]:41641`: where others see us, at most two; of a mapping for each of them the newest. */
  readonly addresses: readonly string[];
}

export interface PublicView {
  /** 40 hex digits. */
  readonly peerId: string;
  readonly state: 'connecting' | 'connected' | 'stopped';
  readonly bootstraps: readonly { readonly url: string; readonly state: 'connecting' | 'connected' | 'failed' }[];
  readonly links: readonly LinkView[];
  /** By address family; absent where nobody has seen us over UDP. */
  readonly nat?: { readonly ipv4?: NatView; readonly ipv6?: NatView };
  readonly recordsHeld: number;
  readonly storage?: StorageView;
  readonly forwarded: number;
  readonly relayed?: RelayedView;
}

export interface PeerView {
  readonly public: PublicView;
  readonly groups: readonly GroupView[];
}

/** One line of text between members. */
export interface TextMessage {
  readonly from: string;
  readonly text: string;
  /** Unix ms at the receiver. */
  readonly at: number;
}

export interface PingReport {
  readonly target: string;
  readonly address: string;
  readonly sent: number;
  readonly lost: number;
  /** Of the answered ones, in order. */
  readonly rttsMs: readonly number[];
}

/** One peer of a group as a crawl found it. */
export interface CrawledPeerView {
  /** 40 hex digits; the place on the ring. */
  readonly peerId: string;
  /** `device.user`; absent while the list of members does not name it. */
  readonly name?: string;
  readonly kind: 'browser' | 'edge' | 'site' | 'bootstrap';
  /** How many links it has. */
  readonly links: number;
  /** DHT records that it holds. */
  readonly recordsHeld: number;
  /** A hidden tab or a device on battery: chosen last for duties. */
  readonly resting: boolean;
  /** Whom it is linked to clockwise, nearest first: at most 3. */
  readonly successors: readonly string[];
  /** The same the other way round. */
  readonly predecessors: readonly string[];
  /** From our question to its answer, over all hops; absent for ourselves. */
  readonly rttMs?: number;
}

/** Where two views of the ring disagree. */
export interface CrawlInconsistency {
  /** Which of its two neighbours on each side a peer names wrongly, or `silent`: others name it, it does not answer. */
  readonly kind: 'successor' | 'second-successor' | 'predecessor' | 'second-predecessor' | 'silent';
  /** The peer whose view it is, or that is silent. */
  readonly at: string;
  /** Who sits there by what all others answered; of a silent one, who named it. */
  readonly expected: string;
  /** Whom it names instead; absent when nobody. */
  readonly found?: string;
  /** The same as a sentence. */
  readonly text: string;
}

/** A walk round the ring of a group. */
export interface CrawlView {
  /** In the order of the ring. */
  readonly peers: readonly CrawledPeerView[];
  readonly inconsistencies: readonly CrawlInconsistency[];
  /** Whether everybody who was named was asked, and answered. False while it goes on, and where it was cut short. */
  readonly complete: boolean;
  readonly tookMs: number;
}

/** The state of a group, added up on the way back from everybody. */
export interface CensusView {
  readonly peers: number;
  /** Peers that are linked to the nearest peers on both sides that they know of. */
  readonly consistent: number;
  /** Links, counted once though both ends have them. */
  readonly links: number;
  /** DHT records held, copies counted each. */
  readonly records: number;
  readonly browsers: number;
  /** Hops to the farthest peer. */
  readonly depth: number;
  /** Arcs of the ring from which no answer came; 0 where the census is complete. */
  readonly unanswered: number;
  readonly tookMs: number;
}

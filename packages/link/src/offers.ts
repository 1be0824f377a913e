/**
 * What two neighbours tell each other about ways between them: addresses,
 * abilities, carriers, WebRTC signals. Told inside the session, so that nobody
 * else learns them, and repeated until acknowledged. Source: overlay.md "Links".
 */
import type { Instant } from '@warren/base';
import {
  CANDIDATES_MAX,
  decodeLinkMessage,
  encodeLinkMessage,
  Inner,
  type LinkMessage,
  type PeerId,
  type PeerKey,
  peerKey,
  URLS_MAX,
} from '@warren/wire';
import { mayProbe } from './candidates.ts';
import type { Candidates, Link } from './link.ts';
import type { NatBehaviour } from './nat.ts';
import type { Outbound } from './outbound.ts';
import type { Probing } from './probing.ts';
import type { Relays } from './relays.ts';
import type { Unnumbered } from './reliable.ts';
import { withoutLocalCandidates } from './stranger-signals.ts';
import type { WebRtc } from './web-rtc.ts';

export interface OffersOptions {
  readonly self: PeerKey;
  readonly network: string;
  readonly can: { readonly udp: boolean; readonly webrtc: boolean };
  readonly hostKind: number;
  /** Our place in the public overlay, offered as a carrier. */
  readonly publicId?: PeerId;
  /** Own addresses that others may try. */
  readonly addresses: () => readonly string[];
  readonly nat: () => NatBehaviour;
  readonly urls?: () => readonly string[];
  readonly strangers: boolean;
  readonly outbound: Outbound;
  readonly probing: Probing;
  readonly webRtc: WebRtc;
  readonly relays: Relays;
}

/** The talk about paths on all links of one network. */
export class Offers {
  /** Signals without anything that we may use. */
  refused = 0;
  private readonly options: OffersOptions;

  constructor(options: OffersOptions) {
    this.options = options;
  }

  /** Tells the neighbour how we can be reached. */
  offer(link: Link, now: Instant): void {
    const { can, hostKind, publicId } = this.options;
    const { strangers } = this.options;
    const own = can.udp ? this.options.addresses() : [];
    const addresses = own.filter(address => !strangers || mayProbe(address, strangers)).slice(0, CANDIDATES_MAX);
    const nat = this.options.nat();
    const urls = strangers ? [] : (this.options.urls?.() ?? []).slice(0, URLS_MAX);
    const { willingness } = this.options.relays;
    const able = { webrtc: can.webrtc, udp: can.udp, hostKind, willingness } as const;
    const base = { kind: 'candidates', ...able, nat, addresses, urls } as const;
    this.tell(link, publicId === undefined ? base : { ...base, publicId }, now);
  }

  /** Hands our host's WebRTC signal to the neighbour; strangers hear no private addresses. */
  signal(link: Link, connection: string, signal: string, now: Instant): void {
    const told = this.options.strangers ? withoutLocalCandidates(signal) : signal;
    if (told !== undefined) this.tell(link, { kind: 'signal', connection, signal: told }, now);
  }

  /** Sends what is due, as soon as the link has a proven path. */
  flush(link: Link, now: Instant): void {
    if (link.best === undefined) return;
    for (const message of link.reliable.due(now)) {
      this.options.outbound.message(link, link.best, Inner.LINK_MESSAGE, encodeLinkMessage(message), now);
    }
  }

  /**
   * Takes the neighbour's message; `news` when its offer has changed. Without a proven path of our own nothing is
   * acknowledged: the neighbour repeats what it said.
   */
  receive(link: Link, body: Uint8Array, now: Instant): 'malformed' | 'news' | undefined {
    const message = decodeLinkMessage(body);
    if (message === undefined) return 'malformed';
    if (message.kind === 'acknowledge') {
      link.reliable.acknowledged(message.id);
      return undefined;
    }
    const acknowledgement = encodeLinkMessage({ kind: 'acknowledge', id: message.id });
    const { best } = link;
    if (best !== undefined) this.options.outbound.message(link, best, Inner.LINK_MESSAGE, acknowledgement, now);
    if (!link.reliable.isNew(message.id)) return undefined;
    if (message.kind === 'signal') {
      this.remoteSignal(link, message, now);
      return undefined;
    }
    if (!link.reliable.isNewest(message)) return undefined;
    if (message.kind === 'neighbours') this.options.relays.heard(link, message.neighbours, now);
    else this.candidates(link, message, now);
    return message.kind === 'candidates' ? 'news' : undefined;
  }

  /** Says something until it is acknowledged. */
  tell(link: Link, message: Unnumbered, now: Instant): void {
    link.reliable.push(message, now);
    link.deadline.moved();
    this.flush(link, now);
  }

  private candidates(link: Link, offered: Candidates, now: Instant): void {
    const { can, self, network, probing, webRtc, relays } = this.options;
    const isOtherWill = link.remote?.willingness !== offered.willingness;
    link.remote = offered;
    if (isOtherWill) relays.review(now);
    link.offersWebRtc = can.webrtc && offered.webrtc && !(can.udp && offered.udp) && self < link.peer;
    if (can.udp) probing.tryAddresses(link, now);
    const carrier = offered.publicId && network !== 'public' ? peerKey(offered.publicId) : undefined;
    if (carrier !== undefined) probing.tryPath(link, `via/public/${carrier}`, now);
    webRtc.offer(link, now);
  }

  private remoteSignal(link: Link, message: Extract<LinkMessage, { kind: 'signal' }>, now: Instant): void {
    const signal = this.options.strangers ? withoutLocalCandidates(message.signal) : message.signal;
    if (signal === undefined) this.refused++;
    else this.options.webRtc.signal(link, { ...message, signal }, now);
  }
}

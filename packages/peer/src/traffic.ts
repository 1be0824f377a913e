/**
 * Frames and messages of members: over the link to the other, or end to end
 * where there is none, or where nothing comes back on it and neighbours lead
 * there. So a link that dies costs the time to doubt it, not to give it up.
 */
import type { Instant } from '@warren/base';
import type { Links } from '@warren/link';
import type { Overlay } from '@warren/overlay';
import { Inner, type PeerKey, peerIdFromKey } from '@warren/wire';
import type { EndToEnd, EteMessage } from './end-to-end.ts';

/** How far neighbours are changes slowly. */
const MEASURE_MS = 10_000;
/** A relay, or somebody who would be one, is worth a link as if so many datagrams had gone there (`overlay` demand.ts). */
export const RELAY_DEMAND = 48;

/** What members of one network send to each other. */
export class Traffic {
  private readonly links: Links;
  private readonly overlay: Overlay;
  private readonly endToEnd: EndToEnd;
  private measureAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(links: Links, overlay: Overlay, endToEnd: EndToEnd) {
    this.links = links;
    this.overlay = overlay;
    this.endToEnd = endToEnd;
  }

  /** Sends an Ethernet frame. */
  frame(to: PeerKey, frame: Uint8Array, now: Instant): void {
    this.overlay.traffic(to, now);
    if (!this.goesRound(to) && this.links.sendFrame(to, frame, now)) return;
    this.endToEnd.send(to, Inner.ETE_FRAME, frame, now);
  }

  /** Sends a member message. */
  message(to: PeerKey, bytes: Uint8Array, now: Instant): void {
    this.overlay.traffic(to, now);
    if (!this.goesRound(to) && this.links.send(to, Inner.MEMBER, bytes, now)) return;
    this.endToEnd.send(to, Inner.MEMBER, bytes, now);
  }

  /** Takes what came end to end; what is in it shows that a link from there does not serve. */
  receive(source: PeerKey, via: PeerKey | undefined, bytes: Uint8Array, now: Instant): EteMessage | undefined {
    const received = this.endToEnd.receive(source, via, bytes, now);
    if (received === undefined) return undefined;
    this.links.heardRound(received.origin.peer, now);
    this.overlay.traffic(received.origin.peer, now);
    return received;
  }

  /** Tells the overlay how far neighbours are, and which of them relay, from time to time: cheap when called often. */
  measure(now: Instant): void {
    if (now < this.measureAt) return;
    this.measureAt = now + MEASURE_MS;
    for (const peer of this.links.usable()) {
      const rttMs = this.links.info(peer)?.rttMs;
      if (rttMs !== undefined) this.overlay.measured(peer, rttMs);
    }
    for (const peer of this.links.relays.legs(now)) this.overlay.traffic(peer, now, RELAY_DEMAND);
  }

  private goesRound(to: PeerKey): boolean {
    const id = this.links.isDoubtful(to) ? peerIdFromKey(to) : undefined;
    return id !== undefined && this.overlay.goesRound(id);
  }
}

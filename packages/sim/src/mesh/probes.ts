/**
 * Questions that the world asks through its peers: who is nearest to an id?
 * They travel as requests to a DHT would, and the peer that gets one answers
 * with its id; what comes back is compared with the true ring.
 */
import type { Instant } from '@warren/base';
import type { OverlayOutput } from '@warren/overlay';
import { type OverlayDatagram, OverlayType, type PeerId, type PeerKey, peerKey } from '@warren/wire';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';

/** The first byte of a probe: no request to a DHT begins like this. */
export const PROBE_MARK = 0xfe;
/** Tags of probes lie above those of DHTs. */
const FIRST_TAG = 2 ** 40;

/** How a probe ended. */
export interface ProbeResult {
  readonly asker: MeshPeer;
  readonly target: PeerId;
  /** Who answered; `undefined`: nobody. */
  readonly answerer: MeshPeer | undefined;
  /** Links that the request crossed until it was answered: 0 where the asker itself was nearest. */
  readonly hops: number;
  readonly tookMs: number;
}

interface Probe {
  readonly target: PeerId;
  readonly askedAt: Instant;
  readonly done: (result: ProbeResult) => void;
}

/** The probes of one world. */
export class Probes {
  private readonly world: MeshWorld;
  private readonly asked = new Map<number, Probe>();
  private nextTag = FIRST_TAG;

  constructor(world: MeshWorld) {
    this.world = world;
  }

  /** Asks who is nearest to `target`; `done` hears once. A peer that dies first is never heard of again. */
  ask(asker: MeshPeer, target: PeerId, done: (result: ProbeResult) => void): void {
    const tag = this.nextTag++;
    this.asked.set(tag, { target, askedAt: this.world.now, done });
    this.world.act(asker, ({ overlay }) =>
      overlay.request(OverlayType.DHT_REQUEST, target, Uint8Array.of(PROBE_MARK), tag, this.world.now),
    );
  }

  /** Asks the holder of a place something else; the answer is not heard. */
  request(asker: MeshPeer, target: PeerId, payload: Uint8Array): void {
    const tag = this.nextTag++;
    this.asked.set(tag, { target, askedAt: this.world.now, done: () => {} });
    this.world.act(asker, ({ overlay }) =>
      overlay.request(OverlayType.DHT_REQUEST, target, payload, tag, this.world.now),
    );
  }

  /** Answers a probe; false for any other datagram. */
  delivered(peer: MeshPeer, datagram: OverlayDatagram, from: PeerKey | undefined): boolean {
    if (datagram.type !== OverlayType.DHT_REQUEST || datagram.payload[0] !== PROBE_MARK) return false;
    const hops = from === undefined ? 0 : this.world.hopsInHand;
    peer.overlay.answer(datagram, from, OverlayType.DHT_ANSWER, Uint8Array.of(PROBE_MARK, hops), this.world.now);
    return true;
  }

  /** Takes the answer to a probe, or its lack; false for those of others. */
  answered(asker: MeshPeer, out: Extract<OverlayOutput, { kind: 'answer' | 'no-answer' }>): boolean {
    const probe = this.asked.get(out.tag);
    if (probe === undefined) return false;
    this.asked.delete(out.tag);
    const answerer = out.kind === 'answer' ? this.world.peer(peerKey(out.source)) : undefined;
    const hops = out.kind === 'answer' ? (out.payload[1] ?? 0) : 0;
    probe.done({ asker, target: probe.target, answerer, hops, tookMs: this.world.now - probe.askedAt });
    return true;
  }
}

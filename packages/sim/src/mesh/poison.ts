/**
 * Holders that answer with what is not true: a changed value under the old
 * signature, a record of their own under somebody's key, a version that was
 * replaced; and put such things elsewhere (faults.md rows 5, 6, 68).
 */
import { type DhtRecord, encodeDhtAnswer, encodeDhtRequest, OverlayType, type PeerId, peerKey } from '@warren/wire';
import { isForItself } from './droppers.ts';
import { forgeAnswer, readDhtRequest, readRequest } from './forgery.ts';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';
import type { Role } from './role.ts';

/** Each poisoner puts a forged record so often. */
const PUT_MS = 2000;
/** Records that they remember together. */
const KNOWN_MAX = 4096;

/** What poisoners did. */
export interface PoisonStats {
  /** Answers with a changed value; with a version that was replaced. */
  forged: number;
  replayed: number;
  /** Changed records that they tried to store. */
  put: number;
}

/** Poisoners who share what they saw. */
export class Poisoners implements Role {
  readonly name = 'poison';
  readonly stats: PoisonStats = { forged: 0, replayed: 0, put: 0 };
  /** The first version that any of them saw, by key. */
  private readonly known = new Map<string, { readonly position: PeerId; readonly record: DhtRecord }>();

  begin(peer: MeshPeer, world: MeshWorld): void {
    const { life } = peer;
    world.every(PUT_MS * (0.5 + world.random.unit()), () => {
      const isOn = peer.isAlive && peer.life === life;
      if (isOn) this.putForged(peer, world);
      return isOn;
    });
  }

  receive(peer: MeshPeer, from: string, bytes: Uint8Array, world: MeshWorld): Uint8Array | undefined {
    if (isForItself(peer, bytes)) return bytes;
    const request = readRequest(bytes);
    const wanted = request === undefined ? undefined : readDhtRequest(request);
    if (request === undefined || wanted === undefined) return bytes;
    if (wanted.op === 'put' || wanted.op === 'create') {
      const key = peerKey(wanted.record.key);
      const { position, record } = wanted;
      if (!this.known.has(key) && this.known.size < KNOWN_MAX) this.known.set(key, { position, record });
      return bytes;
    }
    if (wanted.op !== 'get') return bytes;
    const seen = this.known.get(peerKey(wanted.key))?.record;
    if (seen === undefined) return bytes;
    const isReplay = world.random.unit() < 0.5;
    if (isReplay) this.stats.replayed++;
    else this.stats.forged++;
    const records = [isReplay ? seen : changed(seen)];
    const payload = encodeDhtAnswer({ status: 'ok', more: false, records });
    forgeAnswer(world, peer, from, request, OverlayType.DHT_ANSWER, payload);
    return undefined;
  }

  /** Tries to overwrite one of the records that it knows of. */
  private putForged(peer: MeshPeer, world: MeshWorld): void {
    const all = [...this.known.values()];
    const one = all[Math.floor(world.random.unit() * all.length)];
    if (one === undefined) return;
    this.stats.put++;
    const payload = encodeDhtRequest({ op: 'put', position: one.position, record: changed(one.record) });
    world.probes.request(peer, one.position, payload);
  }
}

/** The same record with another value and a higher sequence, under the old signature. */
function changed(record: DhtRecord): DhtRecord {
  const value = record.value.map(byte => byte ^ 0x55);
  return { ...record, value, sequence: record.sequence + 1000 };
}

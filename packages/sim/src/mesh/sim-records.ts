/**
 * DHTs for the peers of a mesh, under one CA with cheap cryptography: who may
 * write, and what is forged, is decided as in earnest.
 */
import { concat, type Instant, sameBytes, utf8, WallClock } from '@warren/base';
import { Dht, type DhtOutput } from '@warren/dht';
import type { OverlayOutput } from '@warren/overlay';
import { Authority, decodeStatement } from '@warren/trust';
import {
  type DhtRecord,
  type OverlayDatagram,
  OverlayType,
  PEER_ID_BYTES,
  type PeerId,
  type PeerKey,
  peerKey,
  type RecordKind,
  recordSignedBytes,
} from '@warren/wire';
import { type SimAuthority, simAuthority, simCredentials, simMember } from '../certificates.ts';
import { SeededRandom } from '../random.ts';
import { cheapCrypto } from '../sim-crypto.ts';
import { EPOCH_UNIX_MS } from '../world.ts';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshRecords } from './mesh-records.ts';
import type { MeshWorld } from './mesh-world.ts';

/** Everything that a DHT needs beside its overlay. */
export type DhtContext = ConstructorParameters<typeof Dht>[0];
/** What a get found. */
export type Found = Extract<DhtOutput, { kind: 'found' }>;
/** How a write ended. */
export type Stored = Extract<DhtOutput, { kind: 'stored' }>;

/** A record to be written. */
export interface NewRecord {
  readonly kind: RecordKind;
  /** 20 bytes. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lifetimeS: number;
}

/** Hears how one operation ended. */
type Waiting = (out: Found | Stored) => void;

/** The DHTs of one world. */
export class SimRecords implements MeshRecords {
  readonly authority: SimAuthority;
  private readonly seed: number;
  private readonly random: SeededRandom;
  private readonly contexts = new Map<number, DhtContext>();
  private readonly trust: Authority;
  private readonly waiting = new Map<MeshPeer, Map<number, Waiting>>();

  constructor(seed: number) {
    this.seed = seed;
    this.random = new SeededRandom(seed, 'records');
    this.authority = simAuthority(this.random, EPOCH_UNIX_MS, cheapCrypto);
    const trust = Authority.group(this.authority.der, { verifier: cheapCrypto.verifier() });
    if (trust === undefined) throw new Error('a simulated CA is accepted');
    this.trust = trust;
  }

  machine(index: number, self: PeerId): Dht {
    return new Dht(this.contextOf(index, self));
  }

  /** What the peer signs with, and checks by. */
  contextOf(index: number, self: PeerId): DhtContext {
    const known = this.contexts.get(index);
    if (known !== undefined) return known;
    const names = { user: `u${index}`, device: `d${index}`, peerId: self };
    const identity = simMember(this.authority, names, this.random, EPOCH_UNIX_MS);
    const context: DhtContext = {
      authority: this.trust,
      credentials: simCredentials(identity, this.random, EPOCH_UNIX_MS),
      wallClock: new WallClock(EPOCH_UNIX_MS, 0),
      sign: cheapCrypto.sign,
      random: new SeededRandom(this.seed, `dht ${index}`),
      place: bytes => cheapCrypto.suite.hash(bytes).slice(0, PEER_ID_BYTES),
    };
    this.contexts.set(index, context);
    return context;
  }

  /** Stores a record of `peer`; `done` hears how it ended, unless the peer dies before. */
  put(world: MeshWorld, peer: MeshPeer, o: NewRecord, done: (out: Stored) => void = () => {}): void {
    this.write(world, peer, dht => dht.put(o, world.now), done);
  }

  /** The same where nobody else has a value there, as for addresses. */
  create(world: MeshWorld, peer: MeshPeer, o: NewRecord, done: (out: Stored) => void): void {
    this.write(world, peer, dht => dht.create(o, world.now), done);
  }

  private write(world: MeshWorld, peer: MeshPeer, begin: (dht: Dht) => number, done: (out: Stored) => void): void {
    if (!peer.isAlive || peer.dht === undefined) return;
    const operation = begin(peer.dht);
    this.waitingOf(peer).set(operation, out => {
      if (out.kind === 'stored') done(out);
    });
    world.drain(peer);
  }

  /** Reads what is stored under a key; `done` hears what was found, unless the peer dies before. */
  get(world: MeshWorld, peer: MeshPeer, kind: RecordKind, key: Uint8Array, done: (out: Found) => void): void {
    if (!peer.isAlive || peer.dht === undefined) return;
    const operation = peer.dht.get(kind, key);
    this.waitingOf(peer).set(operation, out => {
      if (out.kind !== 'found') return;
      for (const { record } of out.records) {
        const fault = this.faultOf(record, kind, key, world.now);
        if (fault !== undefined) world.invariants.broken(`${peer.index} was given a record ${fault}`);
      }
      done(out);
    });
    world.drain(peer);
  }

  /** What is wrong with a record that a DHT gave to its user, judged without the DHT's own code. */
  private faultOf(record: DhtRecord, kind: RecordKind, key: Uint8Array, now: Instant): string | undefined {
    if (record.kind !== kind || !sameBytes(record.key, key)) return 'of another key';
    if (record.signedAt + record.lifetimeS * 1000 <= EPOCH_UNIX_MS + now) return 'that has expired';
    const statement = decodeStatement(record.statement);
    if (statement === undefined) return 'without a statement';
    const { ok } = this.trust.check(record.leaf, statement, record.noiseStatic, record.signedAt);
    if (!ok) return 'whose writer is not certified';
    const text = concat(utf8('warren-record/1'), this.trust.networkKey, recordSignedBytes(record));
    const signer = { algorithm: 'ed25519', bytes: statement.workingKey } as const;
    return this.trust.verifier.verify(signer, text, record.signature) ? undefined : 'with a wrong signature';
  }

  restored(peer: MeshPeer, now: Instant): void {
    this.waiting.delete(peer);
    for (const bytes of [...peer.disk.values()]) peer.dht?.restore(bytes, now);
  }

  drain(peer: MeshPeer, now: Instant): boolean {
    const { dht } = peer;
    let isNews = false;
    for (let out = dht?.poll(); out !== undefined; out = dht?.poll()) {
      isNews = true;
      this.take(peer, out, now);
    }
    return isNews;
  }

  answered(peer: MeshPeer, out: Extract<OverlayOutput, { kind: 'answer' | 'no-answer' }>, now: Instant): void {
    if (out.kind === 'answer') peer.dht?.answered(out.tag, out.payload, now, out.isPlausible);
    else peer.dht?.unanswered(out.tag, now);
  }

  delivered(peer: MeshPeer, datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    const isNotice = datagram.type === OverlayType.DHT_NOTIFY;
    const via = from === undefined ? undefined : { neighbour: from, source: peerKey(datagram.source) };
    const answer = isNotice
      ? peer.dht?.notified(datagram.payload, now, via)
      : peer.dht?.serve(datagram.payload, now, via);
    if (answer !== undefined) peer.overlay.answer(datagram, from, OverlayType.DHT_ANSWER, answer, now);
  }

  neighbourhood(peer: MeshPeer, now: Instant): void {
    peer.dht?.neighbourhoodChanged(peer.links.keys(), now);
  }

  private take(peer: MeshPeer, out: DhtOutput, now: Instant): void {
    switch (out.kind) {
      case 'request':
        peer.overlay.request(out.type, out.target, out.payload, out.tag, now);
        return;
      case 'found':
      case 'stored': {
        const waiting = this.waitingOf(peer);
        const done = waiting.get(out.operation);
        waiting.delete(out.operation);
        done?.(out);
        return;
      }
      case 'changed':
      case 'doubled':
        return;
    }
  }

  private waitingOf(peer: MeshPeer): Map<number, Waiting> {
    const waiting = this.waiting.get(peer) ?? new Map<number, Waiting>();
    this.waiting.set(peer, waiting);
    return waiting;
  }
}

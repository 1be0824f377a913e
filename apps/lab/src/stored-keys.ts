/**
 * Records under random keys in a mesh, and what reading them gives: the newest
 * value of their writer, an older one, one that he never wrote, or nothing.
 */
import { type Found, type MeshPeer, type MeshWorld, SeededRandom, type SimRecords, type Stored } from '@warren/sim';
import { RecordKind } from '@warren/wire';

/** Longer than any run: nothing is found again only because its writer renewed it. */
const LIFETIME_S = 172_800;

/** One key. */
export interface StoredKey {
  readonly key: Uint8Array;
  readonly writer: MeshPeer;
  /** Values that replicas took, oldest first: their last byte counts them. */
  readonly versions: Uint8Array[];
}

/** What a read gave. */
export type Reading = 'newest' | 'stale' | 'forged' | 'nothing';

/** The keys of one world. */
export class StoredKeys {
  readonly keys: StoredKey[] = [];
  /** Writes that failed. */
  failed = 0;
  readonly readings: Record<Reading, number> = { newest: 0, stale: 0, forged: 0, nothing: 0 };
  /** Readings older than what the same reader got before, in the same life: must not be. */
  wentBack = 0;
  /** Reads whose asker died, or which are under way, are not among the readings. */
  reads = 0;
  private readonly world: MeshWorld;
  private readonly records: SimRecords;
  /** The newest version that each reader got of each key. */
  private readonly seen = new Map<string, number>();
  readonly random: SeededRandom;

  constructor(world: MeshWorld, records: SimRecords) {
    this.world = world;
    this.records = records;
    this.random = new SeededRandom(world.seed, 'keys');
  }

  /** Lets a peer write under a new key; the key counts once it is stored. */
  write(writer: MeshPeer): void {
    const stored: StoredKey = { key: this.random.bytes(20), writer, versions: [] };
    this.put(stored, ok => {
      if (ok) this.keys.push(stored);
    });
  }

  /** Lets the writer of a key replace its value. */
  rewrite(stored: StoredKey): void {
    this.put(stored, () => {});
  }

  /** Writes `count` keys by peers drawn from `writers`, `perSecond`. */
  fill(writers: readonly MeshPeer[], count: number, perSecond: number): void {
    for (let i = 0; i < count; i++)
      this.world.at(this.world.now + (1000 * i) / perSecond, () => this.write(this.drawn(writers)));
  }

  /** Reads each key once from a peer drawn of those, within `overMs`. */
  readAll(
    askers: () => readonly MeshPeer[],
    overMs: number,
    each: (key: StoredKey, reading: Reading) => void = () => {},
  ) {
    this.keys.forEach((stored, i) => {
      this.world.at(this.world.now + (overMs * i) / this.keys.length, () =>
        this.read(stored, this.drawn(askers()), reading => each(stored, reading)),
      );
    });
  }

  /** Reads a key. */
  read(stored: StoredKey, asker: MeshPeer, done: (reading: Reading) => void = () => {}): void {
    this.reads++;
    this.records.get(this.world, asker, RecordKind.MAILBOX, stored.key, found => {
      const { reading, version } = judged(stored, found);
      this.readings[reading]++;
      if (reading !== 'nothing') this.noteVersion(asker, stored, version);
      done(reading);
    });
  }

  /** Reads one key after the other, drawn at random, at a pace, until the returned function is called. */
  keepReading(perSecond: number, asks: (peer: MeshPeer) => boolean = () => true): () => void {
    let isOver = false;
    this.world.every(1000 / perSecond, () => {
      const askers = this.world.living().filter(peer => peer.links.size > 0 && asks(peer));
      if (!isOver && this.keys.length > 0 && askers.length > 0) this.read(this.drawn(this.keys), this.drawn(askers));
      return !isOver;
    });
    return () => {
      isOver = true;
    };
  }

  /** Share of readings that gave the newest value, 0 to 1. */
  get rate(): number {
    const all = Object.values(this.readings).reduce((sum, count) => sum + count, 0);
    return this.readings.newest / all;
  }

  drawn<T>(from: readonly T[]): T {
    return from[Math.floor(this.random.unit() * from.length)] as T;
  }

  private noteVersion(asker: MeshPeer, stored: StoredKey, version: number): void {
    const name = `${asker.index} ${asker.life} ${this.keys.indexOf(stored)}`;
    const before = this.seen.get(name) ?? -1;
    if (version < before) this.wentBack++;
    else this.seen.set(name, version);
  }

  private put(stored: StoredKey, done: (ok: boolean) => void): void {
    const value = new Uint8Array(32);
    value.set(stored.key);
    value[31] = stored.versions.length + 1;
    const o = { kind: RecordKind.MAILBOX, key: stored.key, value, lifetimeS: LIFETIME_S };
    this.records.put(this.world, stored.writer, o, (out: Stored) => {
      if (out.result === 'ok') stored.versions.push(value);
      else this.failed++;
      done(out.result === 'ok');
    });
  }
}

/** By the best record that was found of the key's writer; others may write under a key as well. */
function judged(stored: StoredKey, { records }: Found): { readonly reading: Reading; readonly version: number } {
  const own = records.filter(({ writer }) => sameId(writer.leaf.peerId, stored.writer.id)).map(({ record }) => record);
  if (own.length === 0) return { reading: 'nothing', version: -1 };
  const versions = own.map(({ value }) => stored.versions.findIndex(version => sameId(version, value)));
  const version = Math.max(...versions);
  if (versions.includes(-1)) return { reading: 'forged', version };
  return { reading: version === stored.versions.length - 1 ? 'newest' : 'stale', version };
}

function sameId(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

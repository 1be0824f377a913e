/**
 * The host of the simulator: one machine or tab in virtual time. Its sockets
 * are `SimDatagrams`, its chance follows from the world's seed, its disk is a
 * pair of maps. It keeps the contract of all hosts (`test/contract`), so that
 * stories on it hold elsewhere. No Ethernet device.
 */
import { concat, fromHex, type Instant, type Random, type UnixMs } from '@warren/base';
import {
  type Clock,
  type Host,
  type HostCrypto,
  type HostKind,
  type IdentityKey,
  nobleCrypto,
  type Shelf,
  type Storage,
} from '@warren/peer';
import { simPublicKey, simSign } from './crypto.ts';
import { type SimCapabilities, SimDatagrams } from './datagrams.ts';
import type { SimInternet, SimPlace } from './internet.ts';
import { SeededRandom } from './random.ts';
import { SimShelf } from './shelf.ts';
import { EPOCH_UNIX_MS, type World } from './world.ts';

/** DER in front of a raw Ed25519 key: RFC 8410 sections 4 and 7. */
const SPKI_HEAD = fromHex('302a300506032b6570032100') as Uint8Array;
const PKCS8_HEAD = fromHex('302e020100300506032b657004220420') as Uint8Array;
const ED25519 = { name: 'Ed25519' } as const;

/** What each kind of host can do. */
export const SIM_CAN: Readonly<Record<HostKind, SimCapabilities>> = {
  browser: { udp: false, webrtc: true, websocket: true },
  edge: { udp: true, webrtc: true, websocket: true, sockets: true, pinned: true },
  bootstrap: { udp: true, webrtc: false, websocket: true, sockets: true, pinned: true },
  site: { udp: true, webrtc: false, websocket: true, sockets: true, pinned: true },
};

/** What survives a restart. */
export class SimDisk {
  readonly values = new Map<string, Uint8Array>();
  /** Secrets of identity keys, 32 bytes each, by name. */
  readonly secrets = new Map<string, Uint8Array>();
  /** Whether there is room for more records. */
  isFull = false;
  private readonly shelves = new Map<string, Map<string, Uint8Array>>();

  /** The shelf of that name; all that were ever opened have the same entries. */
  shelf(name: string): Shelf {
    const entries = this.shelves.get(name) ?? new Map<string, Uint8Array>();
    this.shelves.set(name, entries);
    return new SimShelf(entries, this);
  }

  /** Another disk with the same on it, keys included. */
  copy(): SimDisk {
    const copy = new SimDisk();
    for (const [key, value] of this.values) copy.values.set(key, value.slice());
    for (const [name, secret] of this.secrets) copy.secrets.set(name, secret.slice());
    for (const [name, entries] of this.shelves) copy.shelves.set(name, new Map(entries));
    return copy;
  }

  /** As if nothing but keys and small values had ever been written. */
  loseRecords(): void {
    this.shelves.clear();
  }
}

export interface SimHostOptions {
  readonly internet: SimInternet;
  readonly kind: HostKind;
  /** Unique among the hosts that run. */
  readonly name: string;
  /** A public address, `203.0.113.7:4000`, or a place behind routers. */
  readonly address: string | SimPlace;
  /** Where it takes WebSockets; absent: nowhere. */
  readonly url?: string;
  /** An empty one by default. */
  readonly disk?: SimDisk;
  /** Counts the runs of one name, from 1: chance differs in each. */
  readonly run?: number;
  /** The date when the world began; `EPOCH_UNIX_MS` by default. */
  readonly startUnixMs?: UnixMs;
}

/** A simulated host. */
export class SimHost implements Host {
  readonly kind: HostKind;
  readonly clock: SimClock;
  readonly random: Random;
  readonly storage: Storage;
  readonly datagrams: SimDatagrams;
  readonly crypto: HostCrypto = nobleCrypto;
  private readonly disk: SimDisk;

  constructor(options: SimHostOptions) {
    const { internet, kind, name, address, url, disk = new SimDisk(), run = 1, startUnixMs = EPOCH_UNIX_MS } = options;
    this.kind = kind;
    this.disk = disk;
    this.clock = new SimClock(internet.world, startUnixMs);
    this.random = new SeededRandom(internet.world.seed, `${name} run ${run}`);
    this.storage = new SimStorage(disk.values);
    this.datagrams = new SimDatagrams(internet, name, address, SIM_CAN[kind], url);
  }

  /** Nothing runs until `wake`; what arrives meanwhile is lost. Both clocks go on. */
  sleep(): void {
    this.datagrams.sleep();
    this.clock.sleep();
  }

  wake(): void {
    this.datagrams.wake();
    this.clock.wake();
  }

  async shelf(name: string): Promise<Shelf> {
    return this.disk.shelf(name);
  }

  /** Ed25519, its secret drawn at first use. The key pair comes by WebCrypto from the same secret. */
  async identity(name: string): Promise<IdentityKey> {
    const secret = this.disk.secrets.get(name) ?? this.random.bytes(32);
    this.disk.secrets.set(name, secret);
    const spki = concat(SPKI_HEAD, simPublicKey(secret));
    const [privateKey, publicKey] = await Promise.all([
      crypto.subtle.importKey('pkcs8', Uint8Array.from(concat(PKCS8_HEAD, secret)), ED25519, false, ['sign']),
      crypto.subtle.importKey('spki', Uint8Array.from(spki), ED25519, true, ['verify']),
    ]);
    const sign = async (message: Uint8Array) => simSign(secret, message);
    return { algorithm: 'ed25519', spki, keys: { privateKey, publicKey }, sign };
  }
}

/** Virtual time. */
export class SimClock implements Clock {
  /** By how much the wall clock is wrong. */
  wrongByMs = 0;
  private readonly world: World;
  private readonly startUnixMs: UnixMs;
  private cancel = (): void => {};
  /** Whether alarms wait for `wake`. */
  isAsleep = false;
  /** An alarm that came while the host slept. */
  private late: (() => void) | undefined;

  constructor(world: World, startUnixMs: UnixMs) {
    this.world = world;
    this.startUnixMs = startUnixMs;
  }

  now(): Instant {
    return this.world.now;
  }

  unixMs(): UnixMs {
    return this.startUnixMs + this.world.now + this.wrongByMs;
  }

  setAlarm(at: Instant | undefined, wake: () => void): void {
    this.cancel();
    this.late = undefined;
    const ring = (): void => {
      if (this.isAsleep) this.late = wake;
      else wake();
    };
    this.cancel = at === undefined ? () => {} : this.world.at(at, ring);
  }

  sleep(): void {
    this.isAsleep = true;
  }

  wake(): void {
    this.isAsleep = false;
    const { late } = this;
    this.late = undefined;
    late?.();
  }
}

/** Values in memory, copied on their way in and out. */
class SimStorage implements Storage {
  private readonly values: Map<string, Uint8Array>;

  constructor(values: Map<string, Uint8Array>) {
    this.values = values;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.values.get(key)?.slice();
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    this.values.set(key, value.slice());
  }

  async delete(key: string): Promise<void> {
    this.values.delete(key);
  }
}

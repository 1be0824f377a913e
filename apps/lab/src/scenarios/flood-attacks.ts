/**
 * Floods of first messages. Attackers know the network key, as everybody does
 * on the public network: their mac1 is right unless they do not care.
 */
import { createHmac, hash } from 'node:crypto';
import { below, type Random, utf8, WallClock } from '@warren/base';
import { prologue, SessionIndices, Sessions } from '@warren/session';
import { cheapCrypto, EPOCH_UNIX_MS, type World } from '@warren/sim';
import { encodeHs1, HS1_BYTES, HS1_MAC1_OFFSET, MAC_BYTES, PacketType, peerKey } from '@warren/wire';
import type { BusyHost } from '../busy-host.ts';
import { stranger } from '../strangers.ts';

/** The attacks, with what each is. */
export const ATTACKS = {
  spoofed: 'fresh first messages from random addresses, some of them neighbours of the joiners',
  replayed: 'a thousand first messages again and again, each time from another address',
  garbage: 'random bytes with and without the first byte of something',
  'one-address': 'fresh first messages from one address and all its ports',
  cookies: 'one in ten from eight real addresses that collect cookies and show them, the rest spoofed',
} as const;

export type AttackName = keyof typeof ATTACKS;

export interface AttackOptions {
  readonly random: Random;
  readonly target: BusyHost;
  /** Datagrams a second. */
  readonly rate: number;
  readonly world: World;
}

/** A flood under way. */
export interface Attack {
  start(): void;
  /** What the target sent to an address that is none of the joiners'. */
  answered(path: string, bytes: Uint8Array): void;
}

const TICK_MS = 1;
const REPLAYED = 1_000;
const COLLECTORS = 8;
/** One shot in so many is a collector's. */
const COLLECTED_EVERY = 10;
/** Of SHA-256. */
const BLOCK_BYTES = 64;

export function attackOf(name: AttackName, options: AttackOptions): Attack {
  const forger = new Forger(options);
  switch (name) {
    case 'spoofed':
      return flood(options, () => forger.fire(forger.spoofedPath(), forger.hs1()));
    case 'replayed': {
      const captured = Array.from({ length: REPLAYED }, () => forger.hs1());
      return flood(options, i => forger.fire(forger.spoofedPath(), (captured[i % REPLAYED] as Uint8Array).slice()));
    }
    case 'garbage':
      return flood(options, () => forger.fire(forger.spoofedPath(), forger.garbage()));
    case 'one-address':
      return flood(options, () => forger.fire(`udp/192.0.2.66:${1 + below(options.random, 65_535)}`, forger.hs1()));
    case 'cookies': {
      const collectors = Array.from({ length: COLLECTORS }, (_, i) => new Collector(i, options));
      const shot = (i: number): void => {
        if (i % COLLECTED_EVERY === 0) collectors[(i / COLLECTED_EVERY) % COLLECTORS]?.call();
        else forger.fire(forger.spoofedPath(), forger.hs1());
      };
      const answered = (path: string, bytes: Uint8Array) => collectors.find(each => each.path === path)?.hear(bytes);
      return { ...flood(options, shot), answered };
    }
  }
}

/** Shots at an even rate, for ever; nobody listens for answers. */
function flood({ rate, world }: AttackOptions, shot: (i: number) => void): Attack {
  let [shots, due] = [0, 0];
  const tick = (): void => {
    for (due += (rate * TICK_MS) / 1000; shots < due; shots++) shot(shots);
    world.at(world.now + TICK_MS, tick);
  };
  return { start: tick, answered: () => {} };
}

/** Makes first messages, and sends them from anywhere. */
class Forger {
  private readonly random: Random;
  private readonly target: BusyHost;
  private readonly inner = new Uint8Array(BLOCK_BYTES + HS1_MAC1_OFFSET).fill(0x36);
  private readonly outer = new Uint8Array(BLOCK_BYTES + 32).fill(0x5c);

  constructor({ random, target }: AttackOptions) {
    this.random = random;
    this.target = target;
    const { networkKey } = stranger(0, 'attacker', cheapCrypto).authority;
    const key = createHmac('sha256', networkKey).update(utf8('mac1')).digest();
    for (const [i, byte] of key.entries()) {
      this.inner[i] = 0x36 ^ byte;
      this.outer[i] = 0x5c ^ byte;
    }
  }

  fire(path: string, bytes: Uint8Array): void {
    this.target.flood(path, bytes);
  }

  /** HS1 with an ephemeral key that nobody has the other half of; every other one with a guess for a cookie. */
  hs1(): Uint8Array {
    const chance = this.random.bytes(4 + 40 + MAC_BYTES);
    const view = new DataView(chance.buffer);
    const noise = new Uint8Array(48);
    noise.set(chance.subarray(4, 44));
    noise.set([0, 0, 4, 176], 40);
    const zeros = new Uint8Array(MAC_BYTES);
    const mac2 = chance[0] === undefined || chance[0] % 2 === 0 ? zeros : chance.subarray(44);
    const bytes = encodeHs1({ senderIndex: view.getUint32(0), noise, mac1: zeros, mac2 });
    bytes.set(this.mac1(bytes), HS1_MAC1_OFFSET);
    return bytes;
  }

  /** HMAC-SHA-256 (RFC 2104) without its object, which takes longer to make than to use. */
  private mac1(hs1: Uint8Array): Uint8Array {
    this.inner.set(hs1.subarray(0, HS1_MAC1_OFFSET), BLOCK_BYTES);
    this.outer.set(hash('sha256', this.inner, 'buffer'), BLOCK_BYTES);
    return hash('sha256', this.outer, 'buffer').subarray(0, MAC_BYTES);
  }

  /** Random bytes: a third as long as HS1 and beginning like it, a third beginning like something else of ours. */
  garbage(): Uint8Array {
    const kind = below(this.random, 3);
    const bytes = this.random.bytes(kind === 0 ? HS1_BYTES : 1 + below(this.random, 1_200));
    if (kind === 0) bytes.set([PacketType.HS1, 1, 0, 0]);
    if (kind === 1) bytes[0] = PacketType.HS1 + below(this.random, 7);
    return bytes;
  }

  /** One in twenty is in the network of the joiners. */
  spoofedPath(): string {
    const [a, b, c, d, e, f, g] = this.random.bytes(7) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const address = g % 20 === 0 ? `203.0.113.${d}` : `${1 + (a % 223)}.${b}.${c}.${d}`;
    return `udp/${address}:${1024 + (((e << 8) | f) % 64_000)}`;
  }
}

/** A real address: calls, takes the cookie, shows it, and never finishes a handshake. */
class Collector {
  readonly path: string;
  private readonly number: number;
  private readonly options: AttackOptions;
  private sessions: Sessions;
  private calls = 0;

  constructor(number: number, options: AttackOptions) {
    this.number = number;
    this.options = options;
    this.path = `udp/192.0.2.${number + 1}:4000`;
    this.sessions = this.fresh();
  }

  /** Begins one more handshake. */
  call(): void {
    // A client keeps each attempt for 45 s: it is thrown away now and then, cookie and all.
    if (++this.calls % 500 === 0) this.sessions = this.fresh();
    this.sessions.connect(undefined, [this.options.target.path], this.options.world.now);
    this.flush();
  }

  hear(bytes: Uint8Array): void {
    if (bytes[0] !== PacketType.COOKIE) return;
    this.sessions.receive(this.options.target.path, bytes.slice(), this.options.world.now);
    this.flush();
  }

  private flush(): void {
    for (let out = this.sessions.poll(); out !== undefined; out = this.sessions.poll()) {
      if (out.kind === 'send') this.options.target.flood(this.path, out.bytes);
    }
  }

  private fresh(): Sessions {
    const { authority, credentials, random } = stranger(this.number, 'collector', cheapCrypto);
    const { networkKey } = authority;
    return new Sessions({
      suite: cheapCrypto.suite,
      authority,
      credentials,
      random: this.options.random,
      wallClock: new WallClock(EPOCH_UNIX_MS, 0),
      indices: new SessionIndices<Sessions>(random),
      self: peerKey(credentials.leaf.peerId),
      prologueFor: () => prologue(networkKey, []),
    });
  }
}

/**
 * Finding members in the same local network without any server: each announces
 * itself by multicast, sealed under a key that members alone have, and whoever
 * needs it dials the address that the announcement came from. Outsiders see
 * bytes that never repeat: neither which group this is, nor who. An
 * announcement names its own source address and time, and each one is newer
 * than the last: played back from elsewhere, or later, it is worth nothing.
 * Source: overlay.md "Links" (LAN discovery); faults.md row 26.
 *
 * ```text
 * version 1 | nonce 24 | XChaCha20-Poly1305 of: Unix ms 8 | member id 20 | UDP port 2 | source address 16 (IPv4 mapped)
 * ```
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  Bucket,
  concat,
  type Instant,
  jitter,
  Outbox,
  type Random,
  type Rate,
  sameBytes,
  TimerTable,
  utf8,
  type WallClock,
} from '@warren/base';
import { CLOCK_SKEW_MS } from '@warren/trust';
import { PEER_ID_BYTES, type PeerId, type PeerKey, peerKey, Reader, Writer } from '@warren/wire';

const VERSION = 1;
const NONCE_BYTES = 24;
const PLAIN_BYTES = 8 + PEER_ID_BYTES + 2 + 16;
/** Bytes of an announcement. */
export const ANNOUNCEMENT_BYTES: number = 1 + NONCE_BYTES + PLAIN_BYTES + 16;
/** Announcements after a start, or after sleep. */
const SOON_MS: readonly number[] = [0, 1000, 3000];
/** Then so often, +- 20 %: who comes later announces itself. */
const AGAIN_MS = 60_000;
/** Announcements that are opened: whatever else comes, from a hostile neighbour, costs a look at its length. */
const HEARD: Rate = { burst: 64, perSecond: 20 };
/** Members told of. */
const FOUND: Rate = { burst: 8, perSecond: 1 };
/** Members whose last announcement is remembered. */
const MEMBERS_MAX = 1024;

export type LanOutput =
  /** Announce us from each address of ours, with `announcement`. */
  | { readonly kind: 'announce' }
  /** A member announced itself from this address: 4 or 16 bytes. */
  | { readonly kind: 'found'; readonly member: PeerId; readonly address: Uint8Array; readonly port: number };

export interface LanOptions {
  /** 32 bytes, known to members only. */
  readonly secret: Uint8Array;
  readonly memberId: PeerId;
  readonly random: Random;
  readonly wallClock: Pick<WallClock, 'at'>;
}

/** The announcements of one group. */
export class Lan {
  /** What no member has sealed; what was played back, or is of a wrong time; what came too often. */
  readonly stats = { foreign: 0, stale: 0, limited: 0 };
  readonly #key: Uint8Array;
  private readonly options: Omit<LanOptions, 'secret'>;
  private readonly outbox = new Outbox<LanOutput>();
  private readonly timers = new TimerTable<'announce'>();
  private readonly lastAt = new Map<PeerKey, number>();
  private readonly heardBucket = new Bucket(HEARD);
  private readonly foundBucket = new Bucket(FOUND);
  private announced = 0;

  constructor({ secret, ...options }: LanOptions) {
    this.#key = hkdf(sha256, secret, undefined, utf8('warren-lan/1'), 32);
    this.options = options;
  }

  poll(): LanOutput | undefined {
    return this.outbox.poll();
  }

  /** Announces us, a few times soon and then now and then: at the start, and when the network may be another. */
  start(now: Instant): void {
    this.announced = 0;
    this.timers.set('announce', now);
  }

  get wakeAt(): Instant | undefined {
    return this.timers.next;
  }

  tick(now: Instant): void {
    for (const _timer of this.timers.due(now)) {
      this.outbox.push({ kind: 'announce' });
      const [at, next] = [SOON_MS[this.announced], SOON_MS[this.announced + 1]];
      this.announced++;
      const wait = at === undefined || next === undefined ? AGAIN_MS : next - at;
      this.timers.set('announce', now + jitter(this.options.random, wait, 0.2));
    }
  }

  /** What to multicast from an address of ours (4 or 16 bytes) where UDP comes to `port`. */
  announcement(address: Uint8Array, port: number, now: Instant): Uint8Array {
    const { memberId, random, wallClock } = this.options;
    const nonce = random.bytes(NONCE_BYTES);
    const at = Math.max(0, Math.floor(wallClock.at(now)));
    const plain = new Writer(PLAIN_BYTES).u64(at).put(memberId).u16(port).put(mapped(address)).done();
    return concat(Uint8Array.of(VERSION), nonce, xchacha20poly1305(this.#key, nonce).encrypt(plain));
  }

  /** Takes what came by multicast from an address of 4 or 16 bytes. */
  heard(from: Uint8Array, bytes: Uint8Array, now: Instant): void {
    if (bytes.length !== ANNOUNCEMENT_BYTES || bytes[0] !== VERSION) {
      this.stats.foreign++;
      return;
    }
    if (!this.heardBucket.take(now)) {
      this.stats.limited++;
      return;
    }
    const plain = this.open(bytes);
    if (plain === undefined) {
      this.stats.foreign++;
      return;
    }
    const reader = new Reader(plain);
    const [at, member, port, source] = [reader.u64(), reader.take(PEER_ID_BYTES), reader.u16(), reader.take(16)];
    const { memberId, wallClock } = this.options;
    if (reader.failed || port === 0 || sameBytes(member, memberId)) return;
    const isFresh = Math.abs(at - wallClock.at(now)) <= CLOCK_SKEW_MS && this.isNewest(peerKey(member), at);
    if (!isFresh || !sameBytes(source, mapped(from))) this.stats.stale++;
    else if (this.foundBucket.take(now)) this.outbox.push({ kind: 'found', member, address: from, port });
    else this.stats.limited++;
  }

  private open(bytes: Uint8Array): Uint8Array | undefined {
    const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
    try {
      return xchacha20poly1305(this.#key, nonce).decrypt(bytes.subarray(1 + NONCE_BYTES));
    } catch {
      return undefined;
    }
  }

  /** A machine announces itself from several addresses at once, so the same time may come again within a second. */
  private isNewest(member: PeerKey, at: number): boolean {
    const last = this.lastAt.get(member);
    if (last !== undefined && at < last) return false;
    const [oldest] = this.lastAt.keys();
    if (last === undefined && this.lastAt.size >= MEMBERS_MAX && oldest !== undefined) this.lastAt.delete(oldest);
    this.lastAt.set(member, at);
    return true;
  }
}

/** An address as IPv6, IPv4 ones mapped (RFC 4291 section 2.5.5.2). */
function mapped(address: Uint8Array): Uint8Array {
  return address.length === 16 ? address : concat(new Uint8Array(10), Uint8Array.of(0xff, 0xff), address);
}

/**
 * Finding the private overlay through the public one (P1 III-C; overlay.md
 * "Private overlays"). Members put a record under a key that only members can
 * compute; it says, sealed, who they are in both overlays. A joiner reads the
 * records and dials; the handshake then decides who is a member.
 *
 * key = first 20 bytes of HMAC(secret, "rendezvous" | epoch); epochs last an
 * hour, and the current and the previous one are used, so that clocks need not
 * agree and the group's name never leaks.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  below,
  concat,
  type Instant,
  jitter,
  Outbox,
  type Random,
  TimerTable,
  utf8,
  type WallClock,
} from '@warren/base';
import { CLOCK_SKEW_MS } from '@warren/trust';
import {
  decodeRendezvousEntry,
  decodeSealedRendezvous,
  encodeRendezvousEntry,
  encodeSealedRendezvous,
  type PeerId,
  type PeerKey,
  peerKey,
  type RendezvousEntry,
  Writer,
} from '@warren/wire';

/** The key changes so often. */
const EPOCH_MS = 3_600_000;
/** Our own record is renewed so often, +-20 %. */
const PUBLISH_MS = 60_000;
/** The life of our record. */
export const RENDEZVOUS_LIFETIME_S = 300;
/** Reading while nobody is found, by try; then at the last pace. */
const SEARCH_MS: readonly number[] = [500, 1000, 2000, 4000, 8000, 15_000];
/** Reading once members are found heals a split group. Who has many neighbours shares the duty, within a bound. */
const STEADY_MS = 60_000;
const STEADY_NEIGHBOURS = 4;
const STEADY_MAX_MS = 480_000;
/** Members dialled after one reading, so that false entries cost bounded time (faults row 71). */
const DIALS_MAX = 8;
/** And once members are found: enough to heal a split group, too few to link everybody with everybody. */
const STEADY_DIALS_MAX = 1;

/** What the machine asks for. */
export type RendezvousOutput =
  | { readonly kind: 'publish'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'read'; readonly key: Uint8Array }
  /** Start a private link to this member, carried by the public overlay. */
  | { readonly kind: 'dial'; readonly publicId: PeerId; readonly memberId: PeerId };

/** Who looks for which group. */
export interface RendezvousOptions {
  /** 32 bytes, known to members only. */
  readonly secret: Uint8Array;
  readonly publicId: PeerId;
  readonly memberId: PeerId;
  readonly random: Random;
  readonly wallClock: WallClock;
}

/** The rendezvous machine of one group. */
export class Rendezvous {
  readonly #secret: Uint8Array;
  private readonly options: Omit<RendezvousOptions, 'secret'>;
  private readonly outbox = new Outbox<RendezvousOutput>();
  private readonly timers = new TimerTable<'publish' | 'read'>();
  private isReady = false;
  private tries = 0;
  private members = 0;
  private readEpoch = 0;
  /** Entries that no member has sealed. */
  readonly stats = { falseEntries: 0 };

  constructor({ secret, ...options }: RendezvousOptions) {
    this.#secret = secret;
    this.options = options;
  }

  poll(): RendezvousOutput | undefined {
    return this.outbox.poll();
  }

  /** The public overlay can store and find records, or can no longer. */
  setReady(isReady: boolean, now: Instant): void {
    if (isReady === this.isReady) return;
    this.isReady = isReady;
    this.tries = 0;
    for (const timer of ['publish', 'read'] as const) isReady ? this.timers.set(timer, now) : this.timers.clear(timer);
  }

  /** How many members we are linked to: decides how eagerly to look for more. */
  setMembers(count: number, now: Instant): void {
    if (count === 0 && this.members > 0 && this.isReady) {
      this.tries = 0;
      this.timers.set('read', now);
    }
    const isFewer = count < this.members;
    this.members = count;
    const at = this.timers.at('read');
    if (isFewer && at !== undefined) this.timers.set('read', Math.min(at, now + this.steadyMs));
  }

  /** The values found under one of our keys. `known` tells whom we are linked to or know already. */
  found(values: readonly Uint8Array[], known: (member: PeerKey) => boolean): void {
    const entries = values.map(value => this.open(value)).filter(entry => entry !== undefined);
    this.stats.falseEntries += values.length - entries.length;
    const others = this.others(entries, known);
    const most = this.members > 0 ? STEADY_DIALS_MAX : DIALS_MAX;
    for (let dials = 0; dials < most && others.length > 0; dials++) {
      const [entry] = others.splice(below(this.options.random, others.length), 1);
      if (entry !== undefined) this.outbox.push({ kind: 'dial', ...entry });
    }
  }

  get wakeAt(): Instant | undefined {
    return this.timers.next;
  }

  tick(now: Instant): void {
    for (const timer of this.timers.due(now)) {
      if (timer === 'publish') this.publish(now);
      else this.read(now);
    }
  }

  private publish(now: Instant): void {
    const epoch = this.epoch(now);
    this.outbox.push({ kind: 'publish', key: this.key(epoch), value: this.seal(epoch) });
    this.timers.set('publish', now + jitter(this.options.random, PUBLISH_MS, 0.2));
  }

  private read(now: Instant): void {
    const epoch = this.epoch(now);
    this.readEpoch = epoch;
    this.outbox.push({ kind: 'read', key: this.key(epoch) });
    if ((this.options.wallClock.at(now) % EPOCH_MS) / 1000 < RENDEZVOUS_LIFETIME_S * 2) {
      this.outbox.push({ kind: 'read', key: this.key(epoch - 1) });
    }
    // Whoever's clock is slow finds those who are in the next epoch already.
    if (this.epoch(now, CLOCK_SKEW_MS) !== epoch) this.outbox.push({ kind: 'read', key: this.key(epoch + 1) });
    const pace = SEARCH_MS[Math.min(this.tries++, SEARCH_MS.length - 1)] as number;
    this.timers.set('read', now + jitter(this.options.random, this.members > 0 ? this.steadyMs : pace, 0.2));
  }

  private get steadyMs(): number {
    return Math.min(STEADY_MAX_MS, STEADY_MS * Math.max(1, this.members / STEADY_NEIGHBOURS));
  }

  /** Each entry once, without our own and those of known members: anybody can copy what a member has sealed. */
  private others(entries: readonly RendezvousEntry[], known: (member: PeerKey) => boolean): RendezvousEntry[] {
    const own = [this.options.memberId, this.options.publicId].map(peerKey);
    const others = new Map<string, RendezvousEntry>();
    for (const entry of entries) {
      const [member, place] = [peerKey(entry.memberId), peerKey(entry.publicId)];
      if (member !== own[0] && place !== own[1] && !known(member)) others.set(member + place, entry);
    }
    return [...others.values()];
  }

  private epoch(now: Instant, laterMs = 0): number {
    return Math.floor((this.options.wallClock.at(now) + laterMs) / EPOCH_MS);
  }

  private key(epoch: number): Uint8Array {
    const text = concat(utf8('rendezvous'), new Writer(8).u64(epoch).done());
    return hmac(sha256, this.#secret, text).slice(0, 20);
  }

  private seal(epoch: number): Uint8Array {
    const { publicId, memberId, random } = this.options;
    const nonce = random.bytes(24);
    const plain = encodeRendezvousEntry({ publicId, memberId });
    return encodeSealedRendezvous({ nonce, sealed: xchacha20poly1305(this.sealingKey(epoch), nonce).encrypt(plain) });
  }

  /** Tries both epochs; `undefined` for anything that no member has sealed. */
  private open(value: Uint8Array): RendezvousEntry | undefined {
    const box = decodeSealedRendezvous(value);
    if (box === undefined) return undefined;
    for (const epoch of [this.readEpoch, this.readEpoch - 1, this.readEpoch + 1]) {
      try {
        return decodeRendezvousEntry(xchacha20poly1305(this.sealingKey(epoch), box.nonce).decrypt(box.sealed));
      } catch {
        // Of another of these epochs, or not ours.
      }
    }
    return undefined;
  }

  private sealingKey(epoch: number): Uint8Array {
    return hkdf(
      sha256,
      this.#secret,
      undefined,
      concat(utf8('warren-rendezvous/1'), new Writer(8).u64(epoch).done()),
      32,
    );
  }
}

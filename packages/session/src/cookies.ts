/**
 * Cookies: proof that whoever sends HS1 also receives at the address that it
 * comes from, without any state for it here (session.md 2.4; decisions.md
 * "COOKIE"; the reply under load of the WireGuard paper, section 5.4.7).
 * The responder's side bakes them, the initiator's side keeps and shows them.
 *
 * ```text
 * cookie = HMAC-SHA-256-16(secret, link descriptor)        secret: 32 random bytes, new every 120 s
 * COOKIE = XChaCha20-Poly1305(HMAC-SHA-256(network key, "cookie" | 20 zeros), nonce 24, AD = mac1, cookie)
 * mac2   = HMAC-SHA-256-16(cookie, HS1[0..304))
 * nonce  = 16 random bytes for each secret | counter 8, so that HChaCha20 runs once for each secret
 * ```
 */
import { chacha20poly1305, hchacha, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { type Instant, type Random, sameSecret } from '@warren/base';
import {
  type Cookie,
  encodeCookie,
  HS1_MAC1_OFFSET,
  HS1_MAC2_OFFSET,
  type Hs1,
  MAC_BYTES,
  PEER_ID_BYTES,
} from '@warren/wire';
import type { PathId } from './attempts.ts';
import { MacKey, macOnce, networkSubkey } from './macs.ts';

/** A secret bakes cookies for so long, and whoever has a cookie shows it for so long. */
export const COOKIE_REFRESH_MS = 120_000;
/** Cookies of the secret before are good for so much longer. */
export const COOKIE_LATENCY_MS = 5000;
const PATHS_MAX = 256;
const NONCE_BYTES = 24;
const NONCE_PREFIX_BYTES = 16;

interface Secret {
  readonly key: MacKey;
  readonly since: Instant;
  readonly nonce: Uint8Array;
  /** The ChaCha20 key that belongs to the first 16 bytes of the nonce. */
  readonly sealKey: Uint8Array;
}

/** The responder's side: keeps two secrets and nothing about anybody. */
export class CookieBaker {
  readonly #networkKey: Uint8Array;
  readonly #random: Random;
  #current: Secret | undefined;
  #previous: Secret | undefined;
  #baked = 0;

  constructor(networkKey: Uint8Array, random: Random) {
    this.#networkKey = cookieKey(networkKey);
    this.#random = random;
  }

  /** COOKIE for whoever sent `hs1` from the place that `descriptor` describes: 64 bytes. */
  answer(hs1: Hs1, descriptor: Uint8Array, now: Instant): Uint8Array {
    const { key, nonce, sealKey } = this.#secret(now);
    const fresh = nonce.slice();
    new DataView(fresh.buffer).setBigUint64(NONCE_PREFIX_BYTES, BigInt(this.#baked++));
    // XChaCha20-Poly1305 is ChaCha20-Poly1305 under the derived key, with four zeros before the rest of the nonce.
    const inner = new Uint8Array(12);
    inner.set(fresh.subarray(NONCE_PREFIX_BYTES), 4);
    const sealed = chacha20poly1305(sealKey, inner, hs1.mac1).encrypt(key.mac(descriptor));
    return encodeCookie({ receiverIndex: hs1.senderIndex, nonce: fresh, sealed });
  }

  /** Whether mac2 of HS1 (320 bytes) shows a cookie that was sent to that place within the last 125 s. */
  isProven(hs1: Uint8Array, descriptor: Uint8Array, now: Instant): boolean {
    const mac2 = hs1.subarray(HS1_MAC2_OFFSET);
    if (mac2.every(byte => byte === 0)) return false;
    const covered = hs1.subarray(0, HS1_MAC2_OFFSET);
    const shows = (secret: Secret) => sameSecret(macOnce(secret.key.mac(descriptor), covered), mac2);
    if (shows(this.#secret(now))) return true;
    const previous = this.#previous;
    const isValid = previous !== undefined && now - previous.since < COOKIE_REFRESH_MS + COOKIE_LATENCY_MS;
    return isValid && shows(previous);
  }

  toJSON(): string {
    return 'CookieBaker';
  }

  #secret(now: Instant): Secret {
    if (this.#current === undefined || now - this.#current.since >= COOKIE_REFRESH_MS) {
      this.#previous = this.#current;
      this.#current = this.#fresh(now);
    }
    return this.#current;
  }

  #fresh(now: Instant): Secret {
    const nonce = new Uint8Array(NONCE_BYTES);
    nonce.set(this.#random.bytes(NONCE_PREFIX_BYTES));
    const sealKey = subkey(this.#networkKey, nonce.subarray(0, NONCE_PREFIX_BYTES));
    return { key: new MacKey(this.#random.bytes(32)), since: now, nonce, sealKey };
  }
}

/** The initiator's side: the cookies that were sent to us, by path. */
export class CookieJar {
  readonly #networkKey: Uint8Array;
  readonly #cookies = new Map<PathId, { readonly key: MacKey; readonly until: Instant }>();

  constructor(networkKey: Uint8Array) {
    this.#networkKey = cookieKey(networkKey);
  }

  /** Keeps a cookie that answers our `hs1` on `path`; false for one that does not. */
  keep(path: PathId, { nonce, sealed }: Cookie, hs1: Uint8Array, now: Instant): boolean {
    const mac1 = hs1.subarray(HS1_MAC1_OFFSET, HS1_MAC2_OFFSET);
    const cookie = opened(this.#networkKey, nonce, mac1, sealed);
    if (cookie === undefined) return false;
    this.#cookies.delete(path);
    const [oldest] = this.#cookies.keys();
    if (this.#cookies.size >= PATHS_MAX && oldest !== undefined) this.#cookies.delete(oldest);
    this.#cookies.set(path, { key: new MacKey(cookie), until: now + COOKIE_REFRESH_MS });
    return true;
  }

  /** HS1 as it goes out on `path`: with mac2 where we have a cookie of there; all else is the same. */
  show(path: PathId, hs1: Uint8Array, now: Instant): Uint8Array {
    const cookie = this.#cookies.get(path);
    if (cookie === undefined) return hs1;
    if (now >= cookie.until) {
      this.#cookies.delete(path);
      return hs1;
    }
    const shown = hs1.slice();
    shown.set(cookie.key.mac(hs1.subarray(0, HS1_MAC2_OFFSET)), HS1_MAC2_OFFSET);
    return shown;
  }

  toJSON(): string {
    return 'CookieJar';
  }
}

/** 32 bytes. HS1 names no target, so that none is in the key: mac1, which is bound to one HS1, is enough. */
function cookieKey(networkKey: Uint8Array): Uint8Array {
  return networkSubkey(networkKey, 'cookie', new Uint8Array(PEER_ID_BYTES));
}

function opened(key: Uint8Array, nonce: Uint8Array, mac1: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  try {
    const cookie = xchacha20poly1305(key, nonce, mac1).decrypt(sealed);
    return cookie.length === MAC_BYTES ? cookie : undefined;
  } catch {
    return undefined; // noble says "invalid tag" by throwing
  }
}

/** HChaCha20 (draft-irtf-cfrg-xchacha-03, section 2.2). */
function subkey(key: Uint8Array, prefix: Uint8Array): Uint8Array {
  const words = (bytes: Uint8Array): Uint32Array => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
  };
  const out = new Uint32Array(8);
  hchacha(SIGMA, words(key), words(prefix), out);
  const derived = new Uint8Array(32);
  out.forEach((word, i) => {
    new DataView(derived.buffer).setUint32(4 * i, word, true);
  });
  return derived;
}

/** "expand 32-byte k" in words. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

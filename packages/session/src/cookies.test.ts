/** Cookies on both sides (session.md 2.4; faults row 48). */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex, utf8 } from '@warren/base';
import { SeededRandom } from '@warren/sim';
import { type Cookie, decodeCookie, decodeHs1, encodeHs1, type Hs1 } from '@warren/wire';
import { expect, test } from 'vitest';
import { COOKIE_LATENCY_MS, COOKIE_REFRESH_MS, CookieBaker, CookieJar } from './cookies.ts';
import { mac1Key } from './macs.ts';

const NETWORK_KEY = new Uint8Array(32).fill(1);
const HERE = utf8('udp/192.0.2.1:7');
const THERE = utf8('udp/192.0.2.1:8');
const chance = new SeededRandom(1, 'cookies');
const baker = () => new CookieBaker(NETWORK_KEY, chance);

test('a cookie that was baked for a place is good there, for that HS1, and nowhere else', () => {
  const [bakery, jar, hs1] = [baker(), new CookieJar(NETWORK_KEY), freshHs1()];
  expect(bakery.isProven(hs1, HERE, 0)).toBe(false);
  expect(jar.keep('b', cookieFor(bakery, hs1, 0), hs1, 0)).toBe(true);
  const shown = jar.show('b', hs1, 0);
  expect(bakery.isProven(shown, HERE, 0)).toBe(true);
  expect(bakery.isProven(shown, THERE, 0)).toBe(false);
  expect(baker().isProven(shown, HERE, 0)).toBe(false);
  expect(jar.show('another path', hs1, 0)).toBe(hs1);
  const other = freshHs1();
  other.set(shown.subarray(304), 304);
  expect(bakery.isProven(other, HERE, 0)).toBe(false);
});

test('all but the last 16 bytes of HS1 stay as they are, so that the cached HS2 is found', () => {
  const [bakery, jar, hs1] = [baker(), new CookieJar(NETWORK_KEY), freshHs1()];
  jar.keep('b', cookieFor(bakery, hs1, 0), hs1, 0);
  const shown = jar.show('b', hs1, 0);
  expect(toHex(shown.subarray(0, 304))).toBe(toHex(hs1.subarray(0, 304)));
  expect(toHex(shown.subarray(304))).not.toBe(toHex(hs1.subarray(304)));
});

test('COOKIE is XChaCha20-Poly1305 over HMAC-SHA-256-16 of the place, as the specification says', () => {
  const hs1 = freshHs1();
  const { nonce, sealed, receiverIndex } = cookieFor(baker(), hs1, 0);
  const key = hmac(sha256, NETWORK_KEY, concat(utf8('cookie'), new Uint8Array(20)));
  const cookie = xchacha20poly1305(key, nonce, hs1.subarray(288, 304)).decrypt(sealed);
  expect(cookie).toHaveLength(16);
  expect(receiverIndex).toBe(7);
  const shown = hs1.slice();
  shown.set(hmac(sha256, cookie, hs1.subarray(0, 304)).subarray(0, 16), 304);
  const jar = new CookieJar(NETWORK_KEY);
  jar.keep('b', { nonce, sealed, receiverIndex }, hs1, 0);
  expect(toHex(jar.show('b', hs1, 0))).toBe(toHex(shown));
});

test('no nonce is used twice', () => {
  const bakery = baker();
  const nonces = Array.from({ length: 1000 }, (_, i) => toHex(cookieFor(bakery, freshHs1(), i * 1000).nonce));
  expect(new Set(nonces).size).toBe(1000);
});

test('a secret bakes for 120 s, and its cookies are good for 5 s more', () => {
  const [bakery, hs1] = [baker(), freshHs1()];
  const early = shownBy(bakery, hs1, 0);
  const late = shownBy(bakery, hs1, COOKIE_REFRESH_MS - 1);
  expect(toHex(early)).toBe(toHex(late));
  const next = shownBy(bakery, hs1, COOKIE_REFRESH_MS);
  expect(toHex(next)).not.toBe(toHex(late));
  const end = COOKIE_REFRESH_MS + COOKIE_LATENCY_MS;
  expect(bakery.isProven(late, HERE, end - 1)).toBe(true);
  expect(bakery.isProven(late, HERE, end)).toBe(false);
  expect(bakery.isProven(next, HERE, end)).toBe(true);
});

test('a secret that nobody asked for in a long time is not good for longer', () => {
  const [bakery, hs1] = [baker(), freshHs1()];
  const old = shownBy(bakery, hs1, 0);
  expect(bakery.isProven(old, HERE, 500_000)).toBe(false);
  shownBy(bakery, hs1, 500_000);
  expect(bakery.isProven(old, HERE, 500_001)).toBe(false);
});

test('a cookie is shown for 120 s', () => {
  const [bakery, jar, hs1] = [baker(), new CookieJar(NETWORK_KEY), freshHs1()];
  jar.keep('b', cookieFor(bakery, hs1, 0), hs1, 0);
  expect(jar.show('b', hs1, COOKIE_REFRESH_MS - 1)).not.toBe(hs1);
  expect(jar.show('b', hs1, COOKIE_REFRESH_MS)).toBe(hs1);
});

test('a cookie for another HS1, of another network, or damaged is not taken', () => {
  const [bakery, jar, hs1] = [baker(), new CookieJar(NETWORK_KEY), freshHs1()];
  const cookie = cookieFor(bakery, hs1, 0);
  const damaged = { ...cookie, sealed: cookie.sealed.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) };
  expect(jar.keep('b', cookie, freshHs1(), 0)).toBe(false);
  expect(jar.keep('b', damaged, hs1, 0)).toBe(false);
  expect(new CookieJar(new Uint8Array(32)).keep('b', cookie, hs1, 0)).toBe(false);
  expect(jar.show('b', hs1, 0)).toBe(hs1);
});

test('faults #102 the jar keeps 256 cookies, the newest', () => {
  const [bakery, jar, hs1] = [baker(), new CookieJar(NETWORK_KEY), freshHs1()];
  for (let i = 0; i < 300; i++) jar.keep(`b/${i}`, cookieFor(bakery, hs1, 0), hs1, 0);
  expect(jar.show('b/43', hs1, 0)).toBe(hs1);
  expect(jar.show('b/44', hs1, 0)).not.toBe(hs1);
});

test('secrets show in no JSON', () => {
  expect(JSON.stringify([baker(), new CookieJar(NETWORK_KEY), mac1Key(NETWORK_KEY)])).toBe(
    '["CookieBaker","CookieJar","MacKey"]',
  );
});

function freshHs1(): Uint8Array {
  const zeros = new Uint8Array(16);
  const hs1 = encodeHs1({ senderIndex: 7, noise: chance.bytes(48), mac1: zeros, mac2: zeros });
  hs1.set(mac1Key(NETWORK_KEY).mac(hs1.subarray(0, 288)), 288);
  return hs1;
}

function cookieFor(bakery: CookieBaker, hs1: Uint8Array, now: number): Cookie {
  return decodeCookie(bakery.answer(decodeHs1(hs1) as Hs1, HERE, now)) as Cookie;
}

function shownBy(bakery: CookieBaker, hs1: Uint8Array, now: number): Uint8Array {
  const jar = new CookieJar(NETWORK_KEY);
  jar.keep('b', cookieFor(bakery, hs1, now), hs1, now);
  return jar.show('b', hs1, now);
}

/** The data-plane seam: what is sealed is opened once, and nothing else is (faults rows 47, 56, 100). */
import { concat, utf8 } from '@warren/base';
import { nobleSuite } from '@warren/noise';
import { PacketType, SEAL_OVERHEAD_BYTES } from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REJECT_AFTER_MESSAGES, Transport } from './transport.ts';

const suite = nobleSuite();
const bytes = fc.uint8Array({ maxLength: 1500 });
const type = fc.constantFrom(PacketType.DATA, PacketType.FRAME);
const flags = fc.nat(255);

describe('a transport', () => {
  test('opens what the other side sealed, of any length, in 32 bytes more', () => {
    const [a, b] = pair();
    fc.assert(
      fc.property(type, flags, bytes, (kind, bits, plaintext) => {
        const sealed = a.seal(kind, bits, plaintext) as Uint8Array;
        expect(sealed.length).toBe(plaintext.length + SEAL_OVERHEAD_BYTES);
        expect([...sealed.subarray(0, 8)]).toEqual([kind, bits, 0, 0, 0, 0, 0, 22]);
        expect(b.open(sealed)).toEqual(plaintext);
      }),
    );
    expect(a.sentCounter).toBe(a.stats.sealed);
    expect(b.stats).toMatchObject({ opened: a.stats.sealed, forged: 0, replayed: 0 });
  });

  test('seals byte for byte by the layout of the decisions, checked against noble alone', () => {
    const [a] = pair();
    a.seal(PacketType.DATA, 0, utf8('first'));
    const plaintext = utf8('second');
    const sealed = a.seal(PacketType.FRAME, 5, plaintext) as Uint8Array;
    const key = new Uint8Array(32).fill(1);
    const counter = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
    const nonce = concat(suite.hash(concat(utf8('warren-nonce/1'), key)).slice(0, 4), counter);
    const aad = concat(
      Uint8Array.of(0xe6, 5, 0, 0, 0, 0, 0, 22),
      new Uint8Array(3),
      Uint8Array.of(0, plaintext.length),
    );
    const expected = new Uint8Array(plaintext.length + 16);
    suite.aead.key(key).seal(nonce, aad, plaintext, expected);
    expect(sealed.subarray(0, 16)).toEqual(concat(aad.slice(0, 8), counter));
    expect(sealed.subarray(16)).toEqual(expected);
  });

  test('faults #47 opens nothing twice, against a set of counters as the model', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 200 }), order => {
        const [a, b] = pair();
        const sealed = Array.from({ length: 61 }, (_, i) => a.seal(PacketType.DATA, 0, Uint8Array.of(i)) as Uint8Array);
        const seen = new Set<number>();
        for (const i of order) {
          expect(b.open(sealed[i] as Uint8Array)?.[0]).toBe(seen.has(i) ? undefined : i);
          seen.add(i);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('faults #100 opens nothing with a bit flipped, cut, or of the other direction, and counts it', () => {
    const [a, b] = pair();
    const sealed = a.seal(PacketType.DATA, 0, utf8('a datagram')) as Uint8Array;
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(b.open(changed), `bit ${bit}`).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length++) expect(b.open(sealed.slice(0, length))).toBeUndefined();
    expect(a.open(sealed)).toBeUndefined();
    expect(b.stats).toMatchObject({ opened: 0, forged: sealed.length * 9 });
    expect(b.open(sealed)).toEqual(utf8('a datagram'));
  });

  test('faults #100 takes any bytes without an exception', () => {
    const [, b] = pair();
    fc.assert(fc.property(bytes, datagram => b.open(datagram) === undefined));
  });

  test('faults #47 lets no forged counter move the window', () => {
    const [a, b] = pair();
    const early = a.seal(PacketType.DATA, 0, utf8('early')) as Uint8Array;
    const forged = (a.seal(PacketType.DATA, 0, utf8('x')) as Uint8Array).slice();
    forged.set([0, 0, 0, 0, 0, 255, 255, 255], 8);
    expect(b.open(forged)).toBeUndefined();
    expect(b.open(early)).toEqual(utf8('early'));
  });

  test('faults #56 never uses a counter twice, and stops at 2^40', () => {
    const [a, b] = pair();
    const counters = new Set(
      Array.from({ length: 500 }, () =>
        Buffer.from(a.seal(PacketType.DATA, 0, utf8('x')) as Uint8Array).toString('hex', 8, 16),
      ),
    );
    expect(counters.size).toBe(500);
    (a as unknown as { counter: number }).counter = REJECT_AFTER_MESSAGES - 1;
    const last = a.seal(PacketType.DATA, 0, utf8('last')) as Uint8Array;
    expect(a.seal(PacketType.DATA, 0, utf8('beyond'))).toBeUndefined();
    expect(b.open(last)).toEqual(utf8('last'));
  });

  test('seals and opens nothing once erased', () => {
    const [a, b] = pair();
    const sealed = a.seal(PacketType.DATA, 0, utf8('x')) as Uint8Array;
    b.erase();
    b.erase();
    expect(b.open(sealed)).toBeUndefined();
    expect(b.seal(PacketType.DATA, 0, utf8('x'))).toBeUndefined();
  });

  test('faults #103 does not show its keys', () => {
    const [a] = pair();
    expect(JSON.stringify(a)).toBe('{"transport":11}');
  });
});

/** Two ends of one session: indices 11 and 22, keys of ones and of twos. */
function pair(): [Transport, Transport] {
  const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  return [
    new Transport({ suite, send: one, receive: two, localIndex: 11, remoteIndex: 22 }),
    new Transport({ suite, send: two, receive: one, localIndex: 22, remoteIndex: 11 }),
  ];
}

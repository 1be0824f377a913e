/** Faults rows 49 and 102: who asks how often, and how much comes back. */
import { decodeStunSuccess, encodeStunRequest } from '@warren/wire';
import { expect, test } from 'vitest';
import { StunAnswers } from './stun-answers.ts';

const request = encodeStunRequest({ transactionId: Uint8Array.from({ length: 12 }, (_, i) => i) });

test('everybody is told the address that we see, in both families', () => {
  const answers = new StunAnswers();
  const four = answers.to('udp/192.0.2.7:4000', request, 0) ?? new Uint8Array(0);
  expect(decodeStunSuccess(four)).toMatchObject({ address: Uint8Array.of(192, 0, 2, 7), port: 4000 });
  const six = answers.to('udp/[2001:db8::7]:4000', request, 0) ?? new Uint8Array(0);
  expect(decodeStunSuccess(six)?.address.slice(0, 4)).toEqual(Uint8Array.of(0x20, 0x01, 0x0d, 0xb8));
  expect([four, six].every(({ length }) => length <= 3 * request.length)).toBe(true);
});

test('faults #49 one sender gets so many answers and no more, others get theirs', () => {
  const answers = new StunAnswers();
  const asked = (from: string, times: number, now: number): number =>
    Array.from({ length: times }, () => answers.to(`udp/${from}`, request, now)).filter(Boolean).length;
  expect(asked('192.0.2.7:4000', 500, 0)).toBe(100);
  // Another port is the same machine, another address of an IPv6 network as well.
  expect(asked('192.0.2.7:4001', 10, 0)).toBe(0);
  expect(asked('[2001:db8::1]:1', 100, 0)).toBe(100);
  expect(asked('[2001:db8::2]:1', 10, 0)).toBe(0);
  expect(asked('192.0.2.8:4000', 10, 0)).toBe(10);
  expect(asked('192.0.2.7:4000', 500, 1000)).toBe(10);
  expect(answers).toMatchObject({ answered: 220, dropped: 400 + 10 + 10 + 490 });
});

test('faults #49 forged sources get a thousand answers at once in all, then 500 a second', () => {
  const answers = new StunAnswers();
  for (let now = 0; now < 2000; now++) {
    for (let i = 0; i < 20; i++) answers.to(`udp/198.51.${now % 250}.${i}:53`, request, now);
  }
  expect(answers.answered).toBeGreaterThan(1900);
  expect(answers.answered).toBeLessThanOrEqual(2000);
});

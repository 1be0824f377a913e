/** Sessions that nobody uses: end to end they are left to end, between neighbours they are kept. */
import { utf8 } from '@warren/base';
import { cheapCrypto, SeededRandom, simAuthority, simParty } from '@warren/sim';
import { PacketType } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import type { PostQuantumMode } from './agreement.ts';
import type { Scope } from './keyring.ts';
import { REJECT_AFTER_MS, REKEY_AFTER_MS } from './secured-peer.ts';
import { type End, type EndOptions, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'unused'), TESTBED_UNIX_MS, cheapCrypto);
const HELLO = utf8('hello');

describe('a session end to end', () => {
  for (const mode of ['off', 'required'] as const) {
    test(`that carries no data ends in silence, and another begins with the next message (upgrade ${mode})`, () => {
      const { bed, a, b } = pair('end-to-end', mode);
      bed.connect(a, b, 'b/1');
      bed.run(5000);
      const sent = a.sent.length + b.sent.length;
      bed.run(REJECT_AFTER_MS);
      expect(a.sent.length + b.sent.length).toBe(sent);
      expect([...a.sessions.identities(), ...b.sessions.identities()]).toEqual([]);
      expect([a.sessions.wakeAt, b.sessions.wakeAt]).toEqual([undefined, undefined]);
      expect([a.failed, b.failed]).toEqual([[], []]);
      expect(bed.say(a, b, 'b/1', HELLO)).toBe(false);
      bed.connect(a, b, 'b/1');
      bed.run(5000);
      expect(bed.say(a, b, 'b/1', HELLO)).toBe(true);
    });
  }

  test('that carries data is rekeyed, once for each time that it did', () => {
    const { bed, a, b } = pair('end-to-end', 'off');
    bed.connect(a, b, 'b/1');
    bed.run(5000);
    bed.say(b, a, 'a/1', HELLO);
    bed.run(REKEY_AFTER_MS * 1.2);
    expect([a.established.length, b.established.length]).toEqual([2, 2]);
    bed.run(REJECT_AFTER_MS);
    expect([a.established.length, b.established.length]).toEqual([2, 2]);
    expect([...a.sessions.identities(), ...b.sessions.identities()]).toEqual([]);
  });

  test('whose rekey was left out has it with the first data', () => {
    const { bed, a, b } = pair('end-to-end', 'off');
    bed.connect(a, b, 'b/1');
    bed.run(400_000);
    expect(a.established.length).toBe(1);
    expect(bed.say(a, b, 'b/1', HELLO)).toBe(true);
    bed.run(1000);
    expect([a.established.length, b.established.length]).toEqual([2, 2]);
    expect(bed.heard(b, a)).toEqual([HELLO]);
  });
});

test('a session between neighbours is rekeyed whether it carries data or not', () => {
  const { bed, a, b } = pair('point-to-point', 'off');
  bed.connect(a, b, 'b/1');
  bed.run(REJECT_AFTER_MS * 2);
  expect(a.established.length).toBeGreaterThan(2);
  expect(a.sent.filter(({ bytes }) => bytes[0] === PacketType.HS1).length).toBeGreaterThan(2);
});

function pair(scope: Scope, postQuantum: PostQuantumMode): { bed: Testbed; a: End; b: End } {
  const bed = new Testbed();
  return { bed, a: bed.add('a', options('a', scope, postQuantum)), b: bed.add('b', options('b', scope, postQuantum)) };
}

function options(name: string, scope: Scope, postQuantum: PostQuantumMode): EndOptions {
  return { ...simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS), scope, postQuantum };
}

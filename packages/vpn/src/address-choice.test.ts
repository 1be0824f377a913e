import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressChoice } from './address-choice.ts';
import { assignableAt, assignableCount, isAssignable } from './subnet.ts';
import { peerOf, SUBNET } from './testbed.ts';

const peerId = fc.uint8Array({ minLength: 20, maxLength: 20 });

describe('the choice of an address', () => {
  test('begins with the preferred one, then with the one that the peer id gives', () => {
    const preferred = 0x0a800707;
    const derived = new AddressChoice(SUBNET, peerOf(1), undefined).next();
    const choice = new AddressChoice(SUBNET, peerOf(1), preferred);
    expect([choice.next(), choice.next()]).toEqual([preferred, derived]);
  });

  test.each([0x0a800000, 0x0a800001, 0x0a80ffff, 0x0a7fffff, 0x0a810002, 0, -1, Number.NaN])(
    'ignores %i as the preferred one',
    preferred => {
      const derived = new AddressChoice(SUBNET, peerOf(1), undefined).next();
      expect(new AddressChoice(SUBNET, peerOf(1), preferred).next()).toBe(derived);
    },
  );

  test('visits every assignable address once before any again', () => {
    fc.assert(
      fc.property(peerId, fc.integer({ min: 20, max: 30 }), (self, prefixBits) => {
        const subnet = { network: 0x0a800000, prefixBits };
        const choice = new AddressChoice(subnet, self, undefined);
        const count = assignableCount(subnet);
        const visited = Array.from({ length: count }, () => choice.next());
        const all = Array.from({ length: count }, (_, i) => assignableAt(subnet, i));
        expect(visited.sort((a, b) => a - b)).toEqual(all);
        expect(all.every(address => isAssignable(subnet, address))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('differs between peers at the second step even where it agrees at the first', () => {
    const subnet = { network: 0x0a000000, prefixBits: 28 };
    const walks = Array.from({ length: 200 }, (_, i) => {
      const choice = new AddressChoice(subnet, peerOf(i), undefined);
      return `${choice.next()}`.concat(' ', `${choice.next()}`);
    });
    const firsts = new Set(walks.map(walk => walk.split(' ')[0]));
    expect(firsts.size).toBe(13);
    expect(new Set(walks).size).toBeGreaterThan(60);
  });
});

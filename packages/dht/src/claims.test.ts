/** Who holds a key, for every way in which four replicas can answer (decisions.md, FIRST-CLAIM). */
import { describe, expect, test } from 'vitest';
import { type ClaimOutcome, Claims } from './claims.ts';

const REPLICAS = 4;

describe('a claim', () => {
  test.each([
    ['taken by all', 'aaaa', 'ok'],
    ['taken by three, the fourth silent', 'aaa-', 'ok'],
    ['taken by three, another at the fourth', 'aaab', 'ok'],
    ['taken by two, the others silent', 'aa--', 'failed'],
    ['that nobody answers', '----', 'failed'],
    ['that more hold for another', 'abbb', 'b'],
    ['that one holds for another, with no news of the rest', 'b---', 'b'],
    ['in a tie with a larger id', 'aabb', 'ok'],
    ['that may be in a tie', 'aab-', 'failed'],
    ['with more than each of two others', 'aabc', 'ok'],
  ])('%s (%s): %s', (_, replicas, expected) => expect(told(outcome('a', replicas))).toBe(expected));

  test('in a tie with a smaller id is lost', () => expect(told(outcome('b', 'aabb'))).toBe('a'));

  test('is never won by two, whatever the replicas hold and whichever answers are lost', () => {
    for (const held of words('abc', REPLICAS)) {
      for (const lostByA of words('01', REPLICAS)) {
        const a = outcome('a', hide(held, lostByA));
        if (a.result !== 'ok') continue;
        for (const lost of words('01', REPLICAS)) {
          expect([held, lost, outcome('b', hide(held, lost)).result]).not.toEqual([held, lost, 'ok']);
          expect([held, lost, outcome('c', hide(held, lost)).result]).not.toEqual([held, lost, 'ok']);
        }
      }
    }
  });

  test('is won by somebody when all answers come', () => {
    for (const held of words('abc', REPLICAS)) {
      const winners = ['a', 'b', 'c'].filter(self => outcome(self, held).result === 'ok');
      expect([held, winners.length]).toEqual([held, 1]);
    }
  });

  test('is not lost to a replica that names ourselves as the other', () => {
    const claims = new Claims();
    for (const place of ['1', '2']) claims.note('a', place);
    expect(claims.outcome('a', 2, REPLICAS)).toEqual({ result: 'failed' });
  });
});

/** How `self` sees replicas that hold a claim of the writer of that letter, or are silent (-). */
function outcome(self: string, replicas: string): ClaimOutcome {
  const claims = new Claims();
  [...replicas].forEach((writer, i) => {
    if (writer !== self && writer !== '-') claims.note(writer, `${i}`);
  });
  return claims.outcome(self, [...replicas].filter(writer => writer === self).length, REPLICAS);
}

function told(of: ClaimOutcome): string {
  return of.result === 'taken' ? of.holder : of.result;
}

function hide(held: string, lost: string): string {
  return [...held].map((writer, i) => (lost[i] === '1' ? '-' : writer)).join('');
}

function words(letters: string, length: number): string[] {
  return length === 0 ? [''] : words(letters, length - 1).flatMap(word => [...letters].map(letter => word + letter));
}

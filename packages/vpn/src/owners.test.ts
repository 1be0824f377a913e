import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  FIND_AGAIN_MS,
  FINDS_MAX,
  NO_OWNER_MS,
  OWNER_DOUBT_MS,
  OWNER_MS,
  OWNER_REFRESH_MS,
  OWNERS_MAX,
} from './constants.ts';
import { Owners, type Ownership } from './owners.ts';
import { peerOf } from './testbed.ts';

const ADA = peerOf(0xa1);
const BOB = peerOf(0xb2);

describe('answers about owners', () => {
  test('hold for two minutes when there is an owner', () => {
    const owners = new Owners();
    owners.learn(5, ADA, 0);
    expect(owners.ownerOf(5, OWNER_MS - 1)).toEqual(ADA);
    expect(owners.ownerOf(5, OWNER_MS)).toBe('unknown');
    expect(owners.addressOf(ADA, OWNER_MS - 1)).toBe(5);
    expect(owners.addressOf(ADA, OWNER_MS)).toBeUndefined();
  });

  test('hold for two seconds when there is none', () => {
    const owners = new Owners();
    owners.learn(5, undefined, 0);
    expect(owners.ownerOf(5, NO_OWNER_MS - 1)).toBe('nobody');
    expect(owners.ownerOf(5, NO_OWNER_MS)).toBe('unknown');
  });

  test('that there is none do not replace a fresh owner, and are not asked for again at once', () => {
    const owners = new Owners();
    owners.learn(5, ADA, 0);
    owners.ask(5, OWNER_REFRESH_MS);
    owners.learn(5, undefined, OWNER_REFRESH_MS + 1);
    expect(owners.ownerOf(5, OWNER_REFRESH_MS + 1)).toEqual(ADA);
    expect(owners.isAsked(5, OWNER_REFRESH_MS + 1)).toBe(true);
    owners.learn(5, undefined, OWNER_MS);
    expect(owners.ownerOf(5, OWNER_MS)).toBe('nobody');
  });

  test('that it is another replace the owner at once', () => {
    const owners = new Owners();
    owners.learn(5, ADA, 0);
    owners.learn(5, BOB, 1);
    expect(owners.ownerOf(5, 1)).toEqual(BOB);
    expect(owners.addressOf(ADA, 1)).toBeUndefined();
  });

  test('grow doubtful, then stale', () => {
    const owners = new Owners();
    expect(owners.isDoubtful(5, 1e9)).toBe(false);
    owners.learn(5, ADA, 0);
    expect([owners.isDoubtful(5, OWNER_DOUBT_MS - 1), owners.isDoubtful(5, OWNER_DOUBT_MS)]).toEqual([false, true]);
    expect([owners.isStale(5, OWNER_REFRESH_MS - 1), owners.isStale(5, OWNER_REFRESH_MS)]).toEqual([false, true]);
  });

  test('are no more than the limit; the one learned longest ago goes', () => {
    const owners = new Owners();
    for (let address = 0; address <= OWNERS_MAX; address++) owners.learn(address, ADA, 0);
    expect(owners.ownerOf(0, 0)).toBe('unknown');
    expect(owners.ownerOf(1, 0)).toEqual(ADA);
    owners.learn(1, BOB, 0);
    owners.learn(OWNERS_MAX + 1, BOB, 0);
    expect(owners.ownerOf(1, 0)).toEqual(BOB);
    expect(owners.ownerOf(2, 0)).toBe('unknown');
  });

  test('agree with a list of all answers that is searched from its end', () => {
    const peer = fc.constantFrom(ADA, BOB, undefined);
    const answer = fc.record({ address: fc.nat(3), peer, after: fc.nat(OWNER_MS) });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 12 }), answers => {
        const owners = new Owners();
        const all: Told[] = [];
        let now = 0;
        for (const { address, peer, after } of answers) {
          now += after;
          owners.learn(address, peer, now);
          const keeps = peer === undefined && typeof slowOwner(all, address, now) !== 'string';
          if (!keeps) all.push({ address, peer, at: now });
          for (let i = 0; i < 4; i++) expect(owners.ownerOf(i, now)).toEqual(slowOwner(all, i, now));
          for (const id of [ADA, BOB]) expect(owners.addressOf(id, now)).toBe(slowAddress(all, id, now));
        }
      }),
    );
  });
});

describe('questions about owners', () => {
  test('are open until they are answered or some seconds pass', () => {
    const owners = new Owners();
    expect(owners.isAsked(5, 0)).toBe(false);
    expect(owners.ask(5, 0)).toBe(true);
    expect(owners.isAsked(5, FIND_AGAIN_MS - 1)).toBe(true);
    expect(owners.isAsked(5, FIND_AGAIN_MS)).toBe(false);
    owners.learn(5, ADA, 1);
    expect(owners.isAsked(5, 2)).toBe(false);
  });

  test('are no more than the limit until old ones lapse', () => {
    const owners = new Owners();
    for (let address = 0; address < FINDS_MAX; address++) expect(owners.ask(address, 0)).toBe(true);
    expect(owners.ask(FINDS_MAX, 1)).toBe(false);
    expect(owners.ask(FINDS_MAX, FIND_AGAIN_MS)).toBe(true);
  });
});

interface Told {
  readonly address: number;
  readonly peer: Uint8Array | undefined;
  readonly at: number;
}

function slowOwner(all: readonly Told[], address: number, now: number): Ownership {
  const last = all.findLast(told => told.address === address);
  if (last === undefined) return 'unknown';
  if (last.peer === undefined) return now - last.at < NO_OWNER_MS ? 'nobody' : 'unknown';
  return now - last.at < OWNER_MS ? last.peer : 'unknown';
}

/** The address of the last answer that named the peer, if it still stands. */
function slowAddress(all: readonly Told[], peer: Uint8Array, now: number): number | undefined {
  const last = all.findLast(told => told.peer === peer);
  return last !== undefined && slowOwner(all, last.address, now) === peer ? last.address : undefined;
}

/** How a revocation list spreads, and what does not move it. Whole groups are in `test/stories`. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { SeededRandom } from '@warren/sim';
import {
  decodeRevocationList,
  encodeRevocationList,
  nobleVerifier,
  REVOKED_MAX,
  type Revocation,
  type RevocationList,
  RevocationSet,
  revocationHeadText,
  revocationListText,
} from '@warren/trust';
import { decodeRevocationMessage, encodeRevocationMessage, REVOCATION_LIST_MAX_BYTES } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { Revocations, type Spread } from './revocations.ts';

const GROUP = 'abcdefghijklmnopqrstuvwxyz';
const CA = new Uint8Array(32).fill(1);
const STRANGER = new Uint8Array(32).fill(2);
const BOB: Revocation = { user: 'bob', before: 5_000 };

describe('a member', () => {
  test('begins a broadcast of a newer list once, and hands on the one that it heard of it', () => {
    const one = member('b', 'c', 'd');
    one.spread.heard('b', message(list(1, [BOB])), 'token', 0);
    expect(one.said()).toEqual(['learned 1, hand-on token']);
    one.spread.heard('c', message(list(1, [BOB])), 'token', 0);
    one.spread.receive('c', message(list(1, [BOB])), 0);
    expect([one.said(), one.spread.stats.old]).toEqual([[], 2]);
    expect(one.spread.learn(list(2, []))).toBe(true);
    expect(one.said()).toEqual(['learned 2, begin list']);
    one.spread.receive('c', message(list(3, [BOB])), 0);
    expect(one.said()).toEqual(['learned 3, begin list']);
  });

  test('keeps a list that was only signed again to itself', () => {
    const one = member('b');
    one.spread.learn(list(1, [BOB]));
    one.said();
    expect(one.spread.learn(list(1, [BOB], CA, 99))).toBe(true);
    one.spread.heard('b', message(list(1, [BOB], CA, 100)), 'token', 0);
    expect(one.said()).toEqual(['learned 1', 'learned 1']);
  });

  test('broadcasts a long list by its head, which is handed on once the list is here, and gives that to who asks', () => {
    const [one, two] = [member('two'), member('one')];
    const many = Array.from({ length: REVOKED_MAX }, (_, i) => ({ user: `${i}`.padStart(32, 'x'), before: 1 }));
    const long = list(3, many);
    expect(encodeRevocationList(long).length).toBeLessThanOrEqual(REVOCATION_LIST_MAX_BYTES);
    one.spread.learn(long);
    const told = one.begun();
    expect(told?.length).toBe(79);
    two.spread.heard('one', told as Uint8Array, 'token', 0);
    const [want, ...rest] = two.sent();
    expect([want && decodeRevocationMessage(want), rest]).toEqual([{ kind: 'want', sequence: 0 }, []]);
    for (const at of [0, 10, 999]) one.spread.receive('two', want as Uint8Array, at);
    const answers = one.sent();
    expect(answers).toHaveLength(1);
    two.spread.receive('one', answers[0] as Uint8Array, 20);
    expect(two.said()).toEqual(['learned 3, hand-on token']);
    expect(two.set.isRevoked({ user: many[9]?.user ?? '', peerId: new Uint8Array(20), notBefore: 0 })).toBe(true);
    one.spread.receive('two', want as Uint8Array, 1000);
    expect(one.sent()).toHaveLength(1);
  });

  test('that knows of a head by a handshake waits for the list all the same, and begins anew for a newer one', () => {
    const one = member('b', 'c');
    const head = (of: RevocationList) => encodeRevocationMessage({ kind: 'head', head: of.head });
    one.set.learnHead(list(4, [BOB]).head);
    one.spread.heard('b', head(list(4, [BOB])), 'four', 0);
    expect(one.said()).toEqual(['b want']);
    one.spread.learn(list(5, [BOB]));
    expect(one.said()).toEqual(['learned 5, begin list']);
    one.set.learnHead(list(6, [BOB]).head);
    one.spread.heard('b', head(list(6, [BOB])), 'six', 0);
    one.spread.receive('c', message(list(6, [BOB])), 0);
    expect(one.said()).toEqual(['b want', 'learned 6, hand-on six']);
  });

  test('that is behind asks two neighbours, then others with growing waits, until it has the list', () => {
    const one = member('b', 'c', 'd');
    one.set.learnHead(list(4, [BOB]).head);
    one.spread.look(0);
    one.spread.look(10);
    expect(one.said()).toHaveLength(2);
    expect(one.spread.wakeAt).toBe(1000);
    one.spread.tick(1000);
    expect(one.said()).toHaveLength(2);
    expect(one.spread.wakeAt).toBe(3000);
    one.spread.learn(list(4, [BOB]));
    one.spread.look(1500);
    expect(one.spread.wakeAt).toBeUndefined();
  });

  test('answers nobody who has the newest list, and nobody while it has none', () => {
    const one = member('b');
    const want = (sequence: number) => encodeRevocationMessage({ kind: 'want', sequence });
    one.spread.receive('b', want(0), 0);
    one.spread.learn(list(2, [BOB]));
    one.said();
    one.spread.receive('b', want(2), 0);
    one.spread.receive('b', want(3), 0);
    expect(one.said()).toEqual([]);
    one.spread.receive('b', want(1), 0);
    expect(one.said()).toEqual(['b list']);
  });
});

describe('faults #75: nothing changes by a list', () => {
  test('of anybody but the authority: it ends here, and its sender is not listened to for ten seconds', () => {
    const one = member('b', 'c');
    one.spread.heard('b', message(list(1, [BOB], STRANGER)), 'junk', 0);
    expect([one.said(), one.spread.stats.forged]).toEqual([[], 1]);
    one.spread.heard('b', message(list(1, [BOB])), 'good', 9_999);
    one.spread.receive('b', message(list(1, [BOB])), 9_999);
    expect(one.said()).toEqual([]);
    one.spread.receive('b', message(list(1, [BOB])), 10_000);
    expect(one.said()).toEqual(['learned 1, begin list']);
  });

  test('of a head that the authority did not sign, or signed for another list', () => {
    const one = member('b', 'c');
    one.set.learnHead(list(4, [BOB]).head);
    const head = { ...list(4, [BOB]).head, signature: new Uint8Array(64) };
    one.spread.heard('b', encodeRevocationMessage({ kind: 'head', head }), 'junk', 0);
    const forged = list(5, [BOB], STRANGER).head;
    one.spread.heard('c', encodeRevocationMessage({ kind: 'head', head: forged }), 'junk', 0);
    expect([one.said(), one.spread.stats]).toEqual([[], { malformed: 0, forged: 1, old: 1 }]);
    one.spread.learn(list(4, [BOB]));
    expect(one.said()).toEqual(['learned 4, begin list']);
  });

  test('that is older, replayed, or put together from two', () => {
    const one = member('b');
    const [first, second] = [list(1, [BOB]), list(2, [])];
    one.spread.learn(second);
    one.said();
    for (const old of [first, second, { ...first, head: second.head }]) one.spread.heard('b', message(old), 'old', 0);
    expect([one.said(), one.spread.stats.old]).toEqual([[], 3]);
    expect(one.set.isRevoked({ user: 'bob', peerId: new Uint8Array(20), notBefore: 0 })).toBe(false);
    const spliced = { ...list(3, []), revoked: [BOB] };
    one.spread.receive('b', message(spliced), 0);
    const borrowed = { ...list(3, [BOB], STRANGER), head: list(3, []).head };
    one.spread.heard('b', message(borrowed), 'junk', 20_000);
    expect([one.said(), one.spread.stats.forged]).toEqual([[], 2]);
  });

  test('in damaged bytes, and other messages of members pass by', () => {
    const one = member('b');
    const bytes = message(list(1, [BOB]));
    for (let length = 1; length < bytes.length; length++)
      one.spread.receive('b', bytes.subarray(0, length), length * 20_000);
    expect(one.said()).toEqual([]);
    expect(one.spread.receive('b', Uint8Array.of(1, 0, 0, 0, 1, 65), 0)).toBe(false);
    expect(one.spread.receive('b', new Uint8Array(0), 0)).toBe(false);
    one.spread.heard('b', Uint8Array.of(1, 0, 0, 0, 1, 65), 'text', 1_000_000_000);
    one.spread.heard('b', encodeRevocationMessage({ kind: 'want', sequence: 0 }), 'want', 1_000_020_000);
    expect(one.said()).toEqual([]);
  });
});

function member(...neighbours: string[]) {
  const key = { algorithm: 'ed25519', bytes: ed25519.getPublicKey(CA) } as const;
  const set = new RevocationSet(GROUP, key, nobleVerifier);
  const spread = new Revocations({ set, random: new SeededRandom(7), neighbours: () => neighbours });
  const outputs = () => {
    const found = [];
    for (let out = spread.poll(); out !== undefined; out = spread.poll()) found.push(out);
    return found;
  };
  return {
    set,
    spread,
    /** What it asked for since the last look, in words. */
    said: () =>
      outputs().map(out =>
        out.kind === 'send'
          ? `${out.to} ${decodeRevocationMessage(out.bytes)?.kind}`
          : `learned ${out.list.head.sequence}${inWords(out.spread)}`,
      ),
    /** What it wants to broadcast. */
    begun: () =>
      outputs().flatMap(out => (out.kind === 'learned' && out.spread?.kind === 'begin' ? [out.spread.content] : []))[0],
    sent: () => outputs().flatMap(out => (out.kind === 'send' ? [out.bytes] : [])),
  };
}

function inWords(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  return spread.kind === 'begin'
    ? `, begin ${decodeRevocationMessage(spread.content)?.kind}`
    : `, hand-on ${spread.token}`;
}

function list(sequence: number, revoked: readonly Revocation[], by = CA, signedAt = sequence): RevocationList {
  const dated = { sequence, signedAt };
  const head = { ...dated, signature: ed25519.sign(revocationHeadText(GROUP, dated), by) };
  return { head, revoked, signature: ed25519.sign(revocationListText(GROUP, dated, revoked), by) };
}

function message(given: RevocationList): Uint8Array {
  const bytes = encodeRevocationList(given);
  expect(decodeRevocationList(bytes)).toEqual(given);
  return encodeRevocationMessage({ kind: 'list', list: bytes });
}

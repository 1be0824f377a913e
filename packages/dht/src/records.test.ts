/** Which records are believed (faults.md rows 5, 6, 33, 68). */
import { sha256 } from '@noble/hashes/sha2.js';
import { WallClock } from '@warren/base';
import { SeededRandom, simAuthority, simCredentials, simMember, simSign, simVerifier } from '@warren/sim';
import { Authority, CLOCK_SKEW_MS } from '@warren/trust';
import { type DhtRecord, decodeRecord, encodeRecord, RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { nodeKey, POLICIES, userKey } from './policy.ts';
import { checkRecord, leftMs, makeRecord, RecordChecker, type RecordContext } from './records.ts';

const NOW = 1_767_312_000_000;
const HOUR_MS = 3_600_000;
const random = new SeededRandom(1);
const CA = simAuthority(random, NOW);
const KEY = random.bytes(20);
const CONTEXT = member('ada');
const RECORD = record();

describe('a record', () => {
  test('is believed, and names its writer and its end', () => {
    const checked = checkRecord(CONTEXT, RECORD, 0);
    expect(checked?.writer.leaf).toMatchObject({ user: 'ada', peerId: CONTEXT.credentials.leaf.peerId });
    expect(checked?.expiresAt).toBe(NOW + 100_000);
    expect(checkRecord(member('bob'), RECORD, 0)).toBeDefined();
  });

  test('faults #5 with any byte altered is not', () => {
    const bytes = encodeRecord(RECORD);
    for (let at = 0; at < bytes.length; at++) {
      const forged = bytes.slice();
      forged[at] = (forged[at] as number) ^ (1 << (at % 8));
      const decoded = decodeRecord(forged);
      expect([at, decoded && checkRecord(CONTEXT, decoded, 0)]).toEqual([at, undefined]);
    }
  });

  test('faults #5 signed by another key than its statement names is not', () => {
    const other = member('eve').credentials;
    const signedBy = { ...CONTEXT, credentials: { ...CONTEXT.credentials, keys: other.keys } };
    expect(checkRecord(CONTEXT, { ...record(signedBy), noiseStatic: RECORD.noiseStatic }, 0)).toBeUndefined();
  });

  test("faults #5 under somebody else's certificate is not", () => {
    const own = record(member('eve'));
    const { leaf, statement } = RECORD;
    expect(checkRecord(CONTEXT, { ...own, leaf }, 0)).toBeUndefined();
    expect(checkRecord(CONTEXT, { ...own, leaf, statement }, 0)).toBeUndefined();
  });

  test('faults #5 of another group is not, nor one signed for another network by the same keys', () => {
    const otherCa = simAuthority(random, NOW);
    expect(checkRecord(CONTEXT, record(member('ada', otherCa)), 0)).toBeUndefined();
    const elsewhere = { ...CONTEXT, authority: authority(otherCa.der) };
    expect(checkRecord(CONTEXT, record(elsewhere), 0)).toBeUndefined();
  });

  test('faults #68 is forgotten once its life is over, by the clock of a writer who is five minutes slow', () => {
    expect(checkRecord(CONTEXT, RECORD, 100_000 + CLOCK_SKEW_MS - 1)).toBeDefined();
    expect(checkRecord(CONTEXT, RECORD, 100_000 + CLOCK_SKEW_MS)).toBeUndefined();
  });

  test('faults #33 of a slow or fast clock lives as long with a holder as any other', () => {
    for (const aheadMs of [-CLOCK_SKEW_MS + 1000, 0, CLOCK_SKEW_MS]) {
      const checked = checkRecord(CONTEXT, record(CONTEXT, {}, aheadMs), 0);
      expect(checked && leftMs(checked, NOW)).toBe(100_000);
    }
    const old = checkRecord(CONTEXT, RECORD, CLOCK_SKEW_MS + 60_000);
    expect(old && leftMs(old, NOW + CLOCK_SKEW_MS + 60_000)).toBe(40_000);
  });

  test('signed in the future is believed within five minutes, since clocks differ', () => {
    expect(checkRecord(CONTEXT, record(CONTEXT, {}, 300_000), 0)).toBeDefined();
    expect(checkRecord(CONTEXT, record(CONTEXT, {}, 300_001), 0)).toBeUndefined();
  });

  test('signed when the statement was not valid is not', () => {
    for (const at of [13 * HOUR_MS, -2 * HOUR_MS]) {
      const late = record(CONTEXT, {}, at);
      expect(checkRecord(CONTEXT, late, at)).toBeUndefined();
    }
  });

  test('of a revoked member is not', () => {
    const context = member('mallory');
    const good = record(context);
    expect(checkRecord(context, good, 0)).toBeDefined();
    expect(checkRecord({ ...context, authority: revoking() }, good, 0)).toBeUndefined();
  });

  test.each(Object.values(RecordKind))('of kind %i has a longest life, a largest value and a last index', kind => {
    const { lifetimeMaxS, valueMaxBytes, valuesPerWriter } = POLICIES[kind];
    const { access } = POLICIES[kind];
    const { leaf } = CONTEXT.credentials;
    const isOfUser = access === 'user-match' || access === 'user-node-match';
    const own = isOfUser ? userKey(kind, leaf.user, CONTEXT.place) : nodeKey(kind, leaf.peerId, CONTEXT.place);
    const key = isOfUser || access === 'node-match' ? own : KEY;
    const index = valuesPerWriter - 1;
    const most = { kind, key, index, lifetimeS: lifetimeMaxS, value: new Uint8Array(valueMaxBytes) };
    expect(checkRecord(CONTEXT, record(CONTEXT, most), 0)).toBeDefined();
    expect(checkRecord(CONTEXT, record(CONTEXT, { ...most, lifetimeS: lifetimeMaxS + 1 }), 0)).toBeUndefined();
    expect(checkRecord(CONTEXT, record(CONTEXT, { ...most, index: index + 1 }), 0)).toBeUndefined();
    const tooLarge = { ...most, value: new Uint8Array(valueMaxBytes + 1) };
    expect(checkRecord(CONTEXT, record(CONTEXT, tooLarge), 0)).toBeUndefined();
  });

  test('faults #6 under a key of a user or a device is only believed from that user or device', () => {
    const [ada, laptop, bob] = [member('ada'), member('ada'), member('bob')];
    const contact = { kind: RecordKind.CONTACT, key: userKey(RecordKind.CONTACT, 'ada', ada.place) };
    expect([ada, laptop, bob].map(of => checkRecord(CONTEXT, record(of, contact), 0) !== undefined)).toEqual([
      true,
      true,
      false,
    ]);
    const { peerId } = ada.credentials.leaf;
    const presence = { kind: RecordKind.PRESENCE, key: nodeKey(RecordKind.PRESENCE, peerId, ada.place) };
    expect([ada, laptop, bob].map(of => checkRecord(CONTEXT, record(of, presence), 0) !== undefined)).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a checker', () => {
  test('checks signatures of the same bytes once, but dates and revocations each time', () => {
    let checks = 0;
    const context = { ...CONTEXT, authority: authority(CA.der) };
    const { verifier } = context.authority;
    const verify = verifier.verify.bind(verifier);
    verifier.verify = (...args) => {
      checks++;
      return verify(...args);
    };
    const checker = new RecordChecker();
    const first = checker.check(context, RECORD, 0);
    const before = checks;
    const again = decodeRecord(encodeRecord(RECORD)) as DhtRecord;
    expect(checker.check(context, again, 0)).toBe(first);
    expect(checks - before).toBe(1);
    expect(checker.check(context, { ...again, value: Uint8Array.of(6) }, 0)).toBeUndefined();
    expect(checker.check(context, again, 100_000 + CLOCK_SKEW_MS)).toBeUndefined();
    context.authority.revocations.isRevoked = () => true;
    expect(checker.check(context, again, 0)).toBeUndefined();
  });
});

function authority(der: Uint8Array): Authority {
  const made = Authority.group(der, { verifier: simVerifier() });
  if (made === undefined) throw new Error('no authority');
  return made;
}

/** An authority that refuses everybody's certificate. */
function revoking(): Authority {
  const strict = authority(CA.der);
  strict.revocations.isRevoked = () => true;
  return strict;
}

function member(user: string, ca = CA): RecordContext {
  const identity = simMember(ca, { user, device: 'laptop' }, random, NOW);
  const credentials = simCredentials(identity, random, NOW);
  const place = (bytes: Uint8Array) => sha256(bytes).slice(0, 20);
  return { authority: authority(ca.der), credentials, wallClock: new WallClock(NOW, 0), sign: simSign, place };
}

function record(
  context = CONTEXT,
  changes: Partial<Pick<DhtRecord, 'kind' | 'key' | 'index' | 'lifetimeS' | 'value' | 'sequence'>> = {},
  at = 0,
): DhtRecord {
  const o = { kind: RecordKind.MEMBER, key: KEY, value: Uint8Array.of(1, 2), lifetimeS: 100, sequence: 7, ...changes };
  return makeRecord(context, o, at);
}

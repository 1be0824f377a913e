/** Which records are believed (faults.md rows 5, 6, 68). */
import { WallClock } from '@warren/base';
import { SeededRandom, simAuthority, simCredentials, simMember, simSign, simVerifier } from '@warren/sim';
import { Authority } from '@warren/trust';
import { type DhtRecord, decodeRecord, encodeRecord, RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { POLICIES } from './policy.ts';
import { checkRecord, makeRecord, type RecordContext } from './records.ts';

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

  test('faults #68 is forgotten once its life is over', () => {
    expect(checkRecord(CONTEXT, RECORD, 99_999)).toBeDefined();
    expect(checkRecord(CONTEXT, RECORD, 100_000)).toBeUndefined();
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

  test.each(Object.values(RecordKind))('of kind %i has a longest life and a largest value', kind => {
    const { lifetimeMaxS, valueMaxBytes } = POLICIES[kind];
    const most = { kind, lifetimeS: lifetimeMaxS, value: new Uint8Array(valueMaxBytes) };
    expect(checkRecord(CONTEXT, record(CONTEXT, most), 0)).toBeDefined();
    expect(checkRecord(CONTEXT, record(CONTEXT, { ...most, lifetimeS: lifetimeMaxS + 1 }), 0)).toBeUndefined();
    const tooLarge = { ...most, value: new Uint8Array(valueMaxBytes + 1) };
    expect(checkRecord(CONTEXT, record(CONTEXT, tooLarge), 0)).toBeUndefined();
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
  return { authority: authority(ca.der), credentials, wallClock: new WallClock(NOW, 0), sign: simSign };
}

function record(
  context = CONTEXT,
  changes: Partial<Pick<DhtRecord, 'kind' | 'lifetimeS' | 'value' | 'sequence'>> = {},
  at = 0,
): DhtRecord {
  const o = { kind: RecordKind.MEMBER, key: KEY, value: Uint8Array.of(1, 2), lifetimeS: 100, sequence: 7, ...changes };
  return makeRecord(context, o, at);
}

/** Certificates of our profile in the format of x509-limbo: some must be accepted, the others refused. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Implementation, implementations } from './implementations.ts';
import { FormatError, judged, type Result } from './report.ts';
import { limboVectors } from './x509-limbo.ts';

interface File {
  testcases: { id: string; features: string[]; expected_result: string; [field: string]: unknown }[];
}

const file = JSON.parse(readFileSync(new URL('x509/warren.json', import.meta.url), 'utf8')) as File;
let all: Implementation[];
beforeAll(async () => {
  all = await implementations();
});

describe('certificates made by three CAs', () => {
  test('faults #54 are judged as they should be, by noble and by OpenSSL', () => {
    const result = run(file, all);
    expect(result.failed).toEqual([]);
    expect(result).toMatchObject({ passed: 68, total: 68, skipped: {} });
    expect(file.testcases.filter(({ expected_result }) => expected_result === 'SUCCESS')).toHaveLength(14);
  });

  test('are refused with a name each', () => {
    const { refused } = run(file, all);
    expect(Object.keys(refused)).toEqual(
      expect.arrayContaining([
        ...['expired', 'not-yet-valid', 'wrong-group', 'bad-signature', 'authority-expired', 'authority-not-yet-valid'],
        ...['leaf malformed', 'leaf bad-names', 'leaf bad-dates', 'leaf unknown-critical-extension', 'leaf bad-key'],
        ...['leaf authority-certificate', 'leaf bad-serial', 'leaf bad-algorithm', 'authority bad-extensions'],
      ]),
    );
    expect(Object.values(refused).reduce((sum, count) => sum + count, 0)).toBe(54);
  });

  test('unmask a verifier that accepts nothing, and one that accepts everything', () => {
    for (const verdict of [true, false]) {
      const by = all.map(each => ({ ...each, verifier: { verify: () => verdict } }));
      expect(run(file, by).failed.length).toBeGreaterThan(0);
    }
  });
});

describe('foreign cases', () => {
  const [accepted] = file.testcases.filter(({ expected_result }) => expected_result === 'SUCCESS');
  const [rejected] = file.testcases.filter(({ expected_result }) => expected_result === 'FAILURE');

  test('that should succeed outside our profile are left out with the reason; inside they must succeed', () => {
    const foreign = { ...rejected, features: [], expected_result: 'SUCCESS' };
    const { skipped, total } = run({ testcases: [foreign] }, all);
    expect(total).toBe(0);
    expect(Object.keys(skipped)[0]).toMatch(/^outside our profile: /);
    expect(run({ testcases: [{ ...accepted, features: [] }] }, all)).toMatchObject({ passed: 1, total: 1 });
    expect(run({ testcases: [{ ...accepted, expected_result: 'FAILURE' }] }, all).failed).toHaveLength(2);
  });

  test('without a usable certificate are refused, and nothing throws', () => {
    const odd = [undefined, '', 'x', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'];
    const testcases = odd.flatMap(pem => [
      { ...accepted, peer_certificate: pem, expected_result: 'FAILURE' },
      { ...accepted, trusted_certs: [pem], expected_result: 'FAILURE' },
    ]);
    const none = { ...accepted, trusted_certs: [], expected_result: 'FAILURE' };
    const never = { ...accepted, validation_time: 'never', expected_result: 'FAILURE' };
    expect(run({ testcases: [...testcases, none, never] }, all)).toMatchObject({ passed: 10, total: 10, failed: [] });
  });

  test.each([null, {}, { testcases: [{ id: 'x', expected_result: 'MAYBE' }] }])('that are %j are no file', json => {
    expect(() => limboVectors(json)).toThrow(FormatError);
  });
});

function run(json: unknown, by: readonly Implementation[]): Result {
  return judged('x509-limbo', 'here', limboVectors(json), by);
}

/** When a running membership asks its site for what. */
import type { Leaf } from '@warren/trust';
import { afterEach, describe, expect, test } from 'vitest';
import type { Fetch, Membership } from './enrol.ts';
import type { Host } from './host.ts';
import { Upkeep, type UpkeepOptions } from './upkeep.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let running: Upkeep | undefined;
afterEach(() => running?.stop());

describe('faults #27: with a site that is away', () => {
  test('the list is asked for every ten minutes, and every minute while a newer one is known', async () => {
    const { asked, at, group } = await start();
    expect(asked).toEqual(['GET revocations']);
    await at(7 * MINUTE_MS);
    expect(asked).toHaveLength(1);
    await at(13 * MINUTE_MS);
    expect(asked).toHaveLength(2);
    group.isBehind = true;
    await at(13 * MINUTE_MS + 20_000);
    expect(asked).toHaveLength(3);
    await at(15 * MINUTE_MS);
    expect(asked).toHaveLength(4);
  });

  test('the next certificate is asked for hourly from the twentieth day on, and every minute once it has run out', async () => {
    const { asked, at, failures } = await start();
    const renewals = () => asked.filter(call => call === 'POST renew').length;
    await at(20 * DAY_MS - MINUTE_MS);
    expect(renewals()).toBe(0);
    await at(20 * DAY_MS);
    await at(20 * DAY_MS + 40 * MINUTE_MS);
    expect(renewals()).toBe(1);
    await at(20 * DAY_MS + 80 * MINUTE_MS);
    expect([renewals(), failures.length]).toEqual([2, 2]);
    await at(30 * DAY_MS);
    await at(30 * DAY_MS + 2 * MINUTE_MS);
    expect(renewals()).toBe(4);
  });

  test('a certificate that is too old to tell of teams is renewed at once, and every minute until it is', async () => {
    const { asked, at, group } = await start();
    const renewals = () => asked.filter(call => call === 'POST renew').length;
    group.isOutdated = true;
    await at(20_000);
    expect(renewals()).toBe(1);
    await at(60_000);
    expect(renewals()).toBe(1);
    await at(100_000);
    expect(renewals()).toBe(2);
    group.isOutdated = false;
    await at(10 * MINUTE_MS);
    expect(renewals()).toBe(2);
  });

  test('who renews elsewhere hears of it as often, and nothing is asked here', async () => {
    const { asked, at, group } = await start(heard => ({ outdated: () => void heard.push('outdated') }));
    group.isOutdated = true;
    await at(20_000);
    await at(40_000);
    await at(100_000);
    expect(asked).toEqual(['GET revocations', 'outdated', 'outdated']);
  });

  test('a clock that was set back stops nothing', async () => {
    const { asked, at } = await start();
    await at(5 * DAY_MS);
    await at(MINUTE_MS);
    expect(asked).toHaveLength(3);
  });
});

async function start(who: (asked: string[]) => Partial<UpkeepOptions> = () => ({ renewed: () => {} })) {
  const asked: string[] = [];
  const failures: unknown[] = [];
  let now = 0;
  const fetch: Fetch = async (url, { method }) => {
    asked.push(`${method} ${url.split('/').at(-1)}`);
    throw new TypeError('no network');
  };
  const sign = async () => new Uint8Array(64);
  const keys = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
  const host = {
    clock: { unixMs: () => now },
    random: { bytes: (length: number) => new Uint8Array(length).fill(128) },
    identity: async () => ({ algorithm: 'ed25519', spki: new Uint8Array(44), keys, sign }),
  } as unknown as Host;
  const group = { isBehind: false, isOutdated: false, learnRevocations: () => {}, useCertificate: async () => {} };
  const file = { site: 'https://site.example', group: 'g', device: 'laptop' };
  const leaf = { notBefore: 0, notAfter: 30 * DAY_MS, tbsHash: new Uint8Array(32), der: new Uint8Array(0) } as Leaf;
  const membership = { file, leaf } as unknown as Membership;
  const failed = (error: unknown): void => void failures.push(error);
  const upkeep = new Upkeep({ host, group, membership, fetch, failed, ...who(asked) });
  running = upkeep;
  await upkeep.look();
  const at = (unixMs: number): Promise<void> => {
    now = unixMs;
    return upkeep.look();
  };
  return { asked, failures, group, at };
}

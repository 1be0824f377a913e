/**
 * Real edges and tabs behind routers of all kinds: a part of the NAT grid that is quick, and what happens to a path
 * when routers forget, addresses change or a relay dies. The whole grid is `npm run lab -- nat-grid`.
 */
import { ACCESS_KINDS, type AccessName } from '@warren/sim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, DIRECT } from '../lab/actor.ts';
import { Internet } from '../lab/internet.ts';
import { LabAuthority } from '../lab/lab-authority.ts';
import { NodeActors } from '../lab/node-actors.ts';
import { meet, type PairResult, type Way } from '../lab/pair.ts';
import { Places } from '../lab/places.ts';
import type { NatHost } from './nat-lab.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'iproute2', 'nftables', 'conntrack', 'chromium', 'namespaces');
/** Between ends in the same minute on a busy machine; the lab measures how long it takes. */
const PATIENCE_MS = 40_000;
/** Who meets whom; names of hosts are those of their access. */
const HOMES = {
  easy: 'full-cone',
  strict: 'port-restricted',
  hard: 'symmetric-random',
  hard2: 'symmetric-random',
  mapped: 'one-to-one',
  mobile: 'cgnat-hard',
  office: 'udp-blocked',
  office2: 'udp-blocked',
  modern: 'ipv6-only',
  broken: 'broken-ipv4',
} as const satisfies Record<string, AccessName>;
/** Members on the open Internet, who may relay. */
const HELPERS: readonly NatHost[] = [
  { name: 'helper', access: [], segment: 'east' },
  { name: 'reserve', access: [], segment: 'west' },
];
type Home = keyof typeof HOMES;
type End = readonly [Home, 'edge' | 'tab'];

describe.skipIf(reason !== undefined)(`behind NATs${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let internet: Internet;
  let places: Places;
  let helpers: NodeActors;

  beforeAll(async () => {
    const homes = (Object.entries(HOMES) as [Home, AccessName][]).map(([name, kind], i) => ({
      name,
      access: ACCESS_KINDS[kind],
      segment: i % 2 === 0 ? ('west' as const) : ('east' as const),
    }));
    internet = await Internet.create([...homes, ...HELPERS]);
    places = new Places(internet.lab, 'chromium');
    helpers = await NodeActors.start(internet.lab, 'helper');
  });

  afterAll(async () => {
    await places?.leave();
    await internet?.close();
  });

  test.each<[string, Home, Home, Way]>([
    ['faults #22 a cone and a port-restricted one', 'easy', 'strict', 'direct'],
    ['faults #22 a 1:1 address and a symmetric one', 'mapped', 'hard', 'direct'],
    ['faults #22 a cone and one behind a symmetric carrier', 'easy', 'mobile', 'direct'],
    ['faults #22 IPv6 alone and IPv4 that leads nowhere', 'modern', 'broken', 'direct'],
    ['faults #22 IPv4 alone and IPv6 alone', 'strict', 'modern', 'relay'],
    ['faults #23 symmetric ones on both sides', 'hard', 'hard2', 'relay'],
    ['faults #24 one whose UDP is blocked', 'office', 'strict', 'relay'],
  ])('edges: %s', { timeout: 90_000 }, async (_, one, other, way) => {
    expect(await pair([one, 'edge'], [other, 'edge'], way)).toMatchObject({ way });
  });

  test('edge and tab: faults #22 a port-restricted one and a cone', { timeout: 90_000 }, async () => {
    const met = await pair(['strict', 'edge'], ['easy', 'tab'], 'direct');
    expect(met).toMatchObject({ way: 'direct', kinds: ['webrtc', 'webrtc'] });
  });

  test('tabs: faults #24 both with UDP blocked talk through others', { timeout: 90_000 }, async () => {
    const { way } = await pair(['office', 'tab'], ['office2', 'tab'], 'overlay');
    expect(['relay', 'overlay']).toContain(way);
  });

  test('faults #25 routers forget, and the flow goes on without a new link', { timeout: 90_000 }, async () => {
    await together(['strict', 'easy'], ['udp'], async ([one, two], ids) => {
      const before = await one.ping(ids[1], 5, 100);
      await Promise.all([internet.lab.flush('strict'), internet.lab.flush('easy')]);
      const after = await one.ping(ids[1], 20, 250);
      expect(before.lost).toBe(0);
      // Whoever sends first opens its own router again.
      expect(after.lost).toBeLessThanOrEqual(4);
      await settle(two, ids[0], ['udp']);
    });
  });

  test('faults #36 a home gets another public address, and its members stay linked', { timeout: 90_000 }, async () => {
    await together(['strict', 'easy'], ['udp'], async ([one, two], ids) => {
      await internet.lab.readdress('strict');
      const { lost, sent } = await one.ping(ids[1], 40, 250);
      expect(lost).toBeLessThan(sent / 2);
      await settle(two, ids[0], ['udp']);
      await settle(one, ids[1], ['udp']);
    });
  });

  test('faults #29 a relay is killed, and another takes over', { timeout: 90_000 }, async () => {
    const authority = await LabAuthority.create(internet.around);
    const relays = [helpers, await NodeActors.start(internet.lab, 'reserve')];
    const helping = relays.map(relay => relay.actor());
    const relayIds = await Promise.all(helping.map((actor, i) => authority.admit(actor, `relay${i}`)));
    await together(
      ['hard', 'hard2'],
      ['relay'],
      async ([one], ids) => {
        const via = async () => (await one.view()).links.find(({ peerId }) => peerId === ids[1])?.via ?? '';
        await one.ping(ids[1], 10, 100);
        const used = relayIds.indexOf(await via());
        expect(used).toBeGreaterThanOrEqual(0);
        relays[used]?.process.kill('SIGKILL');
        const { lost } = await one.ping(ids[1], 60, 200);
        console.log(`without a relay for about ${lost * 200} ms`);
        expect(lost).toBeLessThan(30);
        await settle(one, ids[1], ['relay']);
        expect(await via()).toBe(relayIds[1 - used]);
      },
      authority,
    );
  });

  /** Two who have never met, until they are linked in this way. */
  async function pair(one: End, other: End, way: Way): Promise<PairResult> {
    const actors = await Promise.all([one, other].map(([home, kind]) => places.actor(home, kind)));
    const kinds =
      way === 'direct' ? DIRECT : way === 'relay' ? (['relay'] as const) : ([...DIRECT, 'relay', 'overlay'] as const);
    const authority = await LabAuthority.create(internet.around);
    return meet(actors as [Actor, Actor], helpers.actor(), authority, { patienceMs: PATIENCE_MS, kinds });
  }

  /** Two edges that are linked so while `work` goes on. */
  async function together(
    homes: readonly [Home, Home],
    kinds: readonly ('udp' | 'relay')[],
    work: (actors: readonly [Actor, Actor], ids: readonly [string, string]) => Promise<void>,
    group?: LabAuthority,
  ): Promise<void> {
    const authority = group ?? (await LabAuthority.create(internet.around));
    const actors = (await Promise.all(homes.map(home => places.actor(home, 'edge')))) as [Actor, Actor];
    try {
      const ids = (await Promise.all(actors.map((actor, i) => authority.admit(actor, `m${i}`)))) as [string, string];
      await Promise.all(actors.map((actor, i) => actor.greet(ids[1 - i] as string)));
      await Promise.all(actors.map((actor, i) => settle(actor, ids[1 - i] as string, kinds)));
      await work(actors, ids);
    } finally {
      await Promise.allSettled(actors.map(actor => actor.close()));
    }
  }

  async function settle(actor: Actor, peerId: string, kinds: readonly ('udp' | 'relay')[]): Promise<void> {
    const { kind } = await actor.met(peerId, kinds, PATIENCE_MS);
    expect(kinds).toContain(kind);
  }
});

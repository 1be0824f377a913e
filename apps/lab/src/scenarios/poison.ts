/**
 * A share of peers answers reads with forged and replaced records, puts forged
 * ones, or answers for others altogether: what do honest readers get? Rows 5,
 * 64, 66 and 68 of the faults.
 */
import { type LatencyModel, liars, MeshWorld, Poisoners, type Role, SeededRandom, SimRecords } from '@warren/sim';
import { percent } from '../knob.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { LookupLoad } from '../lookup-load.ts';
import { sharesPanel } from '../panels.ts';
import { rounded } from '../report.ts';
import { type Figures, scenario, suffixed } from '../scenario.ts';
import { StoredKeys } from '../stored-keys.ts';

const JOIN_MS = 60_000;
const BAR_FOUND = 0.98;
const BAR_AT = 0.2;

export const poison = scenario({
  summary: 'forged, replaced and denied records: what do honest readers get?',
  example: '--peers 60 --keys 30 --seconds 60 --share 20',
  bar: `no forged record is accepted; at ${percent(BAR_AT)} % at least ${percent(BAR_FOUND)} % of reads give the newest value`,
  knobs: {
    peers: { kind: 'count', what: 'peers, the attackers among them', initial: 100, min: 20, max: 20_000 },
    keys: { kind: 'count', what: 'stored keys', initial: 100, min: 1, max: 10_000 },
    share: { kind: 'shares', what: 'shares of peers that attack', initial: [0, 0.1, 0.2, 0.3] },
    seconds: { kind: 'count', what: 'virtual seconds of reads', initial: 40, min: 10, max: 100_000 },
    kind: { kind: 'choice', what: 'forge and replay, or deny', initial: 'forge', of: ['forge', 'lie'] },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const latency = latencyOf(settings.latency, settings.peers, seed, step);
    const figures: Record<string, number> = {};
    let [forged, found] = [0, 1];
    for (const share of settings.share) {
      step(`${percent(share)} % attackers`);
      const level = playLevel(seed, share, { ...settings, latency });
      Object.assign(figures, suffixed(level, `At${percent(share)}`));
      forged += level.forgedAccepted ?? 0;
      if (share <= BAR_AT) found = Math.min(found, level.foundNewest ?? 0);
    }
    const missed = forged === 0 ? [] : [`${forged} forged records were accepted`];
    if (found < BAR_FOUND) missed.push(`${found} of the reads gave the newest value, not ${BAR_FOUND}`);
    const figure = [
      sharesPanel('Reads among poisoners', 'reads that give the newest value', settings.share, [
        { name: 'measured', of: 'run', figures, figure: 'foundNewest' },
        { name: 'lookups', of: 'run', figures, figure: 'lookupRate' },
      ]),
    ];
    const remarks = [
      'A forged record is one whose value its writer never wrote; a stale one was replaced by its writer.',
    ];
    return { figures: { forgedAccepted: forged, foundNewest: found, ...figures }, missed, figure, remarks };
  },
});

interface Settings {
  readonly peers: number;
  readonly keys: number;
  readonly seconds: number;
  readonly kind: string;
  readonly latency: LatencyModel;
}

function playLevel(seed: number, share: number, o: Settings): Figures {
  const records = new SimRecords(seed);
  const world = new MeshWorld({ seed, records, latency: o.latency });
  const random = new SeededRandom(seed, 'poison');
  const poisoners = new Poisoners();
  const role: Role = o.kind === 'lie' ? liars() : poisoners;
  const isHonest = (peer: { readonly role: Role | undefined }): boolean => peer.role === undefined;
  const bad = share * o.peers;
  const order = Array.from({ length: o.peers - 1 }, (_, i) => i).sort(() => random.unit() - 0.5);
  const attackers = new Set(order.slice(0, Math.round(bad)));
  world.populate(o.peers, JOIN_MS, i => (attackers.has(i) ? { role } : {}));
  world.run(2 * JOIN_MS);
  const keys = new StoredKeys(world, records);
  keys.fill(world.living().filter(isHonest), o.keys, 10);
  world.run(100 * o.keys + 15_000);
  // Half of all keys get a second version, so that there is something to replay.
  for (let i = 0; i < keys.keys.length; i += 2) keys.rewrite(keys.keys[i] as (typeof keys.keys)[0]);
  world.run(15_000);
  const stop = keys.keepReading(10, isHonest);
  const lookups = new LookupLoad(world, { perSecond: 5, asks: isHonest, answers: isHonest });
  lookups.start();
  world.run(o.seconds * 1000);
  stop();
  lookups.stop();
  world.run(15_000);
  const honest = world.living().filter(isHonest);
  const refused = honest.reduce((sum, { dht }) => sum + (dht?.stats.refused ?? 0), 0);
  const { newest, stale, forged, nothing } = keys.readings;
  return {
    foundNewest: rounded(keys.rate),
    staleAccepted: stale,
    forgedAccepted: forged,
    notFound: nothing,
    wentBack: keys.wentBack,
    reads: newest + stale + forged + nothing,
    putsFailed: keys.failed,
    recordsRefused: refused,
    falseOwnerAccepted: rounded(lookups.wrong / lookups.asked),
    lookupRate: rounded(lookups.rate),
    ...(o.kind === 'lie' ? {} : { answersForged: poisoners.stats.forged, answersReplayed: poisoners.stats.replayed }),
  };
}

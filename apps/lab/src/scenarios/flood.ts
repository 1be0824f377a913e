/**
 * Members store and ask as much as they can, with valid certificates: are the
 * records of others still found, do lookups still work, and do all counters of
 * memory stay below their caps? Rows 1, 69 and 102 of the faults.
 */
import { flooders, type LatencyModel, type MeshPeer, MeshWorld, SimRecords } from '@warren/sim';
import { percent } from '../knob.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { LookupLoad } from '../lookup-load.ts';
import { sharesPanel } from '../panels.ts';
import { rounded } from '../report.ts';
import { type Figures, scenario, suffixed } from '../scenario.ts';
import { StoredKeys } from '../stored-keys.ts';

const JOIN_MS = 30_000;
const BAR = 0.99;

export const flood = scenario({
  summary: 'members store and ask as much as they can: what is left for others?',
  example: '--peers 40 --keys 30 --seconds 20 --puts 5 --share 10',
  bar: `no honest record is lost, at least ${percent(BAR)} % of honest lookups succeed, memory stays below its caps`,
  knobs: {
    peers: { kind: 'count', what: 'peers, the attackers among them', initial: 80, min: 20, max: 20_000 },
    keys: { kind: 'count', what: 'honest records', initial: 80, min: 1, max: 10_000 },
    share: { kind: 'shares', what: 'shares of peers that flood', initial: [0, 0.1, 0.2] },
    seconds: { kind: 'count', what: 'virtual seconds of flood', initial: 20, min: 5, max: 100_000 },
    puts: { kind: 'count', what: 'records a second that each of them stores', initial: 10, min: 0, max: 10_000 },
    asks: { kind: 'count', what: 'lookups a second by each of them', initial: 50, min: 0, max: 10_000 },
    value: { kind: 'count', what: 'bytes of each value', initial: 1024, min: 1, max: 4096 },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const latency = latencyOf(settings.latency, settings.peers, seed, step);
    const figures: Record<string, number> = {};
    const missed: string[] = [];
    for (const share of settings.share) {
      step(`${percent(share)} % flood`);
      const level = playLevel(seed, share, { ...settings, latency });
      Object.assign(figures, suffixed(level, `At${percent(share)}`));
      const { honestLost = 0, lookupRate = 0 } = level;
      if (honestLost > 0) missed.push(`${honestLost} honest records were lost at ${percent(share)} %`);
      if (lookupRate < BAR) missed.push(`${lookupRate} of the lookups succeeded at ${percent(share)} %, not ${BAR}`);
    }
    const figure = [
      sharesPanel('While a share of peers floods', 'share that comes through', settings.share, [
        { name: 'honest lookups', of: 'run', figures, figure: 'lookupRate' },
        { name: 'honest reads', of: 'run', figures, figure: 'readRate' },
      ]),
      sharesPanel('What honest peers hold', { label: 'records of one peer', scale: 'linear', min: 0 }, settings.share, [
        { name: 'most', of: 'run', figures, figure: 'mostRecordsHeld' },
        { name: 'mean', of: 'run', figures, figure: 'meanRecordsHeld' },
      ]),
    ];
    const remarks = [
      `Each of them stores ${settings.puts} records of ${settings.value} bytes a second and asks ${settings.asks} times, all validly signed.`,
    ];
    return { figures, missed, figure, remarks };
  },
});

interface Settings {
  readonly peers: number;
  readonly keys: number;
  readonly seconds: number;
  readonly puts: number;
  readonly asks: number;
  readonly value: number;
  readonly latency: LatencyModel;
}

function playLevel(seed: number, share: number, o: Settings): Figures {
  const records = new SimRecords(seed);
  const world = new MeshWorld({ seed, records, latency: o.latency });
  const fromMs = 2 * JOIN_MS + 100 * o.keys + 20_000;
  const rates = { putsPerSecond: o.puts, lookupsPerSecond: o.asks, valueBytes: o.value };
  const role = flooders(records, { ...rates, fromMs });
  const bad = Math.round(share * o.peers);
  world.populate(o.peers, JOIN_MS, i => (i < bad ? { role } : {}));
  world.run(2 * JOIN_MS);
  const keys = new StoredKeys(world, records);
  keys.fill(world.living().filter(isHonest), o.keys, 10);
  world.run(fromMs - world.now);
  const [before, sent] = [messages(world), world.now];
  const lookups = new LookupLoad(world, { perSecond: 5, asks: isHonest, answers: isHonest });
  lookups.start();
  const stop = keys.keepReading(5, isHonest);
  world.run(o.seconds * 1000);
  stop();
  lookups.stop();
  const perSecond = (messages(world) - before) / ((world.now - sent) / 1000) / (o.peers - bad);
  const rate = keys.rate;
  const last = { nothing: keys.readings.nothing, forged: keys.readings.forged };
  keys.readAll(() => world.living().filter(isHonest), 10_000);
  world.run(30_000);
  const sizes = world
    .living()
    .filter(isHonest)
    .map(({ dht }) => dht?.store.size ?? 0);
  return {
    honestLost: keys.readings.nothing - last.nothing + keys.readings.forged - last.forged,
    readRate: rounded(rate),
    lookupRate: rounded(lookups.rate),
    lookupP95Ms: rounded(lookups.p95Ms),
    messagesPerHonestPeerPerSecond: rounded(perSecond),
    mostRecordsHeld: Math.max(...sizes),
    meanRecordsHeld: rounded(sizes.reduce((sum, size) => sum + size, 0) / sizes.length),
  };
}

/** Sent by honest peers, for themselves and for others. */
function messages(world: MeshWorld): number {
  return world.peers.filter(isHonest).reduce((sum, { sent }) => sum + sent, 0);
}

function isHonest(peer: MeshPeer): boolean {
  return peer.role === undefined;
}

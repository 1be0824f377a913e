/**
 * A share of peers drops what others send through them, silently, and keeps its
 * links: how many lookups still come to an honest nearest peer, beside what
 * retries over other first hops promise on paper? Row 65 of the faults.
 */
import {
  greyDropper,
  type LatencyModel,
  MeshWorld,
  misrouter,
  type Role,
  SeededRandom,
  silentDropper,
} from '@warren/sim';
import { percent } from '../knob.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { LookupLoad } from '../lookup-load.ts';
import { sharesPanel } from '../panels.ts';
import { rounded } from '../report.ts';
import { type Figures, scenario, suffixed } from '../scenario.ts';

const BAR = 0.98;
const BAR_AT = 0.2;
/** First hops that a request tries, one after the other (packages/overlay). */
const TRIES = 4;
const ROLES: Readonly<Record<string, Role>> = { silent: silentDropper, grey: greyDropper(0.5), misroute: misrouter };

export const droppers = scenario({
  summary: 'lookups while a share of peers drops what it should forward',
  example: '--peers 100 --seconds 60 --share 20',
  bar: `at ${percent(BAR_AT)} % silent droppers at least ${percent(BAR)} % of lookups succeed`,
  knobs: {
    peers: { kind: 'count', what: 'peers', initial: 500, min: 20, max: 20_000 },
    share: { kind: 'shares', what: 'shares of peers that drop', initial: [0, 0.1, 0.2, 0.3] },
    seconds: { kind: 'count', what: 'virtual seconds of lookups at each level', initial: 40, min: 10, max: 100_000 },
    kind: { kind: 'choice', what: 'what they do', initial: 'silent', of: Object.keys(ROLES) },
    lookups: { kind: 'count', what: 'lookups a second', initial: 20, min: 1, max: 1000 },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const latency = latencyOf(settings.latency, settings.peers, seed, step);
    const figures: Record<string, number> = {};
    for (const share of settings.share) {
      step(`${percent(share)} % ${settings.kind} droppers`);
      const level = playLevel(seed, share, ROLES[settings.kind] ?? silentDropper, { ...settings, latency });
      Object.assign(figures, suffixed(level, `At${percent(share)}`));
      if (share === BAR_AT) Object.assign(figures, level);
    }
    const rate = figures.lookupRate ?? 1;
    const missed = rate >= BAR ? [] : [`${rate} of the lookups succeeded at ${percent(BAR_AT)} %, not ${BAR}`];
    const figure = [
      sharesPanel(
        'Lookups while a share of peers drops',
        'lookups that come to an honest nearest peer',
        settings.share,
        [
          { name: 'measured', of: 'run', figures, figure: 'lookupRate' },
          { name: `prediction, ${TRIES} tries`, of: 'paper', figures, figure: 'prediction' },
        ],
      ),
    ];
    const remarks = [
      `faults.md promises 1-(1-p)^${TRIES} with p = (1-f)^(h-1); the bar is ${BAR} at ${percent(BAR_AT)} %.`,
    ];
    return { figures, missed, figure, remarks };
  },
});

interface Settings {
  readonly peers: number;
  readonly seconds: number;
  readonly lookups: number;
  readonly latency: LatencyModel;
}

function playLevel(seed: number, share: number, role: Role, o: Settings): Figures {
  const world = new MeshWorld({ seed, latency: o.latency });
  const random = new SeededRandom(seed, 'droppers');
  const bad = new Set(drawn(random, o.peers - 1, Math.round(share * o.peers)));
  world.populate(o.peers, 60_000, i => (bad.has(i) ? { role } : {}));
  world.run(150_000);
  const isHonest = (peer: { readonly role: Role | undefined }): boolean => peer.role === undefined;
  const consistency = world.ring(isHonest).consistency();
  const load = new LookupLoad(world, { perSecond: o.lookups, asks: isHonest, answers: isHonest });
  load.start();
  world.run(o.seconds * 1000);
  load.stop();
  world.run(12_000);
  return {
    lookupRate: rounded(load.rate),
    prediction: rounded(prediction(share, load.meanHops)),
    lookupsWrong: load.wrong,
    lookups: load.asked,
    meanHops: rounded(load.meanHops),
    lookupP95Ms: rounded(load.p95Ms),
    honestRingConsistency: rounded(consistency),
  };
}

/** `count` different numbers below `below`. */
function drawn(random: SeededRandom, below: number, count: number): number[] {
  const all = Array.from({ length: below }, (_, i) => i);
  return Array.from({ length: count }, () => all.splice(Math.floor(random.unit() * all.length), 1)[0] as number);
}

/** A path of h links works with (1-f)^(h-1), one of several tries with 1-(1-p)^tries (faults.md, rows 7 and 65). */
function prediction(f: number, hops: number): number {
  const path = (1 - f) ** Math.max(0, hops - 1);
  return 1 - (1 - path) ** TRIES;
}

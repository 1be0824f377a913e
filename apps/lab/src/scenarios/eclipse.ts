/**
 * Attackers try to be all that one peer sees. Ids are assigned at random, as a
 * group's CA does, or chosen close to the victim, as anybody can in the public
 * overlay. How much of the time has the victim no honest neighbour, and do its
 * lookups, and those for its id, still come through? Row 63 of the faults.
 */
import { chosenId, eclipsers, type LatencyModel, type MeshPeer, MeshWorld, SeededRandom } from '@warren/sim';
import { percent } from '../knob.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { LookupLoad } from '../lookup-load.ts';
import { sharesPanel } from '../panels.ts';
import { rounded } from '../report.ts';
import { type Figures, scenario, suffixed } from '../scenario.ts';

const BAR_AT = 0.2;
const JOIN_MS = 60_000;
/** Bits in which a chosen id agrees with the victim's: far beyond any honest neighbour's. */
const CHOSEN_BITS = 24;

export const eclipse = scenario({
  summary: 'attackers round one victim: how much of the time does it see nobody else?',
  example: '--peers 80 --seconds 60 --share 20',
  bar: `with assigned ids and ${percent(BAR_AT)} % attackers the victim is never without an honest neighbour`,
  knobs: {
    peers: { kind: 'count', what: 'peers, the attackers among them', initial: 120, min: 20, max: 20_000 },
    share: { kind: 'shares', what: 'shares of peers that attack', initial: [0.1, 0.2, 0.3] },
    ids: {
      kind: 'choice',
      what: 'where the ids of attackers come from',
      initial: 'both',
      of: ['both', 'assigned', 'chosen'],
    },
    seconds: { kind: 'count', what: 'virtual seconds of attack', initial: 60, min: 10, max: 100_000 },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const latency = latencyOf(settings.latency, settings.peers, seed, step);
    const figures: Record<string, number> = {};
    let eclipsed = 0;
    for (const ids of settings.ids === 'both' ? ['assigned', 'chosen'] : [settings.ids]) {
      for (const share of settings.share) {
        step(`${percent(share)} % attackers with ${ids} ids`);
        const level = playLevel(seed, share, ids === 'chosen', { ...settings, latency });
        Object.assign(figures, suffixed(level, `${ids === 'chosen' ? 'Chosen' : ''}At${percent(share)}`));
        if (share <= BAR_AT && ids === 'assigned') eclipsed = Math.max(eclipsed, level.eclipsedShare ?? 0);
      }
    }
    const missed = eclipsed === 0 ? [] : [`the victim was eclipsed ${eclipsed} of the time with assigned ids`];
    const figure = [
      sharesPanel('Time without an honest neighbour', 'share of the time', settings.share, [
        { name: 'ids from a CA', of: 'run', figures, figure: 'eclipsedShare' },
        { name: 'ids chosen beside the victim', of: 'run', figures, figure: 'eclipsedShareChosen' },
      ]),
    ];
    const remarks = ['Ids are chosen only where nobody assigns them: in the public overlay, on which no safety rests.'];
    return { figures: { eclipsedShare: eclipsed, ...figures }, missed, figure, remarks };
  },
});

interface Settings {
  readonly peers: number;
  readonly seconds: number;
  readonly latency: LatencyModel;
}

function playLevel(seed: number, share: number, isChosen: boolean, o: Settings): Figures {
  const world = new MeshWorld({ seed, latency: o.latency });
  const random = new SeededRandom(seed, 'eclipse');
  const count = Math.round(share * o.peers);
  world.populate(o.peers - count, JOIN_MS);
  const victim = world.peers[1 + Math.floor(random.unit() * (o.peers - count - 1))] as MeshPeer;
  const role = eclipsers(() => victim);
  for (let i = 0; i < count; i++) {
    const attacker = world.add(isChosen ? { role, id: chosenId(victim.id, CHOSEN_BITS, random) } : { role });
    world.at(world.now + JOIN_MS * random.unit(), () => world.join(attacker));
  }
  world.run(2 * JOIN_MS);
  const own = new LookupLoad(world, { perSecond: 2, asks: peer => peer === victim, answers: isHonest });
  own.start();
  const aboutVictim = reach(world, victim);
  const [eclipsed, attackers] = watchLinks(world, victim);
  world.run(o.seconds * 1000);
  own.stop();
  aboutVictim.stop();
  world.run(12_000);
  return {
    eclipsedShare: mean(eclipsed),
    attackersAmongLinks: mean(attackers),
    lookupsOfVictim: rounded(own.rate),
    lookupsForVictim: rounded(aboutVictim.rate()),
  };
}

/** Each second: has the victim no honest neighbour, and what share of its links go to attackers? */
function watchLinks(world: MeshWorld, victim: MeshPeer): [eclipsed: number[], attackers: number[]] {
  const [eclipsed, attackers]: [number[], number[]] = [[], []];
  world.every(1000, () => {
    const neighbours = [...victim.links.keys()].map(key => world.peer(key));
    const honest = neighbours.filter(peer => peer?.role === undefined && peer?.isAlive === true).length;
    eclipsed.push(honest === 0 ? 1 : 0);
    attackers.push(neighbours.length === 0 ? 0 : 1 - honest / neighbours.length);
    return true;
  });
  return [eclipsed, attackers];
}

/** Honest peers ask for the victim's own id, once a second. */
function reach(world: MeshWorld, victim: MeshPeer): { stop(): void; rate(): number } {
  let [isOver, asked, right] = [false, 0, 0];
  world.every(1000, () => {
    const askers = world.living().filter(peer => isHonest(peer) && peer !== victim);
    const asker = askers[Math.floor(world.random.unit() * askers.length)];
    if (isOver || asker === undefined) return false;
    world.probes.ask(asker, victim.id, ({ answerer }) => {
      asked++;
      if (answerer === victim) right++;
    });
    return true;
  });
  return {
    stop: () => {
      isOver = true;
    },
    rate: () => right / asked,
  };
}

function isHonest(peer: MeshPeer): boolean {
  return peer.role === undefined;
}

function mean(values: readonly number[]): number {
  return rounded(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/**
 * What a member of a group costs at rest, as P2 5.3 measured it: whole members,
 * one of which pings so many others every 15 s. Its bytes are counted where its
 * sockets are. The lab measures the same with real processes, of fewer members.
 */
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { IDLE_REMARKS, type IdleStage, PING_EVERY_MS, stageFigures, stagesOf } from '../idle-stages.ts';
import { rounded } from '../report.ts';
import { scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

const JOIN_EVERY_MS = 1000;
const ANSWERED_BAR = 0.99;
/** Whom it is about to ping it finds first. */
const FIND_MS = 2 * PING_EVERY_MS;

export const idleCost = scenario({
  summary: 'what a member of a large group sends and receives while nothing happens, or pings some others',
  example: '--members 12 --minutes 1 --seconds 30',
  bar: `at least ${100 * ANSWERED_BAR} % of pings are answered`,
  knobs: {
    members: { kind: 'count', what: 'members of the group', initial: 128, min: 2, max: 256 },
    minutes: {
      kind: 'count',
      what: 'virtual minutes between the last join and the first stage',
      initial: 5,
      min: 0,
      max: 600,
    },
    seconds: { kind: 'count', what: 'virtual seconds that a stage is measured', initial: 60, min: 15, max: 3600 },
  },
  run: ({ seed, settings, step }) => {
    const { members, minutes, seconds } = settings;
    const village = new Village(seed, {}, cheapCrypto);
    village.bootstrap('well');
    const all: Resident[] = [];
    for (let i = 0; i < members; i++) {
      const member = village.edge(`edge${i}`);
      member.join();
      all.push(member);
      village.world.run(JOIN_EVERY_MS);
      if ((i + 1) % 16 === 0) step(`${i + 1} of ${members} have joined`);
    }
    const [control, ...others] = all as [Resident, ...Resident[]];
    for (let minute = 0; minute < minutes; minute++) {
      step(`at rest for ${minute} of ${minutes} minutes`);
      village.world.run(60_000);
    }
    const rest = restOf(village, all, seconds);
    const stages: Stage[] = [];
    for (const active of stagesOf(members)) {
      const stage = play(village, control, others.slice(0, active), seconds);
      stages.push(stage);
      step(`${active} active: ${rounded(stage.bytesPerSecond)} B/s over ${stage.links} links`);
    }
    const unanswered = stages.reduce((sum, stage) => sum + stage.unanswered, 0);
    const pinged = stages.reduce((sum, stage) => sum + stage.pinged, 0);
    return {
      figures: {
        ...stageFigures(stages, members),
        restBytesPerSecondP50: rounded(percentile(rest, 0.5)),
        restBytesPerSecondP95: rounded(percentile(rest, 0.95)),
        pinged,
        unanswered,
      },
      missed: unanswered <= (1 - ANSWERED_BAR) * pinged ? [] : [`${unanswered} of ${pinged} pings were not answered`],
      remarks: [...IDLE_REMARKS, 'Both ways, with headers of IP, UDP and TCP, the public overlay included.'],
    };
  },
});

interface Stage extends IdleStage {
  readonly pinged: number;
  readonly unanswered: number;
}

/** Bytes a second of each while nobody pings. */
function restOf({ world }: Village, all: readonly Resident[], seconds: number): number[] {
  const before = all.map(countOf);
  world.run(1000 * seconds);
  return all.map((member, i) => (countOf(member) - (before[i] as number)) / seconds);
}

/** Pings these every 15 s, and counts once they are found. */
function play({ world }: Village, control: Resident, others: readonly Resident[], seconds: number): Stage {
  ping(control, others);
  world.run(FIND_MS);
  const [before, pongs] = [countOf(control), control.pongs.length];
  const rounds = Math.floor((1000 * seconds) / PING_EVERY_MS);
  const pinged = rounds * others.length;
  for (let round = 0; round < rounds; round++) {
    ping(control, others);
    world.run(PING_EVERY_MS);
  }
  return {
    active: others.length,
    links: control.group.network.links.usable().length + control.peer.public.links.usable().length,
    bytesPerSecond: (countOf(control) - before) / ((rounds * PING_EVERY_MS) / 1000),
    pinged,
    unanswered: Math.max(0, pinged - (control.pongs.length - pongs)),
  };
}

function ping(control: Resident, others: readonly Resident[]): void {
  for (const other of others) control.ping(other);
}

function countOf({ datagrams }: Resident): number {
  return datagrams.sentBytes + datagrams.receivedBytes;
}

/**
 * What a member of a large group costs at rest, as P2 5.3 measured: one member, in a process and a namespace of its
 * own, pings so many others every 15 s; its traffic is counted by the kernel, its memory by the same.
 */
import {
  type Figures,
  IDLE_REMARKS,
  type IdleStage,
  type Outcome,
  PING_EVERY_MS,
  rounded,
  stageFigures,
  stagesOf,
} from '@warren/lab';
import type { NatHost } from '../netns/nat-lab.ts';
import type { Actor } from './actor.ts';
import { Internet } from './internet.ts';
import { LabAuthority } from './lab-authority.ts';
import { NodeActors } from './node-actors.ts';
import { sleep } from './until.ts';

export interface IdleCostOptions {
  readonly members: number;
  readonly seconds: number;
  readonly step: (line: string) => void;
}

/** Processes that the others share. */
const CROWDS = 4;
/** How many join at once. */
const JOIN_AT_ONCE = 4;
/** After so many have joined, records of the group are handed over for a while. */
const SETTLE_MS = 120_000;
const CONTROL = 'control';
const COUNTERS = `table inet cost {
  chain in { type filter hook input priority -300; iifname "wan0" counter name got; }
  chain out { type filter hook output priority -300; oifname "wan0" counter name sent; }
  counter got { }
  counter sent { }
}`;

interface Stage extends IdleStage {
  readonly residentBytes: number;
}

export async function idleCost({ members, seconds, step }: IdleCostOptions): Promise<Outcome> {
  const crowds = Array.from(
    { length: CROWDS },
    (_, i): NatHost => ({ name: `crowd${i}`, access: [], segment: 'east' }),
  );
  const internet = await Internet.create([{ name: CONTROL, access: [], segment: 'west' }, ...crowds]);
  try {
    const { lab, around } = internet;
    await lab.nft(CONTROL, COUNTERS);
    const authority = await LabAuthority.create(around);
    const processes = await Promise.all(crowds.map(({ name }) => NodeActors.start(lab, name)));
    const control = await NodeActors.start(lab, CONTROL);
    const member = control.actor();
    await authority.admit(member, CONTROL);
    const alone = await control.process.residentBytes();
    const ids = await joinAll(members - 1, processes, authority, step);
    step('settling');
    await sleep(SETTLE_MS);
    const stages: Stage[] = [];
    for (const active of stagesOf(members)) {
      const stage = await measure(internet, control, member, ids.slice(0, active), seconds);
      stages.push(stage);
      step(
        `${active} active: ${stage.bytesPerSecond} B/s over ${stage.links} links, ${Math.round(stage.residentBytes / 1e6)} MB`,
      );
    }
    return { figures: figuresOf(stages, members, alone), missed: [], remarks: IDLE_REMARKS };
  } finally {
    await internet.close();
  }
}

async function joinAll(
  count: number,
  processes: readonly NodeActors[],
  authority: LabAuthority,
  step: IdleCostOptions['step'],
): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i += JOIN_AT_ONCE) {
    const batch = Array.from({ length: Math.min(JOIN_AT_ONCE, count - i) }, (_, k) => i + k);
    const joined = batch.map(n => authority.admit((processes[n % CROWDS] as NodeActors).actor(), `m${n}`));
    ids.push(...(await Promise.all(joined)));
    if (ids.length % 16 < JOIN_AT_ONCE) step(`${ids.length} of ${count} others have joined`);
  }
  return ids;
}

/** Pings these members for a while and counts. What it takes to find them is over before. */
async function measure(
  internet: Internet,
  control: NodeActors,
  member: Actor,
  ids: readonly string[],
  seconds: number,
): Promise<Stage> {
  await Promise.allSettled(ids.map(id => member.ping(id, 1, PING_EVERY_MS)));
  const count = Math.max(1, Math.ceil((seconds * 1_000) / PING_EVERY_MS));
  const before = await bytes(internet);
  const startedAt = performance.now();
  await Promise.allSettled([sleep(seconds * 1_000), ...ids.map(id => member.ping(id, count, PING_EVERY_MS))]);
  const tookS = (performance.now() - startedAt) / 1_000;
  return {
    active: ids.length,
    links: await member.links(),
    bytesPerSecond: rounded(((await bytes(internet)) - before) / tookS),
    residentBytes: await control.process.residentBytes(),
  };
}

async function bytes({ lab }: Internet): Promise<number> {
  const { stdout } = await lab.exec(CONTROL, ['nft', '-j', 'list', 'counters', 'table', 'inet', 'cost']);
  const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { bytes: number } }[] };
  return nftables.reduce((sum, { counter }) => sum + (counter?.bytes ?? 0), 0);
}

function figuresOf(stages: readonly Stage[], members: number, alone: number): Figures {
  const [rest, last] = [stages[0] as Stage, stages.at(-1) as Stage];
  return {
    ...stageFigures(stages, members),
    aloneMb: rounded(alone / 1e6),
    restMb: rounded(rest.residentBytes / 1e6),
    kilobytesPerPeer: rounded((rest.residentBytes - alone) / 1e3 / (members - 1)),
    kilobytesPerActivePeer: rounded((last.residentBytes - rest.residentBytes) / 1e3 / Math.max(1, last.active)),
  };
}

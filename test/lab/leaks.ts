/**
 * What of a user's traffic leaves outside of the tunnel in each phase of a client's life, as `leak-witnesses.ts` sees it.
 * The user (`test/netns/tunnel-user.ts`) sends a packet of every kind every 20 ms, without a pause: IPv4, IPv6, questions
 * for names, broadcast, sockets old, new and bound to the cable's address. Two gateways have both families.
 */
import { join } from 'node:path';
import type { Figures, Outcome } from '@warren/lab';
import { INTERFACE, type Lab, WAN } from '../netns/lab.ts';
import { WEB6 } from '../netns/tunnel-lab.ts';
import { CLIENT, CLIENT_PORT, Exits, GATEWAYS6 } from './exits.ts';
import { type Family, LeakWitnesses } from './leak-witnesses.ts';
import { sleep, until } from './until.ts';

export interface LeaksOptions {
  /** How often the phases are gone through. */
  readonly rounds: number;
  readonly step: (line: string) => void;
}

const FAMILIES: readonly Family[] = ['v4', 'v6', 'names'];
const USER = join(import.meta.dirname, '../netns/tunnel-user.ts');
const SITE_PORT = 8_443;
const TABLE = 'inet warren_tunnel';
/** How long a state is looked at once it is reached. */
const LOOK_MS = 2_000;
/** The kernel opens the lock this much before we hear of it, at most. */
const HEARD_LATE_MS = 100;
const PATIENCE_MS = 60_000;
/** Packets of a phase that are told of. */
const SAMPLES = 5;
/** Where the client goes to, and back. */
const PLACES = [
  { v4: '198.51.100.77', v6: '2001:db8:1::77' },
  { v4: undefined, v6: '2001:db8:1::1' },
] as const;

/** A stretch of time. */
interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** By the counter; `undefined` where it cannot be read at the right moment. */
  readonly counted: number | undefined;
}

export async function leaks({ rounds, step }: LeaksOptions): Promise<Outcome> {
  step('a client, two gateways and the Internet join');
  const exits = await Exits.create({ isBehindNat: false });
  try {
    const watch = await LeakWatch.start(exits, step);
    for (let round = 1; round <= rounds; round++) {
      step(`round ${round} of ${rounds}`);
      await watch.round();
    }
    return outcomeOf(await watch.end());
  } finally {
    await exits.end();
  }
}

/** What was seen. */
interface Watched {
  readonly phases: readonly Phase[];
  /** Without a tunnel. */
  readonly controls: readonly Phase[];
  readonly witnesses: LeakWitnesses;
  /** Packets that the router's witness was not given. */
  readonly dropped: number;
}

class LeakWatch {
  private readonly exits: Exits;
  private readonly step: LeaksOptions['step'];
  private readonly phases: Phase[] = [];
  private readonly controls: Phase[] = [];
  private readonly witnesses: LeakWitnesses;
  private readonly locks: LockHistory;

  private constructor(exits: Exits, step: LeaksOptions['step'], witnesses: LeakWitnesses) {
    this.exits = exits;
    this.step = step;
    this.witnesses = witnesses;
    this.locks = new LockHistory(exits.lab);
  }

  /** Witnesses watch and the user is busy; the tunnel is off. */
  static async start(exits: Exits, step: LeaksOptions['step']): Promise<LeakWatch> {
    const { lab, around } = exits;
    await must(exits.client.warren('set', 'exit-node-lan=off'));
    const site = [lab.address(around.site.host), SITE_PORT] as const;
    const witnesses = await LeakWitnesses.start(lab, { host: CLIENT, port: CLIENT_PORT, site });
    await lab.spawn(CLIENT, [process.execPath, USER]).line(/^busy$/);
    return new LeakWatch(exits, step, witnesses);
  }

  async end(): Promise<Watched> {
    const { phases, controls, witnesses } = this;
    return { phases, controls, witnesses, dropped: await witnesses.end() };
  }

  /** Once through all phases, from a running daemon without tunnel to the same. */
  async round(): Promise<void> {
    const { exits } = this;
    const { client } = exits;
    await exits.known();
    const control = await this.during('no tunnel', () => sleep(LOOK_MS));
    this.controls.push(control);
    await this.starting('tunnel turned on', () => must(client.warren('exit-node', 'auto')));
    await this.phase('running', async () => {
      await sleep(LOOK_MS);
      const six = await exits.whoAsks(`http://[${WEB6}]/`);
      if (!GATEWAYS6.includes(six)) throw new Error(`the IPv6 web was asked by ${six || 'nobody'}`);
    });
    for (const death of ['killed', 'unplugged'] as const) await this.lose(death);
    await this.phase('roaming', async () => {
      for (const place of PLACES) await this.move(place);
    });
    await this.phase('daemon killed', async () => {
      client.process.kill('SIGKILL');
      await client.process.exit;
      await sleep(LOOK_MS);
    });
    await this.phase('daemon starts again', () => this.up());
    await this.phase('upgrade', async () => {
      await must(client.warren('down', '--keep-closed'));
      await client.process.exit;
      await sleep(LOOK_MS);
      await this.up();
    });
    await this.stopping('stop', async () => {
      await must(client.warren('down'));
      await client.process.exit;
    });
    await this.starting('daemon starts', () => client.up());
    await this.stopping('tunnel turned off', () => must(client.warren('exit-node', 'off')));
  }

  /** The gateway in use goes, another one carries on, and the first comes back. */
  private async lose(death: 'killed' | 'unplugged'): Promise<void> {
    const { exits } = this;
    await exits.allLive();
    const gateway = await exits.current();
    await this.phase(`gateway ${death}`, async () => {
      if (death === 'unplugged') await exits.setCable(gateway, false);
      else exits.gateways[gateway].process.kill('SIGKILL');
      const isBack = async () => (await exits.whoAsks()) === exits.outside(exits.other(gateway));
      await until('another gateway carries on', PATIENCE_MS, isBack);
    });
    await this.phase('gateway back', async () => {
      if (death === 'unplugged') await exits.setCable(gateway, true);
      else await exits.gateways[gateway].up();
      await exits.allLive();
    });
  }

  /** The cable is pulled and put into another network. */
  private async move({ v4, v6 }: (typeof PLACES)[number]): Promise<void> {
    const { lab } = this.exits;
    await lab.setCable(CLIENT, false);
    await lab.exec(CLIENT, ['ip', 'address', 'flush', 'dev', INTERFACE, 'scope', 'global']);
    await lab.setCable(CLIENT, true);
    await lab.ip(CLIENT, [
      `address add ${v4 ?? lab.address(CLIENT)}/24 dev ${INTERFACE}`,
      `address add 192.168.7.1/24 dev ${INTERFACE}`,
      `route replace default via ${lab.address(WAN)}`,
      `address add ${v6}/64 dev ${INTERFACE} nodad`,
      'route replace default via 2001:db8:1::fe',
    ]);
    await this.exits.tunnelled();
  }

  private async up(): Promise<void> {
    await this.exits.client.up();
    await this.exits.tunnelled();
  }

  /** From the moment that the lock is closed until the web is reached. */
  private async starting(name: string, start: () => Promise<void>): Promise<void> {
    const [since, seen] = [Date.now(), this.locks.closed.length];
    const started = start();
    started.catch(() => {});
    await until(`the lock is closed (${name})`, PATIENCE_MS, () => this.locks.closed.length > seen, 5);
    const from = this.locks.closed[seen] as number;
    this.step(`${name}: closed after ${Math.round(from - since)} ms`);
    const phase = this.during(name, () => started.then(() => this.exits.tunnelled()));
    this.phases.push({ ...(await phase), from });
  }

  /** Until the lock is opened, as far as that can be told from outside. */
  private async stopping(name: string, stop: () => Promise<void>): Promise<void> {
    const seen = this.locks.opened.length;
    const phase = await this.during(name, stop);
    await until(`the lock is open (${name})`, PATIENCE_MS, () => this.locks.opened.length > seen);
    this.phases.push({ ...phase, to: (this.locks.opened[seen] as number) - HEARD_LATE_MS, counted: undefined });
    this.step(`${name}: open after ${Math.round((this.locks.opened[seen] as number) - phase.from)} ms`);
  }

  private async phase(name: string, work: () => Promise<void>): Promise<void> {
    const phase = await this.during(name, work);
    this.phases.push(phase);
    const { length } = this.witnesses.between(phase.from, phase.to);
    this.step(`${name}: ${length} packets seen, ${phase.counted} counted`);
  }

  private async during(name: string, work: () => Promise<void>): Promise<Phase> {
    const [before, from] = [await this.witnesses.counted(), Date.now()];
    await work();
    return { name, from, to: Date.now(), counted: (await this.witnesses.counted()) - before };
  }
}

/** When the kill switch came and went, as the kernel tells who listens; the table is replaced in one step now and then. */
class LockHistory {
  readonly closed: number[] = [];
  readonly opened: number[] = [];

  constructor(lab: Lab) {
    const onLine = (line: string): void => {
      if (line === `add table ${TABLE}`) this.closed.push(Date.now());
      if (line === `delete table ${TABLE}`) this.opened.push(Date.now());
    };
    lab.spawn(CLIENT, ['stdbuf', '-oL', 'nft', 'monitor'], { onLine });
  }
}

function outcomeOf({ phases, controls, witnesses, dropped }: Watched): Outcome {
  const seen = ({ from, to }: Phase, family?: Family): number =>
    witnesses.between(from, to).filter(packet => family === undefined || packet.family === family).length;
  const names = [...new Set(phases.map(({ name }) => name))];
  const rows = names.map(name => {
    const same = phases.filter(phase => phase.name === name);
    const leaked = sum(same.map(phase => Math.max(seen(phase), phase.counted ?? 0)));
    const families = FAMILIES.map(family => sum(same.map(phase => seen(phase, family))));
    return { name, leaked, families, seconds: sum(same.map(({ from, to }) => to - from)) / 1_000 };
  });
  const leakedPackets = sum(rows.map(({ leaked }) => leaked));
  const control = FAMILIES.map(family => [family, sum(controls.map(phase => seen(phase, family)))] as const);
  const figures: Figures = {
    leakedPackets,
    phases: rows.length,
    ...Object.fromEntries(control.map(([family, packets]) => [`${family}ControlPackets`, packets])),
    countedControlPackets: sum(controls.map(({ counted }) => counted ?? 0)),
    watchedSeconds: Math.round(sum(rows.map(({ seconds }) => seconds))),
  };
  const grid = {
    title: 'phases',
    rows: names,
    columns: ['leaked', ...FAMILIES, 'seconds'],
    cells: rows.map(({ leaked, families, seconds }) => [leaked, ...families, seconds.toFixed(1)].map(String)),
  };
  const samples = phases.flatMap(({ name, from, to }) =>
    witnesses
      .between(from, to)
      .slice(0, SAMPLES)
      .map(({ at, text }) => `${name}, ${Math.round(at - from)} ms after its begin: ${text}`),
  );
  const missed = [
    ...(leakedPackets === 0 ? [] : [`${leakedPackets} packets left outside of the tunnel`, ...samples]),
    ...control.filter(([, packets]) => packets === 0).map(([family]) => `the witness is blind for ${family}`),
    ...(figures.countedControlPackets === 0 ? ['the counter is blind'] : []),
    ...(dropped === 0 ? [] : [`the witness was not given ${dropped} packets`]),
  ];
  return { figures, grids: [grid], missed, remarks: REMARKS };
}

const REMARKS = [
  'Seen by tcpdump on the router, all but what Warren and the cable need; leaked is the larger of that and of what a counter of nft in the client tells.',
  `A start counts from the kernel's word that the lock is closed, a stop until ${HEARD_LATE_MS} ms before its word that it is open.`,
];

/** Rejects with what a command said when it failed. */
async function must(command: Promise<{ readonly code: number; readonly stderr: string }>): Promise<void> {
  const { code, stderr } = await command;
  if (code !== 0) throw new Error(stderr);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

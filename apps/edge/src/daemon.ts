/**
 * The daemon: one participant with an Ethernet device for each group, from start
 * to stop. The order of a start is that of `startParts`; what fails undoes what
 * stood before it. Groups are `joined-groups.ts`, answers `control-answers.ts`.
 */
import { join } from 'node:path';
import type { GroupFile } from '@warren/group';
import {
  cleanLeftovers,
  enterTunnelGroup,
  type NodeHost,
  nodeHost,
  openStorage,
  StorageError,
  SystemResolver,
} from '@warren/node';
import { startPeer, type WarrenPeer } from '@warren/peer';
import { ControlAnswers } from './control-answers.ts';
import { type ControlServer, openControl } from './control-server.ts';
import { Exit, explain, Failure } from './failure.ts';
import { InternetDuties } from './internet/duties.ts';
import { JoinedGroups } from './joined-groups.ts';
import { lockState } from './lock.ts';
import { type Gathered, gatherMemberships } from './memberships.ts';
import { Progress, type Step } from './progress.ts';
import type { DaemonSettings } from './settings/daemon-settings.ts';
import { siteFetch } from './site-fetch.ts';

/** How often certificates are looked at. */
const RENEWAL_CHECK_MS = 3_600_000;
/** The same while one could not be renewed, as after waking without a network. */
const RENEWAL_RETRY_MS = 60_000;
/** When a start that takes long says what it waits for. */
const SLOW_START_MS = 20_000;

export interface DaemonOptions {
  readonly version: string;
  readonly stateDir: string;
  readonly socket: string;
  readonly file?: GroupFile;
  /** Only with one group. Default `wr` and the group id's first eight characters. */
  readonly interfaceName?: string;
  readonly settings: DaemonSettings;
  /** A full tunnel begins with a pause of so long. */
  readonly pauseMs?: number;
  /** The line that a person should run instead without permission. */
  readonly sudo: string;
  /** Aborted when the daemon should stop, also while it starts. */
  readonly stopped: AbortSignal;
  /** Hears what happens, also after the start. */
  readonly say: (step: Step) => void;
}

/** A running daemon. */
export interface Daemon {
  /** Resolves once all groups are connected for the first time. */
  readonly ready: Promise<void>;
  /** Resolves when a command asked for the end, or with why nothing is left to do; call `stop` then. */
  readonly ended: Promise<Failure | undefined>;
  /**
   * Says goodbye, removes devices and socket, frees the folder. With `keepClosed` a tunnel's kill switch stays for the next
   * daemon, as for an upgrade.
   */
  stop(o?: { readonly keepClosed?: boolean }): Promise<void>;
}

type Undo = (() => Promise<void> | void)[];

/** Starts the daemon. Rejects with what `explain` puts into words. */
export async function startDaemon(o: DaemonOptions): Promise<Daemon> {
  const undo: Undo = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await startParts(o, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(o: DaemonOptions, undo: Undo, stop: () => Promise<void>): Promise<Daemon> {
  const lock = await lockState(o.stateDir);
  undo.push(() => lock.release());
  // Before anything opens a socket: packets of ours are known by it.
  const tunnelGroupId = enterTunnelGroup();
  const say = (message: string): void => o.say({ step: 'note', message });
  const storage = await openStorage(join(o.stateDir, 'values'), say);
  const isTunnelled = o.settings.values['exit-node'] !== 'off';
  const left = await cleanLeftovers({ storage, keepClosed: isTunnelled });
  if (left.gateway || left.fullTunnel) say('removed what the last daemon left of gateway and tunnel');
  const control = await openControl(o.socket);
  undo.push(() => control.stop());
  const host = await openHost(o);
  undo.push(() => host.datagrams.stop());
  const fetchFor = (file: GroupFile) => siteFetch(file, o.stopped);
  const gathered = await gatherMemberships(host, o.file, { fetchFor, say: o.say });
  const all = [...gathered.memberships, ...gathered.waiting];
  if (o.interfaceName !== undefined && all.length > 1) {
    const hint = 'Leave --interface out: each group has an interface of its own.';
    throw new Failure('one-interface', `This machine is in ${all.length} groups.`, hint, Exit.usage);
  }
  for (const { file } of all) if (file.sitePin !== undefined) host.pinServer(file.site, file.sitePin);
  const bootstraps = [...new Set(all.flatMap(({ file }) => file.bootstraps))];
  host.useStun([...new Set(all.flatMap(({ file }) => file.stun ?? []))]);
  const peer = await startPeer(host, { bootstraps, willingness: o.settings.values.relay });
  undo.push(() => peer.stop());
  const resolver = new SystemResolver({ log: message => o.say({ step: 'note', message }) });
  undo.push(() => resolver.stop());
  host.upstreams = () => resolver.upstreams();
  const daemon = new RunningDaemon(o, { host, peer, control, resolver, gathered, tunnelGroupId, stop });
  undo.push(() => daemon.endDuties());
  undo.push(() => daemon.rest());
  for (const membership of gathered.memberships) await daemon.groups.join(membership);
  daemon.begin();
  return daemon;
}

async function openHost(o: DaemonOptions): Promise<NodeHost> {
  const { stateDir, say, settings } = o;
  const { udp: hasUdp, 'udp-port': port, 'listen-ws': listenWs, 'port-mapping': portMapping, lan } = settings.values;
  const udp = !hasUdp ? false : port === 0 ? {} : { port };
  try {
    const log = (message: string): void => say({ step: 'note', message });
    const ws = listenWs === 0 ? {} : { listenWs };
    return await nodeHost({ kind: 'edge', stateDir, udp, ...ws, answerStun: true, portMapping, lan, log });
  } catch (error) {
    // Both come as sentences that say what to do.
    if (error instanceof StorageError || !(error instanceof Error)) throw error;
    throw new Failure('udp', error.message, '`--udp-port` chooses a port, `--no-udp` does without.');
  }
}

interface Parts {
  readonly host: NodeHost;
  readonly peer: WarrenPeer;
  readonly control: ControlServer;
  readonly resolver: SystemResolver;
  readonly gathered: Gathered;
  readonly tunnelGroupId: number | undefined;
  readonly stop: () => Promise<void>;
}

class RunningDaemon implements Daemon {
  readonly ready: Promise<void>;
  readonly ended: Promise<Failure | undefined>;
  readonly groups: JoinedGroups;
  private readonly o: DaemonOptions;
  private readonly parts: Parts;
  private readonly progress: Progress;
  private readonly duties: InternetDuties;
  private readonly answers: ControlAnswers;
  private keepsClosed = false;
  private readonly timers: NodeJS.Timeout[] = [];
  private becomeReady: () => void = () => {};
  private end: (why?: Failure) => void = () => {};
  private stopping: Promise<void> | undefined;

  constructor(o: DaemonOptions, parts: Parts) {
    this.o = o;
    this.parts = parts;
    const { host, peer, resolver, gathered, tunnelGroupId } = parts;
    const { version, sudo, stopped, interfaceName, say } = o;
    const settings = () => o.settings.values;
    const emptied = (why: Failure | undefined) => this.end(why);
    this.groups = new JoinedGroups({
      ...{ host, peer, resolver, gathered, settings, interfaceName, sudo, stopped, say, emptied },
    });
    this.progress = new Progress(o.socket);
    this.duties = new InternetDuties({
      ...{ storage: host.storage, tunnelGroupId, settings },
      groups: () =>
        this.groups
          .all()
          .map(({ membership, group, interfaceName: tap }) => ({ id: membership.file.group, group, tap })),
      mayLead: group => this.groups.renewals.hasRight(group, 'gateway'),
      say: message => say({ step: 'note', message }),
    });
    const { groups, duties } = this;
    const down = ({ keepClosed = false }) => {
      this.keepsClosed ||= keepClosed;
      this.end();
    };
    this.answers = new ControlAnswers({ version, host, peer, groups, duties, settings: o.settings, say, down });
    // Who turns a tunnel on is answered when it is closed.
    o.settings.changed = async () => void (await this.duties.changed());
    this.ready = new Promise(resolve => {
      this.becomeReady = resolve;
    });
    this.ended = new Promise(resolve => {
      this.end = resolve;
    });
  }

  /** Begins to tell, to answer commands and to renew certificates. */
  begin(): void {
    const { peer, control } = this.parts;
    const { groups } = this;
    const { problems } = groups.renewals;
    for (const { code, message, hint } of problems.values()) {
      this.o.say({ step: 'problem', code, message, ...(hint === undefined ? {} : { hint }) });
    }
    peer.subscribe(() => this.tell());
    peer.onResumed(() => void groups.renewAll());
    control.serve(this.answers);
    this.timers.push(setInterval(() => void groups.renewAll(), RENEWAL_CHECK_MS));
    this.timers.push(setInterval(() => problems.size > 0 && void groups.renewAll(), RENEWAL_RETRY_MS));
    this.timers.push(setTimeout(() => this.tellIfSlow(), SLOW_START_MS));
    this.tell();
    void this.beginPause();
  }

  /** Ends timers; the participant is stopped by whoever calls this. */
  rest(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.groups.rest();
  }

  stop({ keepClosed = false } = {}): Promise<void> {
    this.keepsClosed ||= keepClosed;
    this.stopping ??= this.parts.stop();
    return this.stopping;
  }

  /** Ends tunnel and gateway: before the devices go, which their routes lead to. */
  endDuties(): Promise<void> {
    return this.duties.stop({ keepClosed: this.keepsClosed });
  }

  private async beginPause(): Promise<void> {
    const { pauseMs, say } = this.o;
    if (pauseMs === undefined) return;
    await this.duties.changed();
    await this.duties.pause(pauseMs).catch(error => say({ step: 'note', message: explain(error).message }));
  }

  private tell(): void {
    const { groups } = this;
    groups.follow();
    void this.duties.changed();
    const interfaces = new Map(groups.devices().map(device => [device.group, device.interface]));
    const beside = { interfaces, deviceErrors: groups.deviceErrors() };
    for (const step of this.progress.update(this.parts.peer.view(), beside)) {
      this.o.say(step);
      if (step.step === 'ready') this.becomeReady();
    }
  }

  private tellIfSlow(): void {
    if (this.progress.ready) return;
    for (const { message, hint } of this.answers.health()) {
      this.o.say({ step: 'note', message: hint === undefined ? message : `${message} ${hint}` });
    }
    this.o.say({ step: 'note', message: 'not connected yet, trying on' });
  }
}

/**
 * The daemon: one participant with an Ethernet device for each group, from start
 * to stop, and what commands may ask of it. The order of a start is that of
 * `startParts`; what fails undoes what stood before it.
 */
import { networkInterfaces } from 'node:os';
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
import {
  type JoinChoices,
  type Membership,
  PeerError,
  startPeer,
  Upkeep,
  type WarrenGroup,
  type WarrenPeer,
} from '@warren/peer';
import { parseRange } from '@warren/vpn';
import type {
  CensusAnswer,
  Control,
  CrawlEvent,
  DownRequest,
  GroupRequest,
  LeaveAnswer,
  PauseRequest,
  PingEvent,
  PingRequest,
  SettingsAnswer,
  SettingsRequest,
  Status,
} from './control-api.ts';
import { type ControlServer, openControl } from './control-server.ts';
import { runCensus, runCrawl } from './crawl-run.ts';
import { Exit, explain, Failure } from './failure.ts';
import { findGroup } from './find-target.ts';
import { healthOf } from './health.ts';
import { InternetDuties, type InternetStatus } from './internet/duties.ts';
import { lockState } from './lock.ts';
import { type Gathered, gatherMemberships, removedFrom } from './memberships.ts';
import { runPing } from './ping-run.ts';
import { type Beside, Progress, type Step } from './progress.ts';
import { Renewals } from './renewals.ts';
import type { DaemonSettings } from './settings/daemon-settings.ts';
import type { Settings } from './settings/table.ts';
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
  for (const membership of gathered.memberships) await daemon.join(membership);
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

/** A group that was joined. */
interface Joined {
  membership: Membership;
  readonly group: WarrenGroup;
  readonly interfaceName: string;
  /** Asks the site for the list of removed members; certificates are looked at by `renewAll`. */
  readonly upkeep: Upkeep;
}

class RunningDaemon implements Daemon, Control {
  readonly ready: Promise<void>;
  readonly ended: Promise<Failure | undefined>;
  private readonly o: DaemonOptions;
  private readonly parts: Parts;
  private readonly startedAt = new Date().toISOString();
  private readonly joined = new Map<string, Joined>();
  private readonly renewals: Renewals;
  private readonly progress: Progress;
  private readonly duties: InternetDuties;
  private keepsClosed = false;
  private readonly timers: NodeJS.Timeout[] = [];
  private becomeReady: () => void = () => {};
  private end: (why?: Failure) => void = () => {};
  private stopping: Promise<void> | undefined;

  constructor(o: DaemonOptions, parts: Parts) {
    this.o = o;
    this.parts = parts;
    const around = {
      host: parts.host,
      fetchFor: (file: GroupFile) => siteFetch(file, o.stopped),
      joined: () => [...this.joined.values()].map(({ membership }) => membership),
      renewed: (membership: Membership) => this.renewed(membership),
      join: (membership: Membership) => this.joinLate(membership),
      left: (id: string) => this.takeOut(id),
    };
    this.renewals = new Renewals(around, parts.gathered);
    this.progress = new Progress(o.socket);
    this.duties = new InternetDuties({
      storage: parts.host.storage,
      tunnelGroupId: parts.tunnelGroupId,
      settings: () => o.settings.values,
      groups: () => [...this.joined].map(([id, { group, interfaceName: tap }]) => ({ id, group, tap })),
      mayLead: group => this.renewals.hasRight(group, 'gateway'),
      say: message => o.say({ step: 'note', message }),
    });
    o.settings.changed = () => void this.duties.changed();
    this.ready = new Promise(resolve => {
      this.becomeReady = resolve;
    });
    this.ended = new Promise(resolve => {
      this.end = resolve;
    });
  }

  async join(membership: Membership): Promise<void> {
    const { group: id, name } = membership.file;
    const interfaceName = this.o.interfaceName ?? `wr${id.slice(0, 8)}`;
    try {
      const group = await this.parts.peer.join(membership, { interfaceName, ...choicesOf(this.o.settings.values) });
      const fetch = siteFetch(membership.file, this.o.stopped);
      const upkeep = new Upkeep({ host: this.parts.host, group, membership, fetch });
      this.joined.set(id, { membership, group, interfaceName, upkeep });
      // Others go by the right in the certificate, which may have been given since it was made.
      if (this.o.settings.values.routes.length > 0) void this.renewals.hasRight(id, 'router');
    } catch (error) {
      if (error instanceof PeerError || error instanceof StorageError) throw error;
      throw deviceFailure(name, error as NodeJS.ErrnoException, this.o.sudo);
    }
  }

  /** Begins to tell, to answer commands and to renew certificates. */
  begin(): void {
    const { peer, control } = this.parts;
    for (const { code, message, hint } of this.renewals.problems.values()) {
      this.o.say({ step: 'problem', code, message, ...(hint === undefined ? {} : { hint }) });
    }
    peer.subscribe(() => this.tell());
    peer.onResumed(() => void this.renewAll());
    control.serve(this);
    this.timers.push(setInterval(() => void this.renewAll(), RENEWAL_CHECK_MS));
    this.timers.push(setInterval(() => this.renewals.problems.size > 0 && void this.renewAll(), RENEWAL_RETRY_MS));
    this.timers.push(setTimeout(() => this.tellIfSlow(), SLOW_START_MS));
    this.tell();
    void this.beginPause();
  }

  private async beginPause(): Promise<void> {
    const { pauseMs, say } = this.o;
    if (pauseMs === undefined) return;
    await this.duties.changed();
    await this.duties.pause(pauseMs).catch(error => say({ step: 'note', message: explain(error).message }));
  }

  /** Ends timers; the participant is stopped by whoever calls this. */
  rest(): void {
    for (const timer of this.timers) clearTimeout(timer);
    for (const { upkeep } of this.joined.values()) upkeep.stop();
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

  async internet(): Promise<InternetStatus> {
    return this.duties.status();
  }

  async pause({ durationMs }: PauseRequest): Promise<InternetStatus> {
    await this.duties.pause(durationMs);
    return this.duties.status();
  }

  status(): Status {
    const view = this.parts.peer.view();
    const devices = [...this.joined].map(([group, { interfaceName, membership }]) => ({
      group,
      interface: interfaceName,
      certificateExpires: new Date(membership.leaf.notAfter).toISOString(),
    }));
    const { version } = this.o;
    const { pid } = process;
    const ports = this.parts.host.ports();
    return { schema: 1, version, pid, startedAt: this.startedAt, health: this.health(), devices, ports, ...view };
  }

  ping(request: PingRequest, emit: (event: PingEvent) => void, signal: AbortSignal): Promise<void> {
    const groups = () => this.parts.peer.view().groups;
    const group = (id: string) => this.joined.get(id)?.group;
    return runPing({ groups, group }, request, emit, signal);
  }

  async crawl(request: GroupRequest, emit: (event: CrawlEvent) => void, signal: AbortSignal): Promise<void> {
    await runCrawl(this.groupFor(request), emit, signal);
  }

  async census(request: GroupRequest): Promise<CensusAnswer> {
    return runCensus(this.groupFor(request));
  }

  async leave(request: GroupRequest): Promise<LeaveAnswer> {
    const { group: id, name } = findGroup(this.files(), request.group);
    await this.renewals.forget(id);
    this.o.say({ step: 'note', message: `${name}: left` });
    const remaining = this.files().length;
    if (remaining === 0) this.down();
    return { name, remaining };
  }

  settings(): SettingsAnswer {
    return this.o.settings.answer();
  }

  set(request: SettingsRequest): Promise<SettingsAnswer> {
    return this.o.settings.set(request);
  }

  down({ keepClosed = false }: DownRequest = {}): void {
    this.keepsClosed ||= keepClosed;
    this.end();
  }

  /** The group that is meant, as far as it is joined. Throws a `Failure` when there is none. */
  private groupFor({ group: wanted }: GroupRequest): WarrenGroup {
    const { group: id } = findGroup(this.parts.peer.view().groups, wanted);
    const group = this.joined.get(id)?.group;
    if (group !== undefined) return group;
    throw new Failure('not-joined', 'This machine is not in the group yet.', 'Try again in a few seconds.');
  }

  /** Of the groups that are joined, and of those that wait. */
  private files(): GroupFile[] {
    const joined = [...this.joined.values()].map(({ membership }) => membership);
    return [...joined, ...this.renewals.waiting].map(({ file }) => file);
  }

  private tell(): void {
    for (const [id, { group }] of [...this.joined]) {
      if (group.view().problem === 'removed') void this.removed(id, group.view().name);
    }
    const interfaces = new Map([...this.joined].map(([id, { interfaceName }]) => [id, interfaceName]));
    const beside: Beside = { interfaces, deviceErrors: this.deviceErrors() };
    this.useNames();
    void this.duties.changed();
    for (const step of this.progress.update(this.parts.peer.view(), beside)) {
      this.o.say(step);
      if (step.step === 'ready') this.becomeReady();
    }
  }

  /** Has the system ask each group's name server, as long as its device has an address. */
  private useNames(): void {
    const { dns, configure } = this.o.settings.values;
    if (!dns || !configure) return;
    for (const [, { group, interfaceName }] of this.joined) {
      const { self, names } = group.view();
      const isUp = self.address !== undefined && group.deviceError === undefined;
      void this.parts.resolver.use(interfaceName, isUp ? names : undefined);
    }
  }

  /** The group is over for this machine; with no other left, so is the daemon. */
  private async removed(id: string, name: string): Promise<void> {
    const why = removedFrom(name);
    this.renewals.problems.set(id, why);
    await this.takeOut(id);
    this.o.say({ step: 'note', message: why.message });
    if (this.files().length === 0) this.end(why);
  }

  private async takeOut(id: string): Promise<void> {
    const left = this.joined.get(id);
    this.joined.delete(id);
    left?.upkeep.stop();
    if (left !== undefined) await this.parts.resolver.use(left.interfaceName, undefined);
    await left?.group.leave();
  }

  private tellIfSlow(): void {
    if (this.progress.ready) return;
    for (const { message, hint } of this.health()) {
      this.o.say({ step: 'note', message: hint === undefined ? message : `${message} ${hint}` });
    }
    this.o.say({ step: 'note', message: 'not connected yet, trying on' });
  }

  private health(): Status['health'] {
    return healthOf(this.parts.peer.view(), {
      deviceErrors: this.deviceErrors(),
      missingDevices: this.missingDevices(),
      problems: [...this.duties.problems.values(), ...this.renewals.problems.values()],
      canWebRtc: this.parts.host.datagrams.can.webrtc,
    });
  }

  private deviceErrors(): Map<string, string> {
    const errors = new Map<string, string>();
    for (const [id, { group }] of this.joined) if (group.deviceError) errors.set(id, group.deviceError);
    return errors;
  }

  /** Devices that have had an address and are not among the machine's interfaces. */
  private missingDevices(): Map<string, string> {
    const present = networkInterfaces();
    const missing = new Map<string, string>();
    for (const [id, { group, interfaceName }] of this.joined) {
      const isConfigured = group.view().self.address !== undefined && group.deviceError === undefined;
      if (isConfigured && present[interfaceName] === undefined) missing.set(id, interfaceName);
    }
    return missing;
  }

  private async renewAll(): Promise<void> {
    await this.renewals.renewAll();
    const [problem] = this.renewals.problems.values();
    if (this.files().length === 0) this.end(problem);
  }

  private async renewed(membership: Membership): Promise<void> {
    const joined = this.joined.get(membership.file.group);
    if (joined === undefined) return;
    joined.membership = membership;
    await joined.group.useCertificate(membership.leaf);
    this.tellCertificate(membership);
  }

  private async joinLate(membership: Membership): Promise<void> {
    if (this.stopping !== undefined) return;
    await this.join(membership);
    this.tellCertificate(membership);
  }

  private tellCertificate({ file: { name, device, user }, leaf }: Membership): void {
    const expires = new Date(leaf.notAfter).toISOString();
    this.o.say({ step: 'certificate', group: name, member: `${device}.${user}`, expires });
  }
}

/** What the settings say of a group's device. */
function choicesOf(settings: Settings): JoinChoices {
  const { configure, routes, 'accept-routes': acceptsRoutes, multicast } = settings;
  const { 'only-users': onlyUsers, 'not-users': notUsers } = settings;
  const announced = routes.map(parseRange).filter(range => range !== undefined);
  const access = { ...(onlyUsers.length === 0 ? {} : { onlyUsers }), ...(notUsers.length === 0 ? {} : { notUsers }) };
  return { configured: configure, announced, acceptsRoutes, hearsGroups: multicast, access };
}

/** Why there is no Ethernet device; the host says it in a sentence that names what to do. */
function deviceFailure(group: string, error: NodeJS.ErrnoException, sudo: string): Failure {
  const message = `${group}: ${error.message}`;
  if (error.code === 'EPERM' || error.code === 'EACCES') {
    return new Failure('not-root', message, `Run ${sudo}.`, Exit.notAuthorised);
  }
  const isMissing = error.code === 'ENOENT' || error.code === 'ENODEV';
  return new Failure('no-device', message, undefined, isMissing ? Exit.notAuthorised : Exit.failure);
}

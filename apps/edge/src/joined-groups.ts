/**
 * The groups that a daemon is in: joined at its start or later, each with a device, its certificate renewed, taken out
 * when it is left or when the machine was removed from it. Not here: starts and stops, and what commands ask.
 */
import { networkInterfaces } from 'node:os';
import type { GroupFile } from '@warren/group';
import { type NodeHost, StorageError, type SystemResolver } from '@warren/node';
import { type JoinChoices, type Membership, PeerError, Upkeep, type WarrenGroup, type WarrenPeer } from '@warren/peer';
import { parseRange } from '@warren/vpn';
import type { DeviceStatus } from './control-api.ts';
import { Exit, Failure } from './failure.ts';
import { type Gathered, removedFrom } from './memberships.ts';
import type { Step } from './progress.ts';
import { Renewals } from './renewals.ts';
import type { Settings } from './settings/table.ts';
import { siteFetch } from './site-fetch.ts';

export interface JoinedGroupsOptions {
  readonly host: NodeHost;
  readonly peer: WarrenPeer;
  readonly resolver: SystemResolver;
  readonly gathered: Gathered;
  readonly settings: () => Settings;
  /** Of the only group's device; by default `wr` and the group id's first eight characters. */
  readonly interfaceName: string | undefined;
  /** The line that a person should run instead without permission. */
  readonly sudo: string;
  /** Aborted when the daemon should stop. */
  readonly stopped: AbortSignal;
  readonly say: (step: Step) => void;
  /** No group is left, nor one that waits for its site. */
  readonly emptied: (why: Failure | undefined) => void;
}

/** A group that was joined. */
export interface Joined {
  membership: Membership;
  readonly group: WarrenGroup;
  readonly interfaceName: string;
  /** Asks the site for the list of removed members; certificates are looked at by `renewAll`. */
  readonly upkeep: Upkeep;
}

/** The groups of one daemon. */
export class JoinedGroups {
  readonly renewals: Renewals;
  private readonly o: JoinedGroupsOptions;
  private readonly joined = new Map<string, Joined>();
  private isStopping = false;

  constructor(o: JoinedGroupsOptions) {
    this.o = o;
    const around = {
      host: o.host,
      fetchFor: (file: GroupFile) => siteFetch(file, o.stopped),
      joined: () => this.all().map(({ membership }) => membership),
      renewed: (membership: Membership) => this.renewed(membership),
      join: (membership: Membership) => this.joinLate(membership),
      left: (id: string) => this.takeOut(id),
    };
    this.renewals = new Renewals(around, o.gathered);
  }

  all(): Joined[] {
    return [...this.joined.values()];
  }

  /** The group of that id. */
  group(id: string): WarrenGroup | undefined {
    return this.joined.get(id)?.group;
  }

  /** Of the groups that are joined, and of those that wait. */
  files(): GroupFile[] {
    return [...this.all().map(({ membership }) => membership), ...this.renewals.waiting].map(({ file }) => file);
  }

  /** Rejects with a `Failure`, `PeerError` or `StorageError`. */
  async join(membership: Membership): Promise<void> {
    const { host, peer, stopped, sudo } = this.o;
    const { group: id, name } = membership.file;
    const interfaceName = this.o.interfaceName ?? `wr${id.slice(0, 8)}`;
    const settings = this.o.settings();
    try {
      const group = await peer.join(membership, { interfaceName, ...choicesOf(settings) });
      const outdated = (): void => void this.renewals.renewNow(id);
      const upkeep = new Upkeep({ host, group, membership, fetch: siteFetch(membership.file, stopped), outdated });
      this.joined.set(id, { membership, group, interfaceName, upkeep });
      // Others go by the right in the certificate, which may have been given since it was made.
      if (settings.routes.length > 0) void this.renewals.hasRight(id, 'router');
    } catch (error) {
      if (error instanceof PeerError || error instanceof StorageError) throw error;
      throw deviceFailure(name, error as NodeJS.ErrnoException, sudo);
    }
  }

  /** Follows what may have changed: takes out groups that removed this machine, tells the system whom to ask for names. */
  follow(): void {
    for (const { group, membership } of this.all()) {
      const { problem, name } = group.view();
      if (problem === 'removed') void this.removed(membership.file.group, name);
    }
    this.useNames();
  }

  /** Renews what is due, and joins what waited for its site. */
  async renewAll(): Promise<void> {
    await this.renewals.renewAll();
    const [problem] = this.renewals.problems.values();
    if (this.files().length === 0) this.o.emptied(problem);
  }

  /** Asks nothing more and joins nothing more; the participant is stopped by whoever calls this. */
  rest(): void {
    this.isStopping = true;
    for (const { upkeep } of this.all()) upkeep.stop();
  }

  devices(): DeviceStatus[] {
    return this.all().map(({ interfaceName, membership: { file, leaf } }) => ({
      group: file.group,
      interface: interfaceName,
      certificateExpires: new Date(leaf.notAfter).toISOString(),
    }));
  }

  /** By group id, why its device does not work. */
  deviceErrors(): Map<string, string> {
    const errors = new Map<string, string>();
    for (const [id, { group }] of this.joined) if (group.deviceError) errors.set(id, group.deviceError);
    return errors;
  }

  /** Devices that have had an address and are not among the machine's interfaces. */
  missingDevices(): Map<string, string> {
    const present = networkInterfaces();
    const missing = new Map<string, string>();
    for (const [id, { group, interfaceName }] of this.joined) {
      const isConfigured = group.view().self.address !== undefined && group.deviceError === undefined;
      if (isConfigured && present[interfaceName] === undefined) missing.set(id, interfaceName);
    }
    return missing;
  }

  /** Has the system ask each group's name server, as long as its device has an address. */
  private useNames(): void {
    const { dns, configure } = this.o.settings();
    if (!dns || !configure) return;
    for (const { group, interfaceName } of this.all()) {
      const { self, names } = group.view();
      const isUp = self.address !== undefined && group.deviceError === undefined;
      void this.o.resolver.use(interfaceName, isUp ? names : undefined);
    }
  }

  /** The group is over for this machine; with no other left, so is the daemon. */
  private async removed(id: string, name: string): Promise<void> {
    const why = removedFrom(name);
    this.renewals.problems.set(id, why);
    await this.takeOut(id);
    this.o.say({ step: 'note', message: why.message });
    if (this.files().length === 0) this.o.emptied(why);
  }

  private async takeOut(id: string): Promise<void> {
    const left = this.joined.get(id);
    this.joined.delete(id);
    left?.upkeep.stop();
    if (left !== undefined) await this.o.resolver.use(left.interfaceName, undefined);
    await left?.group.leave();
  }

  private async renewed(membership: Membership): Promise<void> {
    const joined = this.joined.get(membership.file.group);
    if (joined === undefined) return;
    joined.membership = membership;
    await joined.group.useCertificate(membership.leaf);
    this.tellCertificate(membership);
  }

  private async joinLate(membership: Membership): Promise<void> {
    if (this.isStopping) return;
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
  const { 'only-users': onlyUsers, 'not-users': notUsers, 'only-teams': onlyTeams, 'not-teams': notTeams } = settings;
  const announced = routes.map(parseRange).filter(range => range !== undefined);
  const access = { onlyUsers, notUsers, onlyTeams, notTeams };
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

/** A participant without an Ethernet device, and the notes it takes of whom it meets. The same in Node and in a page. */
import { fromBase64Url, toBase64Url } from '@warren/base';
import { parseGroupFile } from '@warren/group';
import {
  type GroupView,
  type Host,
  type LinkKind,
  makeRequest,
  type PingReport,
  startPeer,
  type WarrenGroup,
  type WarrenPeer,
} from '@warren/peer';
import { readLeaf } from '@warren/trust';
import { type Actor, DIRECT, type Meeting, type Seat } from './actor.ts';

const LOOK_EVERY_MS = 10;
/** An address is claimed some time after joining. */
const ADDRESS_PATIENCE_MS = 30_000;

/** A host whose WebRTC may be given STUN servers. */
export type LabHost = Host & { useStun?(servers: readonly string[]): void };

export class Participant implements Actor {
  private readonly newHost: (seat: Seat) => Promise<LabHost>;
  private peer: WarrenPeer | undefined;
  private joined: WarrenGroup | undefined;
  private interfaceName: string | undefined;
  private readonly meetings = new Map<string, Notes>();
  /** When each member's first line came: perhaps before we greet it. */
  private readonly heardAt = new Map<string, number>();

  constructor(newHost: (seat: Seat) => Promise<LabHost>) {
    this.newHost = newHost;
  }

  async open(seat: Seat): Promise<string> {
    const { group, device, bootstraps, stun, interfaceName, relayChoice } = seat;
    const host = await this.newHost(seat);
    this.interfaceName = interfaceName;
    host.useStun?.(stun);
    const request = await makeRequest(await host.identity(`group-${group}`), device);
    const hosted = interfaceName === undefined ? withoutDevice(host) : host;
    this.peer = await startPeer(hosted, { bootstraps, ...(relayChoice && { relayChoice }) });
    return toBase64Url(request);
  }

  async join(file: string, leaf: string): Promise<void> {
    const read = parseGroupFile(file);
    const certificate = readLeaf(fromBase64Url(leaf) ?? new Uint8Array(0));
    if ('error' in read) throw new Error(read.error);
    if (typeof certificate === 'string') throw new Error(`the certificate is ${certificate}`);
    const o = this.interfaceName === undefined ? {} : { interfaceName: this.interfaceName };
    this.joined = await this.running().join({ file: read, leaf: certificate }, o);
    this.joined.onText(({ from }) => {
      if (!this.heardAt.has(from)) this.heardAt.set(from, now());
    });
  }

  async greet(peerId: string): Promise<void> {
    this.meetings.set(peerId, new Notes(this.group(), peerId, () => this.heardAt.get(peerId)));
  }

  met(peerId: string, kinds: readonly LinkKind[], patienceMs: number): Promise<Meeting> {
    const notes = this.meetings.get(peerId);
    if (notes === undefined) throw new Error(`${peerId} was not greeted`);
    return notes.taken(kinds, patienceMs);
  }

  async ping(peerId: string, count: number, intervalMs: number): Promise<PingReport> {
    const hasAddress = (): boolean =>
      this.group()
        .view()
        .members.some(member => member.peerId === peerId && member.address !== undefined);
    for (const giveUp = performance.now() + ADDRESS_PATIENCE_MS; !hasAddress() && performance.now() < giveUp; ) {
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return this.group().ping(peerId, { count, intervalMs });
  }

  async view(): Promise<GroupView> {
    return this.group().view();
  }

  async links(): Promise<number> {
    const { groups, public: common } = this.running().view();
    return [common, ...groups].reduce((sum, { links }) => sum + links.length, 0);
  }

  async close(): Promise<void> {
    for (const notes of this.meetings.values()) notes.close();
    await this.peer?.stop();
  }

  private running(): WarrenPeer {
    if (this.peer === undefined) throw new Error('it was not opened');
    return this.peer;
  }

  private group(): WarrenGroup {
    if (this.joined === undefined) throw new Error('it has not joined');
    return this.joined;
  }
}

/** Watches one other member. */
class Notes {
  private readonly group: WarrenGroup;
  private readonly peerId: string;
  private readonly heardAt: () => number | undefined;
  private readonly looking: ReturnType<typeof setInterval>;
  private noted: { -readonly [K in keyof Omit<Meeting, 'heardAt'>]: Meeting[K] } = {};

  constructor(group: WarrenGroup, peerId: string, heardAt: () => number | undefined) {
    this.group = group;
    this.peerId = peerId;
    this.heardAt = heardAt;
    this.looking = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  async taken(kinds: readonly LinkKind[], patienceMs: number): Promise<Meeting> {
    const isDone = ({ kind } = this.noted): boolean =>
      this.heardAt() !== undefined && kind !== undefined && kinds.includes(kind);
    for (const giveUp = performance.now() + patienceMs; !isDone() && performance.now() < giveUp; ) {
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
    }
    this.look();
    const heardAt = this.heardAt();
    return { ...this.noted, ...(heardAt === undefined ? {} : { heardAt }) };
  }

  close(): void {
    clearInterval(this.looking);
  }

  private look(): void {
    const { members, links } = this.group.view();
    const isThere = members.some(({ peerId, online }) => peerId === this.peerId && online);
    if (isThere && this.noted.sentAt === undefined && this.group.sendText(this.peerId, 'hello')) {
      this.noted.sentAt = now();
    }
    const link = links.find(({ peerId }) => peerId === this.peerId);
    if (link === undefined) delete this.noted.kind;
    else this.noted.kind = link.kind;
    if (link !== undefined && DIRECT.includes(link.kind)) this.noted.directAt ??= now();
    if (link?.kind === 'relay') this.noted.relayedAt ??= now();
  }
}

/** Unix ms with fractions, monotonic within a process. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** The same host, which opens no Ethernet device and keeps no records of others on its disk. */
function withoutDevice(host: LabHost): Host {
  const { kind, clock, random, storage, datagrams, crypto } = host;
  return { kind, clock, random, storage, datagrams, crypto, identity: name => host.identity(name) };
}

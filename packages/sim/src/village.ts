/**
 * Whole participants under virtual time: bootstrap nodes, edges and tabs, in
 * the public overlay and in one group. What story tests are written with.
 */
import { type Random, toHex, WallClock } from '@warren/base';
import type { PostQuantumPolicy } from '@warren/group';
import { type Access, Driver, type GroupView, groupView, isOwnRenewalDue, Peer, type UserOutput } from '@warren/peer';
import { Authority, type Credentials, parseLeaf, type Verifier } from '@warren/trust';
import { peerKey } from '@warren/wire';
import {
  type SimAuthority,
  type SimIdentity,
  simAuthority,
  simCredentials,
  simMember,
  simRenewed,
  simStranger,
} from './certificates.ts';
import type { SimDatagrams } from './datagrams.ts';
import { SIM_CAN, SimDisk, SimHost } from './host.ts';
import { SimInternet, type SimPlace } from './internet.ts';
import type { LatencyModel } from './latency.ts';
import type { AccessKind, RouterKind } from './nat-kinds.ts';
import type { SimNetwork } from './networks.ts';
import { SeededRandom } from './random.ts';
import { realCrypto, type SimCrypto } from './sim-crypto.ts';
import { EPOCH_UNIX_MS, type WireOptions, World } from './world.ts';

/** Kinds of simulated participant. */
export type ResidentKind = 'bootstrap' | 'edge' | 'browser';

/** As in `startPeer`. */
const STATEMENT_RENEW_MS = 6 * 3_600_000;
const SUBNET = { network: 0x0a800000, prefixBits: 16 };
const LINK_BUDGET = { browser: 24, edge: 256, bootstrap: 1024 } as const;

/** What a participant has on its disk. */
export interface Disk {
  public: SimIdentity;
  /** Its membership of the village's group, once it has joined. */
  member?: SimIdentity;
  /** Records of others and addresses of those whom it met. */
  readonly saved: SimDisk;
}

/** Where and as whom a participant runs. */
interface Place {
  readonly name: string;
  readonly kind: ResidentKind;
  /** `203.0.113.7:4000`, or behind routers. */
  readonly address: string | SimPlace;
  readonly url?: string;
  /** Where it takes WebSockets of members. */
  readonly memberUrl?: string;
  readonly bootstraps: readonly string[];
  readonly disk: Disk;
  /** Counts the runs of one name: chance differs in each. */
  readonly run: number;
}

/** One simulated participant, from its start to its end. */
export class Resident {
  readonly name: string;
  readonly kind: ResidentKind;
  readonly place: Place;
  readonly peer: Peer;
  readonly datagrams: SimDatagrams;
  readonly driver: Driver;
  /** What the participant told its user, in order. */
  readonly heard: UserOutput[] = [];
  /** Its rules, and the teams of its user: from the next time that it joins, or has a certificate made. */
  access: Access = {};
  teams: readonly string[] = [];
  private readonly village: Village;
  /** Its clock may be wrong. */
  readonly host: SimHost;
  private readonly random: Random;
  private readonly credentials: { readonly public: Credentials; group?: Credentials };

  constructor(village: Village, place: Place) {
    const { world, internet } = village;
    const { disk, bootstraps, memberUrl, ...where } = place;
    const { name, kind } = where;
    const url = where.url ?? memberUrl;
    this.village = village;
    this.place = place;
    this.name = name;
    this.kind = kind;
    const host = new SimHost({ ...where, ...(url && { url }), internet, disk: disk.saved });
    this.host = host;
    this.credentials = { public: simCredentials(disk.public, host.random, this.unixMs) };
    this.random = host.random;
    this.datagrams = host.datagrams;
    this.peer = new Peer(
      {
        kind,
        random: this.random,
        suite: village.crypto.suite,
        sign: village.crypto.sign,
        kem: village.crypto.kem,
        wallClock: new WallClock(this.unixMs, world.now),
        can: SIM_CAN[kind],
        linkBudget: LINK_BUDGET[kind],
        maxBytes: path => this.datagrams.maxBytes(path),
        authority: Authority.public({ verifier: village.verifier }),
        credentials: this.credentials.public,
        bootstraps,
        addresses: () => this.datagrams.localAddresses(),
        urls: () => (memberUrl === undefined ? [] : [memberUrl]),
        ...this.acquaintances('public'),
      },
      world.now,
    );
    this.driver = new Driver(this.peer, host, out => this.output(out));
    void this.driver.shelves.add('public', () => disk.saved.shelf('public'));
    this.renewInTime();
  }

  /** Joins the village's group; `authority` is somebody else's in the hands of impostors. */
  join(authority: SimAuthority = this.village.authority, policy?: PostQuantumPolicy): void {
    const { verifier, unixMs, rendezvousSecret } = this.village;
    const postQuantum = policy ?? this.village.postQuantum;
    const { disk, name } = this.place;
    disk.member ??= simMember(authority, { user: name, device: name, teams: this.teams }, this.random, unixMs);
    const trust = Authority.group(authority.der, { verifier });
    if (trust === undefined) throw new Error('a simulated CA is accepted');
    const credentials = simCredentials(disk.member, this.random, this.unixMs);
    this.credentials.group = credentials;
    const { access } = this;
    const common = { name: authority.group, authority: trust, subnet: SUBNET, hasTap: false, postQuantum, access };
    const before = this.acquaintances(authority.group);
    this.driver.act(now => this.peer.join({ ...common, ...before, credentials, rendezvousSecret }, now));
    void this.driver.shelves.add(authority.group, () => disk.saved.shelf(authority.group));
  }

  /** Makes statements, and perhaps a certificate of the group, anew, as `startPeer` and programs on it do. */
  renew(member: SimIdentity | undefined = this.place.disk.member): void {
    const { disk } = this.place;
    const { public: common, group } = this.credentials;
    const leaf = parseLeaf(disk.public.leaf);
    if (leaf !== undefined && isOwnRenewalDue(leaf, this.unixMs)) {
      disk.public = simStranger(this.random, this.unixMs, disk.public.crypto, disk.public.secret);
    }
    this.peer.public.renew(simRenewed(disk.public, common.keys, this.unixMs));
    if (member === undefined || group === undefined) return;
    disk.member = member;
    this.driver.act(now => this.group.renew(simRenewed(member, group.keys, this.unixMs), now));
  }

  /** A certificate of the village's group for the same peer, good for `days` from now. */
  certificate(days: number): SimIdentity {
    const { disk, name } = this.place;
    const { authority, unixMs } = this.village;
    if (disk.member === undefined) throw new Error(`${name} has not joined`);
    const { secret } = disk.member;
    const o = { user: name, device: name, secret, peerId: this.group.network.self, days, teams: this.teams };
    return simMember(authority, o, this.random, unixMs);
  }

  /** The machine sleeps until `wake`. */
  sleep(): void {
    this.host.sleep();
  }

  wake(): void {
    this.host.wake();
  }

  /** The date by its own clock. */
  get unixMs(): number {
    return this.host.clock.unixMs();
  }

  private renewInTime(): void {
    const { world } = this.village;
    world.at(world.now + STATEMENT_RENEW_MS, () => {
      if (!this.datagrams.isAlive) return;
      if (!this.host.clock.isAsleep) this.renew();
      this.renewInTime();
    });
  }

  private output(out: UserOutput): void {
    if (out.kind === 'resumed') this.renew();
    else if (out.kind === 'acquaintances') {
      this.place.disk.saved.values.set(`acquaintances-${out.network}`, out.bytes.slice());
    } else this.heard.push(out);
  }

  /** Whom it met in its last run. */
  private acquaintances(network: string): { acquaintances?: Uint8Array } {
    const acquaintances = this.place.disk.saved.values.get(`acquaintances-${network}`);
    return acquaintances === undefined ? {} : { acquaintances };
  }

  /** What outlives it, keys and identities aside. */
  get disk(): SimDisk {
    return this.place.disk.saved;
  }

  /** The group as this participant sees it. */
  get view(): GroupView {
    const storage = this.driver.shelves.view(this.group.network.name);
    return groupView(this.group, 'village', this.unixMs, storage);
  }

  /** The group's stack; the first that it joined. */
  get group(): NonNullable<ReturnType<Peer['groups']['get']>> {
    const [group] = this.peer.groups.values();
    if (group === undefined) throw new Error(`${this.name} has not joined`);
    return group;
  }

  /** Whom this participant has usable private links to, by name. */
  get friends(): string[] {
    const { members, links } = this.view;
    return links.map(link => members.find(member => member.peerId === link.peerId)?.device ?? '?').sort();
  }

  /** Whom this participant believes to be there, by name, itself not among them. */
  get online(): string[] {
    return this.view.members.filter(member => member.online && !member.self).map(member => member.device);
  }

  /** How it reaches another: a kind of link, or `undefined` without one. */
  linkKind(other: Resident): string | undefined {
    return this.group.network.links.info(peerKey(other.group.network.self))?.kind;
  }

  /** 40 hex digits: its place in the group. */
  get peerId(): string {
    return toHex(this.group.network.self);
  }

  /** Sends a text to another member; false when it cannot even be queued. */
  tell(other: Resident, text: string): boolean {
    return this.driver.act(now => this.group.sendText(other.peerId, text, now));
  }

  /** The texts that came, as `sender: text`, in order. */
  get texts(): string[] {
    const { members } = this.view;
    const names = new Map(members.map(member => [member.peerId, member.device]));
    return this.heard.flatMap(out =>
      out.kind === 'group' && out.out.kind === 'text' ? [`${names.get(out.out.from) ?? '?'}: ${out.out.text}`] : [],
    );
  }

  /** Sends one echo request to another member's virtual address; true when the member has one. */
  ping(other: Resident): boolean {
    const address = other.group.vpn.address;
    if (address !== undefined) this.driver.act(now => this.group.ping(address, now));
    return address !== undefined;
  }

  /** Round-trip times of all echo replies so far. */
  get pongs(): number[] {
    return this.heard.flatMap(out => (out.kind === 'group' && out.out.kind === 'pong' ? [out.out.rttMs] : []));
  }

  /** Vanishes without a word, as a machine that loses power. */
  kill(): void {
    this.datagrams.kill();
    this.driver.stop();
  }

  /** Says goodbye and ends. */
  leave(): void {
    this.driver.act(now => this.peer.stop(now));
    this.driver.stop();
    this.datagrams.shut();
  }
}

/** A world with participants in it. */
export class Village {
  readonly world: World;
  readonly internet: SimInternet;
  readonly authority: SimAuthority;
  readonly rendezvousSecret: Uint8Array;
  readonly crypto: SimCrypto;
  readonly verifier: Verifier;
  /** Those that run, by name. */
  readonly residents = new Map<string, Resident>();
  /** The group's policy, for those who join from now on. */
  postQuantum: PostQuantumPolicy = 'on';
  /** Whether hosts with public addresses have IPv6 as well, from now on. */
  isDualStack = false;
  private nextHost = 1;

  constructor(seed: number, wire: Partial<WireOptions> = {}, crypto: SimCrypto = realCrypto) {
    this.world = new World(seed, wire);
    this.crypto = crypto;
    this.verifier = crypto.verifier();
    this.internet = new SimInternet(this.world);
    const random = new SeededRandom(seed, 'village');
    this.authority = simAuthority(random, EPOCH_UNIX_MS, crypto);
    this.rendezvousSecret = random.bytes(32);
  }

  /** Puts residents at the hosts of a model, in the order in which they come; those beyond share hosts. */
  settle(latency: LatencyModel): void {
    const hosts = new Map<string, number>();
    const hostOf = (name: string): number => {
      const host = hosts.get(name) ?? hosts.size % latency.hosts;
      hosts.set(name, host);
      return host;
    };
    this.internet.latencyMs = (from, to) => latency.oneWayMs(hostOf(from), hostOf(to));
  }

  /** Adds a bootstrap node at `ws://<name>/`, linked to those before it. */
  bootstrap(name: string): Resident {
    const resident = this.add(name, 'bootstrap', { url: `ws://${name}/` });
    this.internet.stunServers.push(...resident.datagrams.localAddresses());
    return resident;
  }

  /** Adds a Linux machine: UDP, WebRTC and WebSocket; in a network behind routers, or with a public address. */
  edge(name: string, network?: SimNetwork): Resident {
    return this.add(name, 'edge', network && { network });
  }

  /** Adds a Linux machine with a public address that takes WebSockets of members as well. */
  listeningEdge(name: string): Resident {
    const pin = 'A'.repeat(43);
    return this.add(name, 'edge', { memberUrl: `wss://203.0.113.${this.nextHost}:443/warren#${pin}` });
  }

  /** Adds a tab: WebRTC and WebSocket. */
  browser(name: string, network?: SimNetwork): Resident {
    return this.add(name, 'browser', network && { network });
  }

  /** A new network of that kind, with routers of its own all the way to `outside`. Hosts in it share them. */
  access(kind: AccessKind, outside: SimNetwork = this.internet.network): SimNetwork {
    return kind.reduceRight((above, router, i) => above.behind(router, i === 0 ? 'home' : 'carrier'), outside);
  }

  /** A network behind a carrier's router, for homes. */
  carrier(router: RouterKind): SimNetwork {
    return this.internet.network.behind(router, 'carrier');
  }

  /** Starts one anew, with the same disk at the same address; it has to `join` again. Kill the old one before. */
  restart(old: Resident, o: { readonly bootstraps?: readonly string[] } = {}): Resident {
    return this.enter({ ...old.place, ...o, run: old.place.run + 1 });
  }

  /** Starts a copy of one at another address, as from a cloned disk. */
  clone(original: Resident, name: string): Resident {
    const disk = { ...original.place.disk, saved: original.disk.copy() };
    return this.enter({ ...original.place, disk, name, address: this.nextAddress() });
  }

  /** The date. */
  get unixMs(): number {
    return EPOCH_UNIX_MS + this.world.now;
  }

  private add(
    name: string,
    kind: ResidentKind,
    where: { readonly url?: string; readonly memberUrl?: string; readonly network?: SimNetwork } = {},
  ): Resident {
    const bootstraps = [...this.residents.values()].flatMap(({ place }) => place.url ?? []);
    const identity = simStranger(new SeededRandom(this.world.seed, name), this.unixMs, this.crypto);
    const disk = { public: identity, saved: new SimDisk() };
    const { network, ...urls } = where;
    return this.enter({ name, kind, address: this.nextPlace(network), bootstraps, disk, run: 1, ...urls });
  }

  private enter(place: Place): Resident {
    const resident = new Resident(this, place);
    this.residents.set(place.name, resident);
    return resident;
  }

  private nextAddress(): string {
    return `203.0.113.${this.nextHost++}:4000`;
  }

  private nextPlace(network: SimNetwork = this.internet.network): string | SimPlace {
    if (network.router === undefined) {
      const address = this.nextAddress();
      return this.isDualStack ? { network, addresses: [address, `${network.newV6()}:4000`] } : address;
    }
    const { v4, v6 } = network.newHost();
    return { network, addresses: [v4, v6].flatMap(ip => (ip === undefined ? [] : [`${ip}:4000`])) };
  }
}

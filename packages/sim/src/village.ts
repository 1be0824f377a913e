/**
 * Whole participants under virtual time: bootstrap nodes, edges and tabs, in
 * the public overlay and in one group. What story tests are written with.
 */
import { WallClock } from '@warren/base';
import { nobleSuite } from '@warren/noise';
import { Driver, type GroupView, type Host, Peer, type UserOutput, groupView } from '@warren/peer';
import { Authority } from '@warren/trust';
import { type SimAuthority, simAuthority, simMember, simStranger } from './certificates.ts';
import { SimDatagrams, SimInternet } from './datagrams.ts';
import { SeededRandom } from './random.ts';
import { EPOCH_UNIX_MS, type WireOptions, World } from './world.ts';

/** Kinds of simulated participant. */
export type ResidentKind = 'bootstrap' | 'edge' | 'browser';

const CAN = {
  bootstrap: { udp: true, webrtc: false, websocket: true },
  edge: { udp: true, webrtc: true, websocket: true },
  browser: { udp: false, webrtc: true, websocket: true },
} as const;

const SUBNET = { network: 0x0a800000, prefixBits: 16 };
const LINK_BUDGET = { browser: 24, edge: 256, bootstrap: 1024 } as const;

/** One simulated participant. */
export class Resident {
  readonly name: string;
  readonly kind: ResidentKind;
  readonly peer: Peer;
  readonly datagrams: SimDatagrams;
  readonly driver: Driver;
  /** What the participant told its user, in order. */
  readonly heard: UserOutput[] = [];
  private readonly village: Village;

  constructor(village: Village, name: string, kind: ResidentKind, bootstraps: readonly string[], url?: string) {
    const { world, internet } = village;
    this.village = village;
    this.name = name;
    this.kind = kind;
    const random = new SeededRandom(world.seed, name);
    const wallClock = new WallClock(EPOCH_UNIX_MS + world.now, world.now);
    const address = `203.0.113.${internet.byName.size + 1}:4000`;
    this.datagrams = new SimDatagrams(internet, name, address, CAN[kind], url);
    const credentials = simStranger(random, EPOCH_UNIX_MS + world.now);
    this.peer = new Peer(
      {
        kind,
        random,
        suite: nobleSuite(),
        wallClock,
        can: CAN[kind],
        linkBudget: LINK_BUDGET[kind],
        maxBytes: path => this.datagrams.maxBytes(path),
        authority: Authority.public(),
        credentials,
        bootstraps,
        addresses: () => this.datagrams.localAddresses(),
      },
      world.now,
    );
    this.driver = new Driver(this.peer, { clock: village.clock(), datagrams: this.datagrams } as unknown as Host, out => this.heard.push(out));
  }

  /** Joins the village's group. */
  join(user = this.name): void {
    const { world, authority, rendezvousSecret } = this.village;
    const random = new SeededRandom(world.seed, `${this.name} member`);
    const credentials = simMember(authority, user, this.name, random, EPOCH_UNIX_MS + world.now);
    const name = authority.group;
    const trust = Authority.group(authority.der) as Authority;
    const o = { name, authority: trust, credentials, rendezvousSecret, subnet: SUBNET, hasTap: false };
    this.driver.act(now => this.peer.join(o, now));
  }

  /** The group as this participant sees it. */
  get view(): GroupView {
    return groupView(this.group, 'village', EPOCH_UNIX_MS + this.village.world.now);
  }

  get group(): NonNullable<ReturnType<Peer['groups']['get']>> {
    const group = this.peer.groups.get(this.village.authority.group);
    if (group === undefined) throw new Error(`${this.name} has not joined`);
    return group;
  }

  /** Whom this participant has usable private links to, by name. */
  get friends(): string[] {
    const { members, links } = this.view;
    return links.map(link => members.find(member => member.peerId === link.peerId)?.device ?? '?').sort();
  }

  /** Leaves without a word. */
  kill(): void {
    this.datagrams.kill();
    this.driver.stop();
  }
}

/** A world with participants in it. */
export class Village {
  readonly world: World;
  readonly internet: SimInternet;
  readonly authority: SimAuthority;
  readonly rendezvousSecret: Uint8Array;
  readonly residents = new Map<string, Resident>();

  constructor(seed: number, wire: Partial<WireOptions> = {}) {
    this.world = new World(seed, wire);
    this.internet = new SimInternet(this.world);
    const random = new SeededRandom(seed, 'village');
    this.authority = simAuthority(random, EPOCH_UNIX_MS);
    this.rendezvousSecret = random.bytes(32);
  }

  /** Adds a bootstrap node at `ws://<name>/`, linked to those before it. */
  bootstrap(name: string): Resident {
    return this.add(name, 'bootstrap', `ws://${name}/`);
  }

  edge(name: string): Resident {
    return this.add(name, 'edge');
  }

  browser(name: string): Resident {
    return this.add(name, 'browser');
  }

  /** A clock with an alarm, in virtual time. */
  clock(): Host['clock'] {
    const { world } = this;
    let cancel = () => {};
    return {
      now: () => world.now,
      unixMs: () => EPOCH_UNIX_MS + world.now,
      setAlarm: (at, wake) => {
        cancel();
        if (at !== undefined) cancel = world.at(at, wake);
      },
    };
  }

  private add(name: string, kind: ResidentKind, url?: string): Resident {
    const bootstraps = [...this.residents.values()].filter(r => r.kind === 'bootstrap').map(r => `ws://${r.name}/`);
    const resident = new Resident(this, name, kind, bootstraps, url);
    this.residents.set(name, resident);
    return resident;
  }
}

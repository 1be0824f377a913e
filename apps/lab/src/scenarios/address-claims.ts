/**
 * All members of a group claim addresses at the same time, in a subnet so small
 * that they collide; then the group splits, newcomers claim on both sides, and
 * the parts meet again. Does anybody ever keep an address that somebody else
 * has? Row 45 of the faults.
 */
import { cheapCrypto, type MeshPeer, MeshWorld, SeededRandom, SimRecords } from '@warren/sim';
import { AddressChoice, AddressClaim, type Subnet } from '@warren/vpn';
import { RecordKind, Writer } from '@warren/wire';
import { latencyKnob, latencyOf } from '../latency.ts';
import { rounded } from '../report.ts';
import { type Figures, scenario } from '../scenario.ts';

const JOIN_MS = 60_000;
const SETTLE_MS = 60_000;
/** Claims that compete are decided within so long. */
const CLAIMING_MS = 120_000;
const HEAL_MAX_MS = 600_000;
/** A claim lives three times its renewal, as in `peer`. */
const CLAIM_LIFETIME_S = 180;
const LOOK_MS = 1000;

export const addressClaims = scenario({
  summary: 'a thousand members claim addresses at once, and again in a split group',
  example: '--peers 60 --prefix 25',
  bar: 'no address with two holders, once claims are decided and once a healed group has settled',
  knobs: {
    peers: { kind: 'count', what: 'members who claim at once', initial: 1000, min: 12, max: 20_000 },
    prefix: { kind: 'count', what: 'prefix bits of the subnet: 21 has 2,045 addresses', initial: 21, min: 8, max: 28 },
    newcomers: {
      kind: 'count',
      what: 'newcomers, percent of the members, while the group is split',
      initial: 20,
      min: 0,
      max: 100,
    },
    minutes: { kind: 'count', what: 'virtual minutes that the group is split', initial: 5, min: 1, max: 600 },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const { peers, prefix, newcomers, minutes } = settings;
    const coming = Math.round((peers * newcomers) / 100);
    const subnet = { network: 10 * 2 ** 24 + 128 * 2 ** 16, prefixBits: prefix };
    if (2 ** (32 - prefix) - 3 < peers + coming)
      throw new Error(`/${prefix} has fewer addresses than members: take a smaller --prefix`);
    const records = new SimRecords(seed);
    const world = new MeshWorld({ seed, records, latency: latencyOf(settings.latency, peers, seed, step) });
    const members = world.populate(peers, JOIN_MS);
    world.run(JOIN_MS + SETTLE_MS);
    const claims = new Claims(world, records, subnet);
    step('all claim at once');
    for (const peer of members) claims.begin(peer);
    const startedAt = world.now;
    const isHeld = world.runUntil(() => claims.waiting === 0, CLAIMING_MS, LOOK_MS);
    const heldMs = world.now - startedAt;
    world.run(CLAIMING_MS);
    const first = claims.duplicates();
    step(`split, with ${coming} newcomers`);
    const random = new SeededRandom(seed, 'sides');
    const sides = new Map(members.map(peer => [peer, random.unit() < 0.5 ? 0 : 1]));
    world.split(peer => sides.get(peer) ?? 0);
    world.run(SETTLE_MS);
    for (let i = 0; i < coming; i++) {
      const peer = world.add();
      sides.set(peer, i % 2);
      peer.side = i % 2;
      world.at(world.now + (30_000 * i) / Math.max(1, coming), () => enter(world, claims, peer, members, sides));
    }
    world.run(minutes * 60_000);
    const apart = claims.duplicates();
    step(`healed, ${apart} addresses have two holders`);
    world.split(() => 0);
    const healedAt = world.now;
    const isDecided = world.runUntil(() => claims.duplicates() === 0 && claims.waiting === 0, HEAL_MAX_MS, LOOK_MS);
    const decidedMs = world.now - healedAt;
    world.run(CLAIMING_MS);
    const figures: Figures = {
      duplicates: first + claims.duplicates(),
      withoutAddress: claims.waiting,
      duplicatesWhileSplit: apart,
      heldAfterSeconds: isHeld ? rounded(heldMs / 1000) : Number.POSITIVE_INFINITY,
      decidedAfterSeconds: isDecided ? rounded(decidedMs / 1000) : Number.POSITIVE_INFINITY,
      moves: claims.moves,
      conflicts: claims.conflicts,
    };
    return { figures, missed: missedBy(figures) };
  },
});

function missedBy({ duplicates = 0, withoutAddress = 0 }: Figures): string[] {
  return [
    ...(duplicates === 0 ? [] : [`${duplicates} addresses have two holders`]),
    ...(withoutAddress === 0 ? [] : [`${withoutAddress} members have no address`]),
  ];
}

/** A newcomer knows somebody of its side, and claims as soon as it has a link. */
function enter(
  world: MeshWorld,
  claims: Claims,
  peer: MeshPeer,
  members: readonly MeshPeer[],
  sides: Map<MeshPeer, number>,
): void {
  const friend = members.find(member => member.isAlive && sides.get(member) === sides.get(peer));
  if (friend !== undefined) peer.remember(friend.key);
  world.join(peer);
  world.every(LOOK_MS / 4, () => {
    if (peer.links.size > 0) claims.begin(peer);
    return peer.links.size === 0;
  });
}

/** The virtual networks of all members, as far as addresses go. */
class Claims {
  /** Addresses that were tried and taken, and addresses that were given up again. */
  moves = 0;
  conflicts = 0;
  private readonly world: MeshWorld;
  private readonly records: SimRecords;
  private readonly subnet: Subnet;
  private readonly members = new Map<MeshPeer, AddressClaim>();

  constructor(world: MeshWorld, records: SimRecords, subnet: Subnet) {
    this.world = world;
    this.records = records;
    this.subnet = subnet;
  }

  begin(peer: MeshPeer): void {
    if (this.members.has(peer)) return;
    const random = new SeededRandom(this.world.seed, `claim ${peer.index}`);
    const claim = new AddressClaim(new AddressChoice(this.subnet, peer.id, undefined), random);
    this.members.set(peer, claim);
    claim.handle({ kind: 'ready' }, this.world.now);
    this.settle(peer, claim);
  }

  /** Members without an address. */
  get waiting(): number {
    return [...this.members.values()].filter(({ address }) => address === undefined).length;
  }

  /** Addresses that more than one living member holds. */
  duplicates(): number {
    const holders = new Map<number, number>();
    for (const [peer, { address }] of this.members) {
      if (peer.isAlive && address !== undefined) holders.set(address, (holders.get(address) ?? 0) + 1);
    }
    return [...holders.values()].filter(count => count > 1).length;
  }

  private settle(peer: MeshPeer, claim: AddressClaim): void {
    for (let out = claim.poll(); out !== undefined; out = claim.poll()) {
      if (out.kind === 'claim') this.store(peer, claim, out.address);
      else if (out.kind === 'conflict') this.conflicts++;
    }
    const { wakeAt } = claim;
    if (wakeAt === undefined) return;
    this.world.at(wakeAt, () => {
      if (!peer.isAlive || claim.wakeAt !== wakeAt) return;
      claim.tick(this.world.now);
      this.settle(peer, claim);
    });
  }

  private store(peer: MeshPeer, claim: AddressClaim, address: number): void {
    const value = new Writer(4).u32(address).done();
    const key = cheapCrypto.suite.hash(value).slice(0, 20);
    const o = { kind: RecordKind.ADDRESS, key, value, lifetimeS: CLAIM_LIFETIME_S };
    this.records.create(this.world, peer, o, ({ result }) => {
      if (result === 'taken') this.moves++;
      claim.handle({ kind: 'claim-result', address, result: result === 'ok' ? 'held' : result }, this.world.now);
      this.settle(peer, claim);
    });
  }
}

/** Members who cannot meet, and those who relay between them (P2 4.3; faults rows 21, 23, 29, 76). */
import { utf8 } from '@warren/base';
import { cheapCrypto, type Resident, SeededRandom, simMember, Village } from '@warren/sim';
import { peerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import {
  apart,
  expectShort,
  expectSoon,
  gapWithoutRelay,
  isRelayed,
  linked,
  relayAfterJoining,
  ringOf,
  seeds,
  within,
} from './relay-pairs.ts';

/** Bytes and circuits that strangers have (go-libp2p's), each way in two minutes. */
const CIRCUIT_BYTES = 131_072;
const CIRCUITS_PER_PEER = 16;

describe('faults #21 ring neighbours who cannot link', () => {
  test('do so through others, and the ring is whole', () => {
    const village = new Village(21, {}, cheapCrypto);
    village.bootstrap('well');
    const members = Array.from({ length: 12 }, (_, i) => village.edge(`e${i}`));
    village.world.run(1000);
    for (const member of members) member.join();
    const ring = ringOf(members);
    // Nobody can meet its successor.
    const pairs = ring.map((member, i) => [member, ring[(i + 1) % ring.length] as Resident] as const);
    for (const [member, next] of pairs) village.internet.cut(member.name, next.name);
    const isWhole = () => pairs.every(([a, b]) => isRelayed(a, b));
    within(village, 60_000, isWhole);
    village.world.run(30_000);
    expect(isWhole()).toBe(true);
    // Each has ten to choose from: two who choose differently do not fight about it.
    const before = village.world.delivered;
    village.world.run(10_000);
    expect((village.world.delivered - before) / 10 / members.length).toBeLessThan(50);
    for (const [a, b] of pairs) expect(pongs(village, a, b, 5), `${a.name} to ${b.name}`).toBe(5);
    // Whoever is reached through a relay is not told to others as a relay.
    for (const member of members) expect(member.view.links.filter(({ kind }) => kind === 'overlay')).toEqual([]);
  });
});

describe('faults #23 two members behind NATs that nothing gets through', () => {
  test('are linked through a third, at the median a second after they know of each other, and upgrade without loss', () => {
    const times = seeds(12).map(seed => {
      const { village, a, b, tookMs } = relayAfterJoining(seed);
      if (seed % 4 === 0) upgrades(village, a, b);
      return tookMs;
    });
    expectSoon(times);
  });

  test.each<['edge' | 'browser', 'edge' | 'browser']>([
    ['edge', 'browser'],
    ['browser', 'browser'],
    ['edge', 'edge'],
    ['browser', 'edge'],
  ])('two of kind %s talk through one of kind %s', (ends, relay) => {
    const { village, a, b, others } = apart(7, 1, ends, relay);
    for (const member of [a, b, ...others]) member.join();
    within(village, 30_000, () => isRelayed(a, b));
    const addressed = () => [a, b].every(({ view }) => view.self.address !== undefined);
    within(village, 10_000, addressed);
    expect(pongs(village, a, b, 10)).toBe(10);
    expect(a.view.members.find(({ name }) => name.startsWith(b.name))?.link?.via).toBe(
      `${others[0]?.name}.${others[0]?.name}`,
    );
    expect(others[0]?.view.relayed?.datagrams).toBeGreaterThan(20);
  });

  test('a relay sees nothing of what they say', () => {
    const { village, a, b, others } = linked(9, 3);
    const seen = others.flatMap(spy);
    const opened = () => seen.flat();
    expect(a.tell(b, 'a most telling marker')).toBe(true);
    village.world.run(2000);
    expect(b.texts).toEqual([`${a.name}: a most telling marker`]);
    expect(opened().length).toBeGreaterThan(0);
    expect(opened().filter(bytes => holds(bytes, utf8('telling marker')))).toEqual([]);
  });

  test('two tabs whose networks let no UDP pass talk all the same', () => {
    const village = new Village(3, {}, cheapCrypto);
    village.internet.udpBlocked = true;
    village.bootstrap('well');
    const [a, b] = [village.browser('a'), village.browser('b')];
    village.world.run(1000);
    for (const member of [a, b]) member.join();
    const addressed = () => [a, b].every(({ view }) => view.self.address !== undefined) && a.linkKind(b) !== undefined;
    within(village, 30_000, addressed);
    expect(pongs(village, a, b, 20)).toBe(20);
  });
});

describe('faults #29 the relay in use vanishes', () => {
  test('another takes over within two seconds', () => {
    expectShort(seeds(16).map(gapWithoutRelay));
  });
});

describe('faults #76 whoever wants to have much relayed', () => {
  test('as a stranger gets what the quotas allow, and no more', () => {
    const village = new Village(76, {}, cheapCrypto);
    const well = village.bootstrap('well');
    const all = Array.from({ length: 20 }, (_, i) => village.edge(`e${i}`));
    const [greedy, ...others] = all as [Resident, ...Resident[]];
    village.world.run(20_000);
    const { links } = greedy.peer.public;
    const from = village.world.now;
    // To all that the well is linked to, 20 kB a second to each, for a minute.
    for (let i = 0; i < 60; i++) {
      greedy.driver.act(now => {
        for (const other of others) {
          const path = `relay/public/${key(well)}/${key(other)}`;
          for (let n = 0; n < 20; n++) links.sendOn(path, new Uint8Array(1000).fill(0xe5), now);
        }
        links.tick(now);
      });
      village.world.run(1000);
    }
    expect(village.world.now - from).toBeLessThan(120_000);
    const { bytes, refused } = well.peer.public.links.stats.relays;
    expect(refused.quota).toBeGreaterThan(10_000);
    expect(bytes).toBeGreaterThan(CIRCUIT_BYTES);
    expect(bytes).toBeLessThanOrEqual(2 * CIRCUITS_PER_PEER * CIRCUIT_BYTES);
  });

  test('gets nothing from members whose certificate does not let them relay', () => {
    const { village, a, b, others } = apart(5, 3, 'edge');
    const [entitled, ...rest] = others as [Resident, ...Resident[]];
    for (const other of rest) withoutRights(village, other);
    for (const member of [a, b, ...others]) member.join();
    within(village, 30_000, () => isRelayed(a, b));
    village.world.run(30_000);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      expect(from.group.network.links.info(to.peerId)?.via).toBe(entitled.peerId);
    }
    entitled.kill();
    village.world.run(20_000);
    expect([a.linkKind(b), b.linkKind(a)]).not.toContain('relay');
    for (const other of rest) {
      const before = other.view.relayed;
      const path = `relay/${a.group.network.name}/${other.peerId}/${b.peerId}`;
      a.driver.act(now => a.group.network.links.sendOn(path, Uint8Array.of(0xe5, 1, 2, 3), now));
      a.driver.act(now => a.group.settle(now));
      village.world.run(1000);
      expect(other.view.relayed).toMatchObject({ datagrams: 0 });
      expect(other.view.relayed?.refused['no-right']).toBe((before?.refused['no-right'] ?? 0) + 1);
    }
  });
});

/** Lets the two meet: the link becomes direct, and nothing that was sent meanwhile is lost. */
function upgrades(village: Village, a: Resident, b: Resident): void {
  within(village, 10_000, () => [a, b].every(({ view }) => view.self.address !== undefined));
  village.internet.mend(a.name, b.name);
  const before = a.pongs.length;
  let sent = 0;
  while (a.linkKind(b) !== 'udp' && sent < 1500) {
    a.ping(b);
    sent++;
    village.world.run(50);
  }
  village.world.run(1000);
  expect(a.linkKind(b)).toBe('udp');
  expect(a.pongs.length - before).toBe(sent);
}

/** Echo requests from one to another that are answered. */
function pongs(village: Village, from: Resident, to: Resident, count: number): number {
  const before = from.pongs.length;
  for (let i = 0; i < count; i++) {
    from.ping(to);
    village.world.run(200);
  }
  village.world.run(1000);
  return from.pongs.length - before;
}

/** The resident's certificate lets it do nothing for others. */
function withoutRights(village: Village, resident: Resident): void {
  const { name, place } = resident;
  const wish = { user: name, device: name, rights: [] };
  place.disk.member = simMember(village.authority, wish, new SeededRandom(village.world.seed, name), village.unixMs);
}

/** All that a resident opens between neighbours of the group from now on. */
function spy(resident: Resident): Uint8Array[][] {
  const seen: Uint8Array[] = [];
  const sessions = Reflect.get(resident.group.network, 'pointToPoint');
  const receive = sessions.receive.bind(sessions);
  sessions.receive = (...args: unknown[]) => {
    const opened = receive(...args);
    if (opened !== undefined) seen.push(opened.plaintext.slice());
    return opened;
  };
  return [seen];
}

function holds(bytes: Uint8Array, part: Uint8Array): boolean {
  return bytes.some((_, at) => part.every((byte, i) => bytes[at + i] === byte));
}

/** Its place in the public overlay. */
function key(resident: Resident): string {
  return peerKey(resident.peer.public.self);
}

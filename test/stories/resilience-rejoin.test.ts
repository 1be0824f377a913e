/**
 * Stories of coming back: machines that start again where no bootstrap node is
 * left, or where the public overlay hides their group, rings that were parted,
 * many at once, and records that outlive those who held them.
 */
import { utf8 } from '@warren/base';
import { cheapCrypto, type Resident, type SimCrypto, Village } from '@warren/sim';
import { RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

describe('machines that come back', () => {
  test('faults #26 with all bootstrap nodes dead, every edge of a group starts again and is linked within seconds', () => {
    const { village, members } = meet(201, 5, cheapCrypto);
    kill(village, 'well', ...names(members));
    const back = members.map(member => again(village, member));
    const took = within(village, 10 * SECOND_MS, 'one ring', () => isOneRing(back));
    expect(took).toBeLessThan(5 * SECOND_MS);
    within(village, 30 * SECOND_MS, 'all members online', () => back.every(each => each.online.length === 4));
  });

  test('faults #26 without what they kept, the same machines never meet', () => {
    const { village, members } = meet(202, 3, cheapCrypto);
    kill(village, 'well', ...names(members));
    for (const member of members) member.disk.values.clear();
    const back = members.map(member => again(village, member));
    village.world.run(MINUTE_MS);
    expect(back.every(each => each.group.network.links.usable().length === 0)).toBe(true);
  });

  test('faults #26 one bootstrap node of a former run is enough for a tab, although nobody names it any more', () => {
    const village = new Village(203, {}, cheapCrypto);
    village.bootstrap('well');
    const [edge, tab] = [village.edge('edge'), village.browser('tab')];
    for (const each of [edge, tab]) each.join();
    within(village, 30 * SECOND_MS, 'the two meet', () => edge.online.length === 1 && tab.online.length === 1);
    village.world.run(5 * SECOND_MS);
    tab.kill();
    const back = village.restart(tab, { bootstraps: ['ws://gone/'] });
    back.join();
    within(village, 30 * SECOND_MS, 'the two meet again', () => back.friends.includes('edge'));
  });

  test('faults #72 where the public overlay gives no rendezvous, members from before are found all the same', () => {
    const { village, members } = meet(204, 4, cheapCrypto);
    kill(village, ...names(members));
    const back = members.map(member => village.restart(member));
    for (const each of village.residents.values()) hideRecords(each);
    for (const each of back) each.join();
    within(village, 10 * SECOND_MS, 'one ring', () => isOneRing(back));
    expect(back.every(each => each.peer.isPublicReady)).toBe(true);
  });

  test('faults #72 a stranger to all of them stays outside, as the public overlay is the only way', () => {
    const { village, members } = meet(205, 3, cheapCrypto);
    for (const each of village.residents.values()) hideRecords(each);
    const stranger = village.edge('stranger');
    hideRecords(stranger);
    stranger.join();
    village.world.run(MINUTE_MS);
    expect(stranger.friends).toEqual([]);
    expect(isOneRing(members)).toBe(true);
  });

  test('faults #30 halves that were parted for two minutes, without a bootstrap node, are one ring again', () => {
    const { village, members } = meet(206, 6, cheapCrypto);
    kill(village, 'well');
    const halves = [members.slice(0, 3), members.slice(3)] as const;
    for (const a of halves[0]) for (const b of halves[1]) village.internet.cut(a.name, b.name);
    village.world.run(2 * MINUTE_MS);
    for (const half of halves) expect(isOneRing(half)).toBe(true);
    expect(isOneRing(members)).toBe(false);
    for (const a of halves[0]) for (const b of halves[1]) village.internet.mend(a.name, b.name);
    within(village, MINUTE_MS, 'one ring', () => isOneRing(members));
  });

  test('faults #30 parted, and then restarted on both sides: the disk remembers the others', () => {
    const { village, members } = meet(207, 4, cheapCrypto);
    kill(village, 'well');
    const halves = [members.slice(0, 2), members.slice(2)] as const;
    for (const a of halves[0]) for (const b of halves[1]) village.internet.cut(a.name, b.name);
    village.world.run(20 * SECOND_MS);
    kill(village, ...names(members));
    const back = members.map(member => again(village, member));
    village.world.run(MINUTE_MS);
    expect(isOneRing(back)).toBe(false);
    for (const a of halves[0]) for (const b of halves[1]) village.internet.mend(a.name, b.name);
    within(village, 2 * MINUTE_MS, 'one ring', () => isOneRing(back));
  });

  test('faults #37 ten that start again at once, with nobody there before, are one ring within seconds, nobody flooded', () => {
    const { village, members } = meet(208, 10, cheapCrypto);
    kill(village, 'well', ...names(members));
    const back = members.map(member => again(village, member));
    const before = village.world.delivered;
    within(village, 5 * SECOND_MS, 'one ring', () => isOneRing(back));
    village.world.run(5 * SECOND_MS);
    expect(back.every(each => each.group.network.links.usable().length >= 6)).toBe(true);
    // Five seconds and a little, ten machines with up to nine links each: about what nine handshakes and nine fresh links take.
    expect(village.world.delivered - before).toBeLessThan(10 * 9 * 110);
  });

  /** A key where nobody's records are yet. */
  const KEY = new Uint8Array(20).fill(0x5a);

  test('faults #38 a record survives that all who held it were killed at once and started again', () => {
    const { village, members } = meet(209, 5, cheapCrypto);
    const [writer, ...holders] = members as [Resident, ...Resident[]];
    put(writer);
    village.world.run(5 * SECOND_MS);
    kill(village, 'well', ...names(members));
    const back = holders.map(member => again(village, member));
    within(village, 10 * SECOND_MS, 'one ring', () => isOneRing(back));
    village.world.run(10 * SECOND_MS);
    expect(read(village, back[0] as Resident)).toEqual(['kept']);
    kill(village, ...names(back));
    for (const each of back) each.disk.loseRecords();
    const bare = back.map(member => again(village, member));
    within(village, 10 * SECOND_MS, 'one ring', () => isOneRing(bare));
    village.world.run(10 * SECOND_MS);
    expect(read(village, bare[0] as Resident)).toEqual([]);
  });

  test('records that tabs held are offered again after a reload of all of them', () => {
    const village = new Village(210, {}, cheapCrypto);
    village.bootstrap('well');
    const writer = village.edge('writer');
    const tabs = Array.from({ length: 4 }, (_, i) => village.browser(`tab${i}`));
    for (const each of [writer, ...tabs]) each.join();
    within(village, 30 * SECOND_MS, 'all meet', () => tabs.every(tab => tab.online.length === 4));
    put(writer);
    village.world.run(5 * SECOND_MS);
    kill(village, writer.name, ...names(tabs));
    const back = tabs.map(tab => again(village, tab));
    within(village, 30 * SECOND_MS, 'one ring', () => isOneRing(back));
    village.world.run(10 * SECOND_MS);
    expect(read(village, back[0] as Resident)).toEqual(['kept']);
    const late = village.edge('late');
    late.join();
    within(village, 30 * SECOND_MS, 'one ring', () => isOneRing([...back, late]));
    village.world.run(10 * SECOND_MS);
    expect(read(village, late)).toEqual(['kept']);
  });

  test('faults #39 a full disk is said, and nobody else notices', () => {
    const { village, members } = meet(211, 3, cheapCrypto);
    const [writer, full, other] = members as [Resident, Resident, Resident];
    full.disk.isFull = true;
    put(writer);
    village.world.run(5 * SECOND_MS);
    expect(full.view.storage).toMatchObject({ state: 'off', problem: 'The simulated disk is full.' });
    expect(other.view.storage?.state).toBe('on');
    expect(read(village, other)).toEqual(['kept']);
    expect(full.view.state).toBe('connected');
    full.disk.isFull = false;
    within(village, MINUTE_MS, 'storage that is on', () => full.view.storage?.state === 'on');
    expect(full.view.storage?.entries).toBeGreaterThan(0);
  });

  function put(writer: Resident): void {
    const o = { kind: RecordKind.MAILBOX, key: KEY, value: utf8('kept'), lifetimeS: 3600 };
    writer.driver.act(now => writer.group.network.dht.put(o, now));
  }

  /** The values under the key, as a member reads them. */
  function read(village: Village, reader: Resident): string[] {
    const { dht } = reader.group.network;
    const values: string[] = [];
    const poll = dht.poll.bind(dht);
    const operation = reader.driver.act(() => dht.get(RecordKind.MAILBOX, KEY));
    let isDone = false;
    dht.poll = () => {
      const out = poll();
      if (out?.kind !== 'found' || out.operation !== operation) return out;
      isDone = true;
      values.push(...out.records.map(({ record }) => new TextDecoder().decode(record.value)));
      return poll();
    };
    within(village, 30 * SECOND_MS, 'an answer', () => isDone);
    dht.poll = poll;
    return values;
  }
});

/** A village of edges who have all met, and whose disks know it. */
function meet(seed: number, edges: number, crypto?: SimCrypto): { village: Village; members: Resident[] } {
  const village = new Village(seed, {}, crypto);
  village.bootstrap('well');
  const members = Array.from({ length: edges }, (_, i) => village.edge(`edge${i}`));
  for (const member of members) member.join();
  within(village, MINUTE_MS, 'everybody meets', () => members.every(each => each.online.length === edges - 1));
  village.world.run(13 * SECOND_MS);
  return { village, members };
}

function names(residents: readonly Resident[]): string[] {
  return residents.map(({ name }) => name);
}

function kill(village: Village, ...victims: readonly string[]): void {
  for (const name of victims) village.residents.get(name)?.kill();
}

/** Starts one anew and has it join. */
function again(village: Village, old: Resident): Resident {
  const resident = village.restart(old);
  resident.join();
  return resident;
}

/** No record of the public overlay is given away by this participant. */
function hideRecords({ peer }: Resident): void {
  peer.public.dht.serve = () => undefined;
}

/** Whether each is linked to both its neighbours on the ring of all of them, and nobody else is there. */
function isOneRing(residents: readonly Resident[]): boolean {
  const ring = residents.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1));
  return ring.every((each, i) =>
    each.group.network.overlay.isNeighbour((ring[(i + 1) % ring.length] as Resident).peerId),
  );
}

/** Runs until `condition` holds, and gives how long that took; the failure tells seed and time. */
function within(village: Village, ms: number, what: string, condition: () => boolean): number {
  const from = village.world.now;
  while (!condition() && village.world.now < from + ms) village.world.run(100);
  expect(condition(), `seed ${village.world.seed}: ${what} within ${ms} ms`).toBe(true);
  return village.world.now - from;
}

/**
 * Stories of whole participants under virtual time: how a mesh comes about,
 * what it survives, who stays out. A failing story names its seed. Cryptography
 * is the simulator's cheap one; `resilience*.test.ts` runs on the real.
 */
import { cheapCrypto, type Resident, SeededRandom, simAuthority, Village, type WireOptions } from '@warren/sim';
import { describe, expect, test } from 'vitest';

const DIRECT = new Set(['udp', 'webrtc']);

/** A village with one bootstrap node, edges and tabs that have all begun to join. */
function village(seed: number, edges: number, tabs: number, wire: Partial<WireOptions> = {}) {
  const built = new Village(seed, wire, cheapCrypto);
  built.bootstrap('well');
  const members = [
    ...Array.from({ length: edges }, (_, i) => built.edge(`edge${i}`)),
    ...Array.from({ length: tabs }, (_, i) => built.browser(`tab${i}`)),
  ];
  for (const member of members) member.join();
  return { built, members };
}

/** Whether everybody has a direct link to everybody, and knows every address. */
function isWhole(members: readonly Resident[]): boolean {
  return members.every(member => {
    const others = member.view.members.filter(other => !other.self);
    const links = others.filter(other => DIRECT.has(other.link?.kind ?? ''));
    return links.length === members.length - 1 && others.every(other => other.address !== undefined);
  });
}

/** Looks are dear: views are built for each. */
const LOOK_EVERY_MS = 50;

/** Runs until `condition` holds; the failure tells seed and time. */
function within(built: Village, ms: number, what: string, condition: () => boolean): number {
  const from = built.world.now;
  let held = condition();
  while (!held && built.world.now < from + ms) {
    built.world.run(LOOK_EVERY_MS);
    held = condition();
  }
  expect(held, `seed ${built.world.seed}: ${what} within ${ms} ms`).toBe(true);
  return built.world.now - from;
}

function meets(seed: number, wire: Partial<WireOptions>, patienceMs: number): void {
  const { built, members } = village(seed, 3, 2, wire);
  within(built, patienceMs, 'a full mesh of direct links and known addresses', () => isWhole(members));
  const addresses = members.map(member => member.view.self.address);
  expect(new Set(addresses).size).toBe(members.length);
  for (const from of members)
    for (const to of members) if (from !== to) expect(from.tell(to, `to ${to.name}`)).toBe(true);
  const told = (to: Resident) => members.filter(from => from !== to).map(from => `${from.name}: to ${to.name}`);
  within(built, 20_000, 'every text arrives', () => members.every(to => to.texts.length === members.length - 1));
  for (const to of members) expect([...to.texts].sort()).toEqual(told(to).sort());
}

describe('a group meets', () => {
  test('two edges find each other through the public overlay and move to UDP', () => {
    const { built, members } = village(11, 2, 0);
    const took = within(built, 10_000, 'a UDP link', () => isWhole(members));
    expect(took).toBeLessThan(5000);
  });

  test('three edges and two tabs: full mesh, distinct addresses, every text once', () => {
    for (const seed of [21, 22, 23]) meets(seed, {}, 15_000);
  });

  test('faults #32: the same at 10 % and at 20 % loss', () => {
    meets(31, { loss: 0.1 }, 40_000);
    meets(32, { loss: 0.2 }, 60_000);
  });

  test('echo requests cross it, from tabs and from edges', () => {
    const { built, members } = village(41, 2, 2);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    for (const from of members) for (const to of members) if (from !== to) expect(from.ping(to)).toBe(true);
    within(built, 5000, 'every pong', () => members.every(member => member.pongs.length === members.length - 1));
  });

  test('faults #37: twenty members who join at once all get an address and reach one another', () => {
    const { built, members } = village(51, 10, 10);
    within(built, 60_000, 'twenty addresses', () => members.every(member => member.view.self.address !== undefined));
    expect(new Set(members.map(member => member.view.self.address)).size).toBe(20);
    within(built, 60_000, 'everybody listed everywhere', () => members.every(member => member.online.length === 19));
    const [first, last] = [members[0] as Resident, members.at(-1) as Resident];
    first.tell(last, 'across');
    within(built, 15_000, 'a text between far members', () => last.texts.includes(`${first.name}: across`));
  });
});

describe('a group goes on', () => {
  test('faults #19: a member that vanishes is gone within 20 s, and comes back with its id and address', () => {
    const { built, members } = village(61, 2, 2);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    const [lost, ...rest] = members as [Resident, ...Resident[]];
    const { address } = lost.view.self;
    built.world.run(7000);
    lost.kill();
    within(built, 20_000, 'gone everywhere', () => rest.every(member => !member.online.includes(lost.name)));
    const again = built.restart(lost);
    again.join();
    within(built, 30_000, 'back in the mesh', () => isWhole([again, ...rest]));
    expect(again.peerId).toBe(lost.peerId);
    expect(rest.every(member => member.view.members.length === 4)).toBe(true);
    expect(again.view.self.address).toBe(address);
  });

  test('faults #43: a member that crashes and starts anew from another port is back within 10 s', () => {
    for (const seed of [611, 612, 613, 614, 615, 616]) {
      const { built, members } = village(seed, 3, 0);
      within(built, 15_000, 'a mesh', () => isWhole(members));
      const [lost, ...rest] = members as [Resident, ...Resident[]];
      built.world.run(7000);
      lost.kill();
      built.world.run(1500);
      const again = built.clone(lost, 'again');
      again.join();
      within(built, 10_000, 'direct links', () => rest.every(member => again.linkKind(member) === 'udp'));
    }
  });

  test('a goodbye is heard at once', () => {
    const { built, members } = village(62, 2, 1);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    const [leaver, ...rest] = members as [Resident, ...Resident[]];
    leaver.leave();
    within(built, 1000, 'gone everywhere', () => rest.every(member => !member.online.includes(leaver.name)));
  });

  test('faults #24: without UDP the links are carried by the public overlay, and become direct again', () => {
    const { built, members } = village(63, 2, 2);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    built.world.run(10_000);
    built.internet.udpBlocked = true;
    const carried = () => members.every(a => members.every(b => a === b || a.linkKind(b) === 'overlay'));
    within(built, 20_000, 'carried links', carried);
    (members[2] as Resident).tell(members[0] as Resident, 'still here');
    within(built, 10_000, 'a text over it', () => (members[0] as Resident).texts.length === 1);
    built.internet.udpBlocked = false;
    within(built, 120_000, 'direct links again', () => isWhole(members));
  });

  test('faults #26: without its bootstrap node the mesh goes on, and finds it again', () => {
    const { built, members } = village(64, 2, 2);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    const well = built.residents.get('well') as Resident;
    well.kill();
    built.world.run(60_000);
    expect(isWhole(members), 'direct links stay').toBe(true);
    (members[3] as Resident).tell(members[1] as Resident, 'no well');
    within(built, 10_000, 'a text', () => (members[1] as Resident).texts.length === 1);
    built.restart(well);
    const late = built.edge('late');
    late.join();
    within(built, 90_000, 'a newcomer finds the mesh', () => isWhole([...members, late]));
  });

  test('faults #21: two members whose direct path is cut still reach each other', () => {
    const { built, members } = village(65, 3, 0);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    const [a, b] = members as [Resident, Resident];
    built.internet.cut(a.name, b.name);
    built.world.run(25_000);
    a.tell(b, 'round the cut');
    within(built, 30_000, 'a text', () => b.texts.includes(`${a.name}: round the cut`));
  });

  test('faults #42: a clone with the same identity crashes nobody', () => {
    const { built, members } = village(66, 2, 1);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    const twin = built.clone(members[0] as Resident, 'twin');
    twin.join();
    built.world.run(60_000);
    const [, second, third] = members as [Resident, Resident, Resident];
    second.tell(third, 'unharmed');
    within(built, 10_000, 'the others talk', () => third.texts.length === 1);
  });
});

describe('who stays out', () => {
  test("faults #71: another group's certificate gets no link, though it knows the rendezvous secret", () => {
    const { built, members } = village(71, 2, 1);
    within(built, 15_000, 'a mesh', () => isWhole(members));
    const impostor = built.edge('impostor');
    impostor.join(simAuthority(new SeededRandom(99, 'elsewhere'), built.unixMs, cheapCrypto));
    built.world.run(60_000);
    expect(impostor.friends).toEqual([]);
    for (const member of members) expect(member.view.members.map(m => m.device)).not.toContain('impostor');
  });
});

test('every seed twice gives the same trace, different seeds differ', () => {
  const trace = (seed: number) => {
    const { built } = village(seed, 2, 2, { loss: 0.05 });
    built.world.run(20_000);
    return built.world.traceHash;
  };
  const hashes = [1, 2, 3].map(trace);
  expect([1, 2, 3].map(trace)).toEqual(hashes);
  expect(new Set(hashes).size).toBe(3);
});

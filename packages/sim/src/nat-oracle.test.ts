/** What the oracle says of two chains of boxes is what they do when both hosts try everything. */
import { describe, expect, test } from 'vitest';
import { ipOf } from './nat.ts';
import { ACCESS_KINDS, type AccessName, type Dependence, NATS, nat, type RouterKind, router } from './nat-kinds.ts';
import { type Corner, directPathPossible } from './nat-oracle.ts';
import { type NetworkSocket, SimNetwork } from './networks.ts';
import { SeededRandom } from './random.ts';

const DEPENDENCES: readonly Dependence[] = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'];

describe('without guesses', () => {
  test('all 81 pairs of mappings and filters are as boxes are', () => {
    const pairs = DEPENDENCES.flatMap(mapping => DEPENDENCES.map(filtering => nat(mapping, filtering, RANDOM)));
    const wrong = pairs.flatMap(x => {
      return pairs.flatMap(y => {
        const internet = new SimNetwork(1);
        const [a, b] = [x, y].map(behaviour => host(internet.behind(router(behaviour)), false)) as [Host, Host];
        const isWrong = directPathPossible(a, b) !== triesEverything(internet, a, b);
        return isWrong ? [`${x.mapping}/${x.filtering} and ${y.mapping}/${y.filtering}`] : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  test('so are chains of boxes, in homes and behind carriers that two share or not', () => {
    const seen = { possible: 0, impossible: 0 };
    for (let seed = 1; seed <= 3000; seed++) {
      const random = new SeededRandom(seed, 'chains');
      const internet = new SimNetwork(seed);
      const carrier = internet.behind(anyRouter(random), 'carrier');
      const [a, b] = [0, 1].map(() => host(anyNetwork(random, internet, carrier), false)) as [Host, Host];
      const isPossible = directPathPossible(a, b);
      seen[isPossible ? 'possible' : 'impossible']++;
      expect(isPossible, `seed ${seed}`).toBe(triesEverything(internet, a, b));
    }
    expect(Math.min(seen.possible, seen.impossible)).toBeGreaterThan(500);
  });
});

test('256 sockets against 1,024 ports meet, where one side is random and the other filters by port', () => {
  let met = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const internet = new SimNetwork(seed);
    const hard = host(internet.behind(router(NATS.symmetricRandom)), true);
    const easy = host(internet.behind(router(NATS.portRestrictedCone)), true);
    expect(directPathPossible(hard, easy)).toBe(true);
    expect(directPathPossible({ ...hard, canGuess: false }, easy)).toBe(false);
    const [seenHard, seenEasy] = [hard, easy].map(each => reflexive(internet, each));
    for (let k = 1; k <= 256; k++) pass({ ...hard, address: `${ipOf(hard.address)}:${k}` }, seenEasy ?? '');
    const random = new SeededRandom(seed, 'ports');
    const hits = Array.from({ length: 1024 }, () => {
      const port = 1024 + Math.floor(64_512 * random.unit());
      return pass(easy, `${ipOf(seenHard ?? '')}:${port}`, true) !== undefined;
    });
    if (hits.includes(true)) met++;
  }
  expect(met).toBeGreaterThanOrEqual(18);
});

test('the table of all kinds of access', () => {
  const names = Object.keys(ACCESS_KINDS) as AccessName[];
  const table = names.map(row => {
    const cells = names.map(column => {
      const internet = new SimNetwork(1);
      const [a, b] = [row, column].map(name => accessOf(internet, name)) as [SimNetwork, SimNetwork];
      const isPossible = (guessA: boolean, guessB: boolean) =>
        directPathPossible(host(a, guessA, true), host(b, guessB, true));
      return isPossible(false, false) ? 'yes' : isPossible(true, true) ? 'guess' : '-';
    });
    return `${row.padEnd(21)}${cells.map(cell => cell.padEnd(6)).join('')}`.trimEnd();
  });
  expect(`\n${table.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    open                 yes   yes   yes   yes   yes   yes   yes   yes   yes   -     yes   yes
    full-cone            yes   yes   yes   yes   yes   yes   yes   yes   yes   -     -     -
    restricted           yes   yes   yes   yes   yes   yes   yes   yes   yes   -     -     -
    port-restricted      yes   yes   yes   yes   guess guess yes   yes   guess -     -     -
    symmetric-sequential yes   yes   yes   guess -     -     yes   guess -     -     -     -
    symmetric-random     yes   yes   yes   guess -     -     yes   guess -     -     -     -
    one-to-one           yes   yes   yes   yes   yes   yes   yes   yes   yes   -     -     -
    cgnat-easy           yes   yes   yes   yes   guess guess yes   yes   guess -     -     -
    cgnat-hard           yes   yes   yes   guess -     -     yes   guess -     -     -     -
    udp-blocked          -     -     -     -     -     -     -     -     -     -     -     -
    ipv6-only            yes   -     -     -     -     -     -     -     -     -     yes   yes
    broken-ipv4          yes   -     -     -     -     -     -     -     -     -     yes   yes
    "
  `);
});

const RANDOM = { ports: 'random' } as const;

interface Host extends Corner {
  readonly address: string;
  readonly socket: NetworkSocket;
}

/** `isDual`: hosts of the Internet have IPv6 as well. */
function host(network: SimNetwork, canGuess: boolean, isDual = false): Host {
  const { v4, v6 } = network.newHost();
  const second = isDual && network.router === undefined ? network.newV6() : v6;
  const addresses = [v4, second].flatMap(ip => (ip === undefined ? [] : [`${ip}:4000`]));
  const [address = ''] = addresses;
  const socket = { name: address, receive: () => {} };
  for (const each of addresses) network.open(each, socket);
  return { network, addresses, address, socket, canGuess };
}

/** Both send to all that they know of each other, and learn from where datagrams come, until nothing is new. */
function triesEverything(internet: SimNetwork, a: Host, b: Host): boolean {
  const known = new Map([
    [a, new Set([b.address, reflexive(internet, b)])],
    [b, new Set([a.address, reflexive(internet, a)])],
  ]);
  for (let before = -1, count = 0; count > before; ) {
    before = count;
    for (const [from, to] of [[a, b] as const, [b, a] as const]) {
      for (const address of [...(known.get(from) ?? [])]) {
        const source = address === undefined ? undefined : passBetween(from, to, address);
        if (source === undefined) continue;
        known.get(to)?.add(source);
        if (passBetween(to, from, source) !== undefined) return true;
      }
    }
    count = [...known.values()].reduce((sum, set) => sum + set.size, 0);
  }
  return false;
}

/** Where a server on the Internet sees a host. */
function reflexive(internet: SimNetwork, from: Host): string | undefined {
  const server = host(internet, false, true);
  for (const address of server.addresses) {
    const source = passBetween(from, server, address);
    if (source !== undefined) return source;
  }
  return undefined;
}

function passBetween(from: Host, to: Host, address: string): string | undefined {
  const arrival = pass(from, address);
  return arrival?.socket === to.socket ? arrival.from : undefined;
}

function pass(from: Pick<Host, 'network' | 'address'>, to: string, anySocket = false) {
  const turn = from.network.ascend(from.address, to, 0);
  const socket = turn?.network.descend(turn.from, to, 0);
  if (turn === undefined || (socket === undefined && !anySocket)) return undefined;
  return { socket, from: turn.from };
}

function accessOf(internet: SimNetwork, name: AccessName): SimNetwork {
  const kind: readonly RouterKind[] = ACCESS_KINDS[name];
  return kind.reduceRight((outside, each, i) => outside.behind(each, i === 0 ? 'home' : 'carrier'), internet);
}

/** The Internet, a home, a home behind the carrier, right behind the carrier, or behind another carrier. */
function anyNetwork(random: SeededRandom, internet: SimNetwork, carrier: SimNetwork): SimNetwork {
  const outside = [internet, carrier, carrier, internet.behind(anyRouter(random), 'carrier')];
  const network = outside[Math.floor(4 * random.unit())] as SimNetwork;
  return random.unit() < 0.8 ? network.behind(anyRouter(random)) : network;
}

function anyRouter(random: SeededRandom): RouterKind {
  const any = () => DEPENDENCES[Math.floor(3 * random.unit())] as Dependence;
  const hairpin = random.unit() < 0.5;
  return router(nat(any(), any(), { ports: 'random', hairpin }), { udp: random.unit() < 0.95 });
}

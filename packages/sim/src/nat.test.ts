/** Boxes keep RFC 4787: mappings, filters, ports, hairpins, timeouts, boxes behind boxes. */
import { describe, expect, test } from 'vitest';
import { NatBox, portOf } from './nat.ts';
import { CONNTRACK, NATS, nat, router } from './nat-kinds.ts';
import { type NetworkSocket, SimNetwork } from './networks.ts';
import { SeededRandom } from './random.ts';

const INNER = '192.168.1.2:4000';
const B1 = '192.0.2.1:1';
const B2 = '192.0.2.1:2';
const C1 = '192.0.2.9:1';
const EI = 'endpoint-independent';
const AD = 'address-dependent';
const APD = 'address-and-port-dependent';

describe('a mapping', () => {
  test('depends on what RFC 4787, section 4.1, names', () => {
    const sources = [EI, AD, APD].map(mapping => {
      const box = boxOf(nat(mapping as typeof EI, EI));
      const ports = [B1, B2, C1].map(remote => portOf(box.outbound(INNER, remote, 0)));
      return ports.map(port => port - 4000).join();
    });
    expect(sources).toEqual(['0,0,0', '0,0,1', '0,1,2']);
  });

  test('has a port in order, or by chance', () => {
    const inOrder = boxOf(nat(APD, APD, { ports: 'sequential' }));
    const [first, second, third] = [B1, B2, C1].map(remote => portOf(inOrder.outbound(INNER, remote, 0)));
    expect([second, third]).toEqual([(first ?? 0) + 1, (first ?? 0) + 2]);
    const byChance = boxOf(nat(APD, APD, { ports: 'random' }));
    const ports = Array.from({ length: 500 }, (_, i) => portOf(byChance.outbound(INNER, `192.0.2.1:${i + 1}`, 0)));
    expect(new Set(ports).size).toBe(500);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
    expect(Math.max(...ports) - Math.min(...ports)).toBeGreaterThan(60_000);
  });

  test('ends 30 s after what was never answered, 120 s after what was; only what goes out prolongs it', () => {
    const box = boxOf(nat(APD, APD, { ports: 'sequential' }));
    const lonely = box.outbound(INNER, B1, 0);
    const answered = box.outbound(INNER, C1, 0);
    expect(box.inbound(answered, C1, 1000)).toBe(INNER);
    expect(box.inbound(lonely, B1, CONNTRACK.unrepliedMs)).toBeUndefined();
    expect(box.inbound(answered, C1, CONNTRACK.repliedMs - 1)).toBe(INNER);
    expect(box.inbound(answered, C1, CONNTRACK.repliedMs)).toBeUndefined();
    expect(box.outbound(INNER, C1, CONNTRACK.repliedMs)).not.toBe(answered);
  });

  test('lives as long as one of those who may come in, and not for the others', () => {
    const box = boxOf(NATS.portRestrictedCone);
    const outer = box.outbound(INNER, B1, 0);
    expect(box.outbound(INNER, C1, 29_000)).toBe(outer);
    expect(box.inbound(outer, B1, 31_000)).toBeUndefined();
    expect(box.inbound(outer, C1, 31_000)).toBe(INNER);
  });

  test('faults #25 is forgotten with all others', () => {
    const box = boxOf(NATS.symmetricRandom);
    const before = box.outbound(INNER, B1, 0);
    box.flush();
    expect(box.inbound(before, B1, 1)).toBeUndefined();
    expect(box.outbound(INNER, B1, 1)).not.toBe(before);
    expect(box.openMappings(1)).toBe(1);
  });

  test('of one that keeps ports is the next free one for a second host', () => {
    const box = boxOf(NATS.fullCone);
    expect(portOf(box.outbound(INNER, B1, 0))).toBe(4000);
    expect(portOf(box.outbound('192.168.1.3:4000', B1, 0))).toBe(4001);
    expect(portOf(box.outbound('192.168.1.4:4000', B1, 40_000))).toBe(4000);
  });
});

describe('a filter', () => {
  test('lets in whom RFC 4787, section 5, names', () => {
    const table = [EI, AD, APD].map(filtering => {
      const box = boxOf(nat(EI, filtering as typeof EI));
      const outer = box.outbound(INNER, B1, 0);
      return [B1, B2, C1].map(remote => (box.inbound(outer, remote, 1) === INNER ? 'in' : '-')).join(' ');
    });
    expect(table).toEqual(['in in in', 'in in -', 'in - -']);
  });

  test('lets nobody in before anything went out, but for one that translates addresses alone', () => {
    for (const behaviour of Object.values(NATS)) {
      const box = boxOf(behaviour);
      box.admit('192.168.1.2');
      const seen = box.inbound('198.18.1.2:4000', B1, 0);
      expect(seen).toBe(behaviour.translates === 'address' ? INNER : undefined);
    }
  });
});

describe('networks', () => {
  test('a datagram goes through a home router and a carrier, and its answer comes back', () => {
    const internet = new SimNetwork(1);
    const home = internet.behind(router(NATS.symmetricRandom), 'carrier').behind(router(NATS.portRestrictedCone));
    const [a, b] = [host(home, 'a'), host(internet, 'b')];
    const seen = pass(a, b.address);
    expect(seen?.socket).toBe(b.socket);
    expect(seen?.from).toMatch(/^198\.18\./);
    expect(pass(b, seen?.from ?? '')).toEqual({ socket: a.socket, from: b.address });
    const stranger = host(internet, 'c');
    expect(pass(stranger, seen?.from ?? '')).toBeUndefined();
  });

  test('hosts behind one router reach each other directly, and by outer addresses only where it hairpins', () => {
    for (const hairpin of [true, false]) {
      const internet = new SimNetwork(1);
      const home = internet.behind(router(nat(EI, EI, { hairpin })));
      const [a, b, server] = [host(home, 'a'), host(home, 'b'), host(internet, 's')];
      expect(pass(a, b.address)).toEqual({ socket: b.socket, from: a.address });
      const outerB = pass(b, server.address)?.from ?? '';
      const through = pass(a, outerB);
      expect(through?.socket).toBe(hairpin ? b.socket : undefined);
      // RFC 4787, REQ-9: seen from outside.
      if (hairpin) expect(through?.from).toMatch(/^198\.18\./);
    }
  });

  test('homes have the same addresses, and datagrams stay in their own', () => {
    const internet = new SimNetwork(1);
    const homes = [internet.behind(router(NATS.fullCone)), internet.behind(router(NATS.fullCone))];
    const [a, b] = homes.map((home, i) => host(home, `${i}`)) as [Host, Host];
    expect(a.address).toBe(b.address);
    expect(pass(a, b.address)?.socket).toBe(a.socket);
  });

  test('a firewall for IPv6 translates nothing and lets answers in', () => {
    const internet = new SimNetwork(1);
    const [first, second] = [1, 2].map(() => internet.behind(router('absent', { v6: NATS.firewall })));
    const [a, b] = [host(first as SimNetwork, 'a'), host(second as SimNetwork, 'b')];
    expect(pass(a, b.address)).toBeUndefined();
    expect(pass(b, a.address)).toEqual({ socket: a.socket, from: b.address });
    expect(pass(a, b.address)).toEqual({ socket: b.socket, from: a.address });
  });

  test('where UDP is blocked, or IPv4 is broken, nothing passes', () => {
    const internet = new SimNetwork(1);
    const server = host(internet, 's');
    for (const kind of [router(NATS.fullCone, { udp: false }), router('dead')]) {
      const home = internet.behind(kind);
      expect(pass(host(home, 'a'), server.address)).toBeUndefined();
      expect(home.reachesOut(server.address)).toBe(kind.v4 !== 'dead');
    }
  });
});

interface Host {
  readonly network: SimNetwork;
  readonly address: string;
  readonly socket: NetworkSocket;
}

function host(network: SimNetwork, name: string): Host {
  const { v4, v6 } = network.newHost();
  const [address, socket] = [`${v4 ?? v6}:4000`, { name, receive: () => {} }];
  network.open(address, socket);
  return { network, address, socket };
}

/** Sends a datagram and hands it down at once. */
function pass(from: Host, to: string): { socket: NetworkSocket; from: string } | undefined {
  const turn = from.network.ascend(from.address, to, 0);
  const socket = turn?.network.descend(turn.from, to, 0);
  return turn && socket && { socket, from: turn.from };
}

function boxOf(behaviour: ConstructorParameters<typeof NatBox>[0]): NatBox {
  return new NatBox(behaviour, '198.18.1.2', new SeededRandom(1, 'box'));
}

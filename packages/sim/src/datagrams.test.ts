/** Hosts behind routers: data channels come up where the oracle says, extra sockets are sockets of their own, streams end. */
import type { PathEvent } from '@warren/peer';
import { describe, expect, test } from 'vitest';
import { type SimCapabilities, SimDatagrams } from './datagrams.ts';
import { SimInternet } from './internet.ts';
import { ACCESS_KINDS, type AccessKind, type AccessName, NATS, router } from './nat-kinds.ts';
import { directPathPossible } from './nat-oracle.ts';
import type { SimNetwork } from './networks.ts';
import { World } from './world.ts';

const TAB: SimCapabilities = { udp: false, webrtc: true, websocket: true };
const NODE: SimCapabilities = { udp: true, webrtc: true, websocket: true, sockets: true };
const NAMES = Object.keys(ACCESS_KINDS) as AccessName[];

describe('a data channel', () => {
  test('comes up between all kinds of access where the oracle says so, without guesses', () => {
    const wrong = NAMES.flatMap(row => NAMES.map(column => [row, column] as const)).filter(([row, column]) => {
      const lab = new Lab();
      const [a, b] = [lab.host('a', TAB, ACCESS_KINDS[row]), lab.host('b', TAB, ACCESS_KINDS[column])];
      const corners = [a, b].map(({ where }) => ({ ...where, canGuess: false })) as [Corner, Corner];
      return lab.connect(a, b, 10_000) !== directPathPossible(...corners);
    });
    expect(wrong).toEqual([]);
  });

  test('comes up within a second at 20 ms one way, and carries datagrams both ways', () => {
    const lab = new Lab();
    const [a, b] = [1, 2].map(i => lab.host(`${i}`, TAB, ACCESS_KINDS['port-restricted'])) as [
      SimDatagrams,
      SimDatagrams,
    ];
    expect(lab.connect(a, b, 1000)).toBe(true);
    a.send('rtc/1', Uint8Array.of(1));
    b.send('rtc/1', Uint8Array.of(2));
    lab.world.run(100);
    expect(lab.heard(a, 'datagram')).toMatchObject([{ path: 'rtc/1', bytes: Uint8Array.of(2) }]);
    expect(lab.heard(b, 'datagram')).toMatchObject([{ path: 'rtc/1', bytes: Uint8Array.of(1) }]);
  });

  test('outlives silence behind a NAT, which consent keeps open, but not one whose other end has vanished', () => {
    const lab = new Lab();
    const [a, b] = [1, 2].map(i => lab.host(`${i}`, TAB, ACCESS_KINDS['symmetric-random'])) as [
      SimDatagrams,
      SimDatagrams,
    ];
    const open = lab.host('open', TAB, []);
    expect(lab.connect(a, open, 10_000)).toBe(true);
    lab.world.run(600_000);
    a.send('rtc/1', Uint8Array.of(1));
    lab.world.run(100);
    expect(lab.heard(open, 'datagram')).toHaveLength(1);
    open.kill();
    lab.world.run(40_000);
    expect(lab.heard(a, 'path-down')).toHaveLength(1);
    expect(lab.connect(a, b, 10_000)).toBe(false);
  });

  test('faults #25 goes on when a router forgets everything but keeps ports', () => {
    const lab = new Lab();
    const [a, b] = [1, 2].map(i => lab.host(`${i}`, TAB, ACCESS_KINDS.restricted)) as [SimDatagrams, SimDatagrams];
    expect(lab.connect(a, b, 10_000)).toBe(true);
    a.where.network.router?.flush();
    lab.world.run(6000);
    b.send('rtc/1', Uint8Array.of(2));
    lab.world.run(100);
    expect(lab.heard(a, 'datagram')).toHaveLength(1);
  });
});

describe('extra sockets', () => {
  test('leave from other ports, and what comes in on them says so', () => {
    const lab = new Lab();
    const [a, b] = [lab.host('a', NODE, ACCESS_KINDS['full-cone']), lab.host('b', NODE, [])];
    const [to] = b.localAddresses();
    for (const path of [`udp/${to}`, `udp/${to}~1`, `udp/${to}~256`]) a.send(path, Uint8Array.of(1));
    for (const path of [`udp/${to}~0`, `udp/${to}~257`, `udp/${to}~x`]) a.send(path, Uint8Array.of(9));
    lab.world.run(100);
    const sources = lab.heard(b, 'datagram').map(each => ('path' in each ? each.path : ''));
    expect(new Set(sources).size).toBe(3);
    for (const source of sources) b.send(source, Uint8Array.of(2));
    lab.world.run(100);
    const paths = lab.heard(a, 'datagram').map(each => ('path' in each ? each.path : ''));
    expect(paths.sort()).toEqual([`udp/${to}`, `udp/${to}~1`, `udp/${to}~256`]);
  });

  test('close 30 s after the last datagram came in', () => {
    const lab = new Lab();
    const [a, b] = [lab.host('a', NODE, []), lab.host('b', NODE, [])];
    for (const k of [1, 2]) a.send(`udp/${b.localAddresses()[0]}~${k}`, Uint8Array.of(1));
    lab.world.run(20_000);
    const [first] = lab.heard(b, 'datagram');
    if (first?.kind === 'datagram') b.send(first.path, Uint8Array.of(2));
    lab.world.run(15_000);
    expect(a.extraSockets).toBe(1);
    lab.world.run(30_000);
    expect(a.extraSockets).toBe(0);
  });

  test('are nothing that a tab has', () => {
    const lab = new Lab();
    const [a, b] = [lab.host('a', { ...NODE, sockets: false }, []), lab.host('b', NODE, [])];
    a.send(`udp/${b.localAddresses()[0]}~1`, Uint8Array.of(1));
    lab.world.run(100);
    expect(lab.heard(b, 'datagram')).toEqual([]);
  });
});

describe('what passes', () => {
  test('WebSockets where UDP is blocked, none where IPv4 is broken and the other has nothing else', () => {
    const lab = new Lab();
    lab.host('v4', NODE, [], 'ws://v4/');
    const dials = (['udp-blocked', 'broken-ipv4', 'ipv6-only'] as const).map(name => {
      const host = lab.host(name, TAB, ACCESS_KINDS[name]);
      return ['ws://v4/', 'ws://well/'].map(url => {
        host.dial(url);
        lab.world.run(100);
        return lab.heard(host, 'path-up').some(event => 'url' in event && event.url === url);
      });
    });
    expect(dials).toEqual([
      [true, true],
      [false, true],
      [false, true],
    ]);
  });

  test('faults #31 one way only, or small datagrams only (#41)', () => {
    const lab = new Lab();
    const [a, b] = [lab.host('a', NODE, []), lab.host('b', NODE, [])];
    const [atA, atB] = [a, b].map(host => `udp/${host.localAddresses()[0]}`) as [string, string];
    lab.internet.cutOneWay('a', 'b');
    a.send(atB, Uint8Array.of(1));
    b.send(atA, Uint8Array.of(2));
    lab.world.run(100);
    expect([lab.heard(a, 'datagram').length, lab.heard(b, 'datagram').length]).toEqual([1, 0]);
    lab.internet.mend('a', 'b');
    lab.internet.maxDatagramBytes = () => 10;
    for (const bytes of [10, 11]) a.send(atB, new Uint8Array(bytes));
    lab.world.run(100);
    expect(lab.heard(b, 'datagram').length).toBe(1);
  });

  test('a host that moves behind another router is reached there', () => {
    const lab = new Lab();
    const [a, b] = [lab.host('a', NODE, ACCESS_KINDS['full-cone']), lab.host('b', NODE, [])];
    const network = lab.network(ACCESS_KINDS['symmetric-random']);
    a.move({ network, addresses: [`${network.newHost().v4}:4000`] });
    a.send(`udp/${b.localAddresses()[0]}`, Uint8Array.of(1));
    lab.world.run(100);
    const [event] = lab.heard(b, 'datagram');
    if (event?.kind === 'datagram') b.send(event.path, Uint8Array.of(2));
    lab.world.run(100);
    expect(lab.heard(a, 'datagram')).toHaveLength(1);
  });

  test('two in one home meet there, whatever their router does', () => {
    const lab = new Lab();
    const network = lab.network([router(NATS.symmetricRandom, { udp: false })]);
    const [a, b] = ['a', 'b'].map(name => lab.hostIn(network, name, TAB)) as [SimDatagrams, SimDatagrams];
    expect(lab.connect(a, b, 5000)).toBe(true);
  });
});

type Corner = Parameters<typeof directPathPossible>[0];

/** Hosts without Warren on them, and a STUN server. */
class Lab {
  readonly world = new World(1, { jitterMs: 0 });
  readonly internet = new SimInternet(this.world);
  private readonly events = new Map<SimDatagrams, PathEvent[]>();
  private connections = 0;

  constructor() {
    const well = this.host('well', NODE, [], 'ws://well/');
    this.internet.stunServers.push(...well.localAddresses());
  }

  network(kind: AccessKind): SimNetwork {
    return kind.reduceRight(
      (outside, each, i) => outside.behind(each, i === 0 ? 'home' : 'carrier'),
      this.internet.network,
    );
  }

  /** Hosts of the Internet have both families, but for the one called `v4`. */
  host(name: string, can: SimCapabilities, kind: AccessKind, url?: string): SimDatagrams {
    return this.hostIn(this.network(kind), name, can, url);
  }

  hostIn(network: SimNetwork, name: string, can: SimCapabilities, url?: string): SimDatagrams {
    const { v4, v6 } = network.newHost();
    const second = network.router === undefined && name !== 'v4' ? network.newV6() : v6;
    const addresses = [v4, second].flatMap(ip => (ip === undefined ? [] : [`${ip}:4000`]));
    const host = new SimDatagrams(this.internet, name, { network, addresses }, can, url);
    const events: PathEvent[] = [];
    this.events.set(host, events);
    host.listen(event => events.push(event));
    return host;
  }

  heard(host: SimDatagrams, kind: PathEvent['kind']): PathEvent[] {
    return (this.events.get(host) ?? []).filter(event => event.kind === kind);
  }

  /** Passes signals between two hosts until a channel is up on both sides; false when none is within `ms`. */
  connect(a: SimDatagrams, b: SimDatagrams, ms: number): boolean {
    const connection = `connection ${this.connections++}`;
    const passed = new Map([a, b].map(host => [host, this.heard(host, 'webrtc-signal').length]));
    const up = [a, b].map(host => this.heard(host, 'path-up').length);
    b.openWebRtc(connection, 'answerer');
    a.openWebRtc(connection, 'offerer');
    const end = this.world.now + ms;
    while (this.world.now < end) {
      this.world.run(20);
      for (const [from, to] of [[a, b] as const, [b, a] as const]) {
        const signals = this.heard(from, 'webrtc-signal');
        for (const each of signals.slice(passed.get(from)))
          if ('signal' in each) to.signalWebRtc(connection, each.signal);
        passed.set(from, signals.length);
      }
      if ([a, b].every((host, i) => this.heard(host, 'path-up').length > (up[i] ?? 0))) return true;
    }
    return false;
  }
}

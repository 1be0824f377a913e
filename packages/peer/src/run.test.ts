/** When the driver takes a host to have slept (session.md 2.5; faults rows 33, 34). */
import { WallClock } from '@warren/base';
import { cheapCrypto, SeededRandom, SimHost, SimInternet, simCredentials, simStranger, World } from '@warren/sim';
import { Authority } from '@warren/trust';
import { PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Peer } from './peer.ts';
import { Driver } from './run.ts';

const MINUTE_MS = 60_000;

let world: World;
let internet: SimInternet;
let host: SimHost;
let resumed: number;
let peer: Peer;

beforeEach(() => {
  world = new World(7);
  internet = new SimInternet(world);
  host = new SimHost({ internet, kind: 'edge', name: 'a', address: '203.0.113.1:4000' });
  const random = new SeededRandom(7, 'peer');
  const unixMs = host.clock.unixMs();
  peer = new Peer(
    {
      kind: 'edge',
      random,
      suite: cheapCrypto.suite,
      sign: cheapCrypto.sign,
      wallClock: new WallClock(unixMs, world.now),
      can: host.datagrams.can,
      linkBudget: 10,
      maxBytes: () => 1200,
      authority: Authority.public({ verifier: cheapCrypto.verifier() }),
      credentials: simCredentials(simStranger(random, unixMs, cheapCrypto), random, unixMs),
      // Nobody answers there: it is dialled again and again, so that there is always an alarm.
      bootstraps: ['ws://nobody/'],
      addresses: () => [],
    },
    world.now,
  );
  resumed = 0;
  new Driver(peer, host, out => {
    if (out.kind === 'resumed') resumed++;
  });
  world.run(10 * MINUTE_MS);
});

describe('a driver', () => {
  test('sees no sleep while alarms come in time, for hours', () => {
    world.run(180 * MINUTE_MS);
    expect(resumed).toBe(0);
  });

  test('faults #34 sees sleep by an alarm that comes late, once', () => {
    host.sleep();
    world.run(5 * MINUTE_MS);
    host.wake();
    world.run(MINUTE_MS);
    expect(resumed).toBe(1);
  });

  test('sees none in a page whose alarms are throttled, while it hears of others', () => {
    const other = new SimHost({ internet, kind: 'edge', name: 'b', address: '203.0.113.2:4000' });
    const { clock } = host;
    clock.sleep();
    for (let second = 1; second <= 300; second++) {
      other.datagrams.send('udp/203.0.113.1:4000', Uint8Array.of(second & 0xff));
      world.run(1000);
    }
    clock.wake();
    world.run(MINUTE_MS);
    expect(resumed).toBe(0);
  });

  test('looks for the next deadline at a handshake, and not at datagrams of nobody', () => {
    const other = new SimHost({ internet, kind: 'edge', name: 'b', address: '203.0.113.2:4000' });
    const setAlarm = vi.spyOn(host.clock, 'setAlarm');
    const throwAll = (types: readonly number[], bytes: Uint8Array): void => {
      for (const type of types) {
        other.datagrams.send('udp/203.0.113.1:4000', Uint8Array.of(type, ...bytes.subarray(1)));
      }
      world.run(100);
    };
    throwAll([0, 99, ...Object.values(PacketType)], new Uint8Array(320).fill(7));
    expect(peer.stats.unclaimed).toBeGreaterThan(5);
    expect(setAlarm).not.toHaveBeenCalled();
    const before = peer.wakeAt;
    vi.spyOn(peer.public, 'wakeAt', 'get').mockImplementation(() => world.now + 50);
    vi.spyOn(peer.public, 'recognises').mockReturnValue(true);
    throwAll([PacketType.HS1], new Uint8Array(320));
    expect(setAlarm.mock.calls[0]?.[0]).toBeLessThan(before as number);
  });

  test('faults #33 sees a step of the wall clock by more than 5 s, back or forth, at the next alarm', () => {
    for (const [stepMs, times] of [
      [2000, 0],
      [-2000, 0],
      [MINUTE_MS, 1],
      [-10 * MINUTE_MS, 2],
      [0, 3],
    ] as const) {
      host.clock.wrongByMs = stepMs;
      world.run(5 * MINUTE_MS);
      expect(resumed, `${stepMs} ms`).toBe(times);
    }
  });
});

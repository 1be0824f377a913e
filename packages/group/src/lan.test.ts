/** Faults row 26, and what a hostile neighbour in the local network can do with multicast. */
import { WallClock } from '@warren/base';
import { expect, test } from 'vitest';
import { ANNOUNCEMENT_BYTES, Lan, type LanOutput } from './lan.ts';

const SECRET = new Uint8Array(32).fill(7);
const UNIX_MS = 1_800_000_000_000;
const HERE = Uint8Array.of(192, 168, 1, 2);
const V6 = Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 0xfd : i));

test('a member is found at the address that it announced itself from, in both families', () => {
  const [ada, bob] = [lan(1), lan(2)];
  for (const [i, address] of [HERE, V6].entries()) {
    bob.heard(address, ada.announcement(address, 41_641, i), 10 + i);
    expect(bob.poll()).toEqual({ kind: 'found', member: id(1), address, port: 41_641 });
  }
  expect(bob.poll()).toBeUndefined();
});

test('outsiders can tell neither group nor member: nothing repeats but the version', () => {
  const ada = lan(1);
  const [first, second] = [ada.announcement(HERE, 1, 0), ada.announcement(HERE, 1, 0)];
  expect(first.length).toBe(ANNOUNCEMENT_BYTES);
  const same = [...first].filter((byte, i) => byte === second[i]).length;
  expect(same).toBeLessThan(10);
  const stranger = lan(3, new Uint8Array(32).fill(8));
  stranger.heard(HERE, first, 0);
  expect([stranger.poll(), stranger.stats.foreign]).toEqual([undefined, 1]);
});

test('what is played back from another address, after a newer one or much later is worth nothing', () => {
  const [ada, bob] = [lan(1), lan(2)];
  const old = ada.announcement(HERE, 41_641, 0);
  bob.heard(Uint8Array.of(192, 168, 1, 66), old, 10);
  bob.heard(HERE, ada.announcement(HERE, 41_641, 1000), 1000);
  expect(drain(bob).length).toBe(1);
  bob.heard(HERE, old, 2000);
  const late = lan(3);
  late.heard(HERE, old, 3_600_000);
  expect([drain(bob), drain(late), bob.stats.stale, late.stats.stale]).toEqual([[], [], 2, 1]);
});

test('a flood is counted and dropped, and leads to few dials', () => {
  const [ada, bob] = [lan(1), lan(2)];
  for (let now = 0; now < 10_000; now++) {
    bob.heard(HERE, new Uint8Array(ANNOUNCEMENT_BYTES).fill(1), now);
    bob.heard(HERE, new Uint8Array(now % 100), now);
  }
  expect(bob.poll()).toBeUndefined();
  expect(bob.stats.limited).toBeGreaterThan(9000);
  const other = lan(3);
  for (let now = 0; now < 10_000; now += 10) other.heard(HERE, ada.announcement(HERE, 1, now), now);
  expect(drain(other).length).toBeLessThanOrEqual(18);
});

test('changed bytes are no announcement, and our own is none of interest', () => {
  const [ada, bob] = [lan(1), lan(2)];
  const good = ada.announcement(HERE, 41_641, 0);
  for (let i = 0; i < good.length; i++) {
    bob.heard(
      HERE,
      good.map((byte, at) => (at === i ? byte ^ 1 : byte)),
      i * 1000,
    );
  }
  ada.heard(HERE, good, 0);
  expect([drain(bob), drain(ada), bob.stats.foreign]).toEqual([[], [], good.length]);
});

test('it announces itself at once, twice soon after, and every minute', () => {
  const ada = lan(1);
  ada.start(0);
  const times: number[] = [];
  for (let now = ada.wakeAt; now !== undefined && now < 200_000; now = ada.wakeAt) {
    ada.tick(now);
    if (ada.poll()?.kind === 'announce') times.push(now);
  }
  expect(times.slice(0, 3).map(at => Math.round(at / 1000))).toEqual([0, 1, 3]);
  expect(times.length).toBeGreaterThanOrEqual(5);
  expect(times.length).toBeLessThanOrEqual(7);
});

function lan(n: number, secret = SECRET): Lan {
  let byte = n;
  const next = (): number => {
    byte = (byte * 75 + 74) % 65_537;
    return byte & 255;
  };
  const random = { bytes: (length: number) => Uint8Array.from({ length }, next) };
  return new Lan({ secret, memberId: id(n), random, wallClock: new WallClock(UNIX_MS, 0) });
}

function id(n: number): Uint8Array {
  return new Uint8Array(20).fill(n);
}

function drain(from: Lan): LanOutput[] {
  const all: LanOutput[] = [];
  for (let out = from.poll(); out !== undefined; out = from.poll()) all.push(out);
  return all;
}

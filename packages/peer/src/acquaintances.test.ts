/** Whom a start without bootstrap nodes calls, when, and what is kept of them (faults rows 26, 37, 38, 72). */
import { type Instant, utf8, WallClock } from '@warren/base';
import { SeededRandom } from '@warren/sim';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Acquaintances, type AcquaintancesOutput, type Neighbour } from './acquaintances.ts';
import { AddressBook, PEERS_MAX, URLS_MAX } from './address-book.ts';

const TODAY = 1_767_225_600_000;
const DAY_MS = 86_400_000;
const id = (n: number) => n.toString(16).padStart(40, '0');

const nobody = () => false;

describe('a book of addresses', () => {
  test('comes back from the disk as it was, those met last first', () => {
    const book = new AddressBook(false);
    book.met(id(1), '192.0.2.1:1', TODAY);
    book.met(id(2), '192.0.2.2:1', TODAY);
    book.met(id(1), '[2001:db8::1]:1', TODAY);
    book.metNode('wss://node.example/bootstrap', TODAY);
    book.setFormer([id(7), id(8)], nobody, TODAY);
    const back = new AddressBook(false);
    back.decode(book.encode(), TODAY + DAY_MS);
    expect(back.known()).toEqual([id(1), id(2)]);
    expect(back.paths(id(1))).toEqual(['udp/[2001:db8::1]:1', 'udp/192.0.2.1:1']);
    expect(back.urls()).toEqual(['wss://node.example/bootstrap']);
    expect(back.former).toEqual([id(7), id(8)]);
    expect(back.encode()).toEqual(book.encode());
  });

  test('leaves out who was not met for a month, and takes no date of the future', () => {
    const book = new AddressBook(false);
    book.met(id(1), '192.0.2.1:1', TODAY);
    book.met(id(2), '192.0.2.2:1', TODAY + 400 * DAY_MS);
    book.metNode('ws://old.example/', TODAY);
    const back = new AddressBook(false);
    back.decode(book.encode(), TODAY + 31 * DAY_MS);
    expect(back.known()).toEqual([id(2)]);
    expect(back.urls()).toEqual([]);
    const later = new AddressBook(false);
    later.decode(back.encode(), TODAY + 62 * DAY_MS);
    expect(later.known()).toEqual([]);
  });

  test('forgets former neighbours a month after they were neighbours last, however often they are named since', () => {
    const book = new AddressBook(false);
    book.setFormer([id(1), id(2), id(3)], nobody, TODAY);
    book.setFormer([id(3), id(1), id(2)], peer => peer === id(3), TODAY + 5 * DAY_MS);
    book.seen(id(2), TODAY + 20 * DAY_MS);
    expect(book.metAt(id(2))).toBe(TODAY + 20 * DAY_MS);
    const back = new AddressBook(false);
    back.decode(book.encode(), TODAY + 31 * DAY_MS);
    expect(back.former).toEqual([id(3), id(2)]);
    book.met(id(3), '192.0.2.3:1', TODAY + 9 * DAY_MS);
    expect(book.dropOld(TODAY + 38 * DAY_MS)).toEqual([id(1)]);
    expect(book.dropOld(TODAY + 60 * DAY_MS)).toEqual([id(2), id(3)]);
    expect([book.former, book.known()]).toEqual([[], []]);
  });

  test('faults #51 knows removed members over a restart, for a month or until they are members again', () => {
    const book = new AddressBook(false);
    for (const n of [1, 2]) {
      book.met(id(n), '192.0.2.1:1', TODAY);
      book.forget(id(n), TODAY);
    }
    book.welcome(id(2));
    const [back, late] = [new AddressBook(false), new AddressBook(false)];
    back.decode(book.encode(), TODAY + DAY_MS);
    late.decode(book.encode(), TODAY + 30 * DAY_MS);
    expect([back.known(), back.isGone(id(1)), back.isGone(id(2)), late.isGone(id(1))]).toEqual([
      [],
      true,
      false,
      false,
    ]);
    for (let i = 0; i < 500; i++) back.forget(id(i), TODAY);
    expect(back.encode().length).toBeLessThan(20_000);
  });

  test('sends nobody to private or loopback addresses on the word of strangers, not even from the disk', () => {
    const [members, strangers] = [new AddressBook(false), new AddressBook(true)];
    for (const [n, address] of ['10.0.0.1:1', '127.0.0.1:1', '192.168.1.1:1', '[fe80::1]:1', '8.8.8.8:1'].entries()) {
      members.met(id(n), address, TODAY);
      strangers.met(id(n), address, TODAY);
    }
    expect(members.known()).toHaveLength(5);
    expect(strangers.known()).toEqual([id(4)]);
    const fromDisk = new AddressBook(true);
    fromDisk.decode(members.encode(), TODAY);
    expect(fromDisk.known()).toEqual([id(4)]);
  });

  test('is bounded, and the newest stay', () => {
    const book = new AddressBook(false);
    for (let i = 0; i < 500; i++) {
      book.met(id(i), `192.0.2.1:${i + 1}`, TODAY);
      book.met(id(499), `192.0.2.2:${i + 1}`, TODAY);
      book.metNode(`ws://node-${i}.example/`, TODAY);
    }
    book.setFormer(
      Array.from({ length: 500 }, (_, i) => id(i)),
      nobody,
      TODAY,
    );
    expect(book.known()).toHaveLength(PEERS_MAX);
    expect(book.known().slice(0, 2)).toEqual([id(499), id(498)]);
    expect(book.paths(id(499))).toEqual(['udp/192.0.2.2:500', 'udp/192.0.2.1:500', 'udp/192.0.2.2:499']);
    expect(book.urls()).toHaveLength(URLS_MAX);
    expect(book.former).toHaveLength(64);
    expect(book.encode().length).toBeLessThan(20_000);
  });

  test('faults #38 takes whatever the disk gives for nothing worse than empty', () => {
    const book = new AddressBook(false);
    for (let i = 0; i < 3; i++) book.met(id(i), `192.0.2.1:${i + 1}`, TODAY);
    const whole = book.encode();
    const read = (bytes: Uint8Array) => {
      const back = new AddressBook(true);
      back.decode(bytes, TODAY);
      for (const peer of back.known()) expect(back.paths(peer)[0]).toMatch(/^udp\/[0-9.]+:[0-9]+$/);
    };
    for (const text of ['', 'null', '[]', '{"version":1,"peers":7}', '{"version":2}', '{"version":1,"peers":[null]}']) {
      read(utf8(text));
    }
    read(new Uint8Array(100_000));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, bits, isCut) => {
        read(isCut ? whole.subarray(0, at) : whole.map((byte, i) => (i === at ? byte ^ bits : byte)));
      }),
      { numRuns: 200 },
    );
  });
});

/** Acquaintances with `count` peers on the disk, on a clock of their own. */
class Bench {
  readonly machine: Acquaintances;
  readonly neighbours: Neighbour[] = [];
  readonly calls: { at: Instant; to: string }[] = [];
  readonly kept: Uint8Array[] = [];
  readonly dropped: string[] = [];
  private now: Instant = 0;

  constructor(count: number, seed = 1, canUdp = true) {
    const book = new AddressBook(false);
    for (let i = 0; i < count; i++) book.met(id(i), `192.0.2.1:${i + 1}`, TODAY);
    this.machine = new Acquaintances({
      random: new SeededRandom(seed, 'acquaintances'),
      wallClock: new WallClock(TODAY, 0),
      strangers: false,
      canUdp,
      kept: book.encode(),
      neighbours: () => this.neighbours,
    });
    this.machine.start(0);
  }

  /** Lets time pass up to `until`. */
  run(until: Instant): void {
    for (let at = this.machine.wakeAt; at !== undefined && at <= until; at = this.machine.wakeAt) {
      this.now = Math.max(this.now, at);
      this.machine.tick(this.now);
      for (let out = this.machine.poll(); out !== undefined; out = this.machine.poll()) this.take(out);
    }
    this.now = until;
  }

  /** A neighbour comes. */
  link(n: number, path: string): void {
    this.neighbours.push({ peer: id(n), path });
    this.machine.setAlone(false, this.now);
    this.machine.linked({ peer: id(n), path }, this.now);
  }

  /** All neighbours go. */
  lose(): void {
    this.neighbours.length = 0;
    this.machine.setAlone(true, this.now);
  }

  private take(out: AcquaintancesOutput): void {
    if (out.kind === 'call') this.calls.push({ at: this.now, to: out.to });
    else if (out.kind === 'acquaintances') this.kept.push(out.bytes);
    else this.dropped.push(out.peer);
  }
}

describe('acquaintances', () => {
  test('faults #26 are called soon after the start, a few at a time, all of them in turn', () => {
    const bench = new Bench(20);
    bench.run(500);
    expect(bench.calls.map(call => call.to)).toEqual(Array.from({ length: 8 }, (_, i) => id(19 - i)));
    bench.run(25_000);
    expect(new Set(bench.calls.map(call => call.to)).size).toBe(20);
    bench.calls.length = 0;
    bench.run(3_625_000);
    // Once a minute or so, for as long as it takes.
    expect(bench.calls.length / 8).toBeGreaterThan(45);
    expect(bench.calls.length / 8).toBeLessThan(75);
  });

  test('are left alone as soon as there is a neighbour, and called again when there is none', () => {
    const bench = new Bench(20);
    bench.run(500);
    bench.link(50, 'via/public/x');
    bench.run(100_000);
    expect(bench.calls).toHaveLength(8);
    bench.lose();
    bench.run(100_600);
    expect(bench.calls).toHaveLength(16);
  });

  test('faults #37 of a thousand who start at once spread their first calls', () => {
    const firsts = Array.from({ length: 1000 }, (_, seed) => {
      const bench = new Bench(1, seed);
      bench.run(500);
      return bench.calls[0]?.at ?? Number.NaN;
    });
    const perSlot = new Map<number, number>();
    for (const at of firsts) perSlot.set(Math.floor(at / 50), (perSlot.get(Math.floor(at / 50)) ?? 0) + 1);
    expect(perSlot.size).toBe(10);
    expect(Math.max(...perSlot.values())).toBeLessThan(160);
  });

  test('are kept 2 s after news, with the path in use, and rarely without news', () => {
    const bench = new Bench(0);
    bench.link(1, 'udp/192.0.2.9:9');
    bench.link(2, 'ws/1');
    bench.run(1999);
    expect(bench.kept).toHaveLength(0);
    bench.run(2000);
    const back = new AddressBook(false);
    back.decode(bench.kept[0] as Uint8Array, TODAY);
    expect(back.known()).toEqual([id(1)]);
    bench.link(1, 'udp/192.0.2.9:9');
    bench.run(3_600_000);
    expect(bench.kept.length).toBeLessThan(10);
  });

  test('give the overlay ways to peers from before, and their ids', () => {
    const bench = new Bench(2);
    expect(bench.machine.paths(id(1))).toEqual(['udp/192.0.2.1:2']);
    expect(bench.machine.paths(id(9))).toEqual([]);
    bench.machine.remember([id(9), id(1)], 0);
    expect(bench.machine.remembered).toEqual([id(9), id(1), id(0)]);
    bench.machine.forget(id(1), 0);
    expect(bench.machine.remembered).toEqual([id(9), id(0)]);
    expect(bench.machine.paths(id(1))).toEqual([]);
  });

  test('are called no more when they were not met for a month, and the overlay is told', () => {
    const bench = new Bench(1);
    bench.machine.remember([id(5)], 0);
    bench.run(31 * DAY_MS);
    expect(bench.dropped).toEqual([id(5), id(0)]);
    expect(bench.machine.remembered).toEqual([]);
    bench.calls.length = 0;
    bench.run(31 * DAY_MS + 600_000);
    expect(bench.calls).toEqual([]);
  });

  test('mean nothing to a tab but bootstrap nodes, as it has no UDP', () => {
    const bench = new Bench(5, 1, false);
    bench.machine.metNode('wss://node.example/', 0);
    bench.run(60_000);
    expect(bench.calls).toEqual([]);
    expect(bench.machine.paths(id(1))).toEqual([]);
    expect(bench.machine.urls).toEqual(['wss://node.example/']);
    expect(bench.kept).toHaveLength(1);
  });
});

/**
 * For tests only: a finished ring, given all at once, with near links and
 * harmonic far links as `upkeep.ts` would make them, and virtual time for the
 * machines that tests put on it. Not here: joining and mending, see `testbed.ts`.
 */
import { type Instant, type Random, unit } from '@warren/base';
import { addIds, idAtFraction, type PeerId, type PeerKey, peerKey } from '@warren/wire';
import type { Place } from './arcs.ts';
import { farLinkCount, NEAR_PER_SIDE } from './ring.ts';
import { seeded } from './testbed.ts';

/** One place of the ring. */
export interface Seat<Machine> {
  readonly id: PeerId;
  readonly key: PeerKey;
  readonly links: Map<PeerKey, Place>;
  readonly near: Map<PeerKey, PeerId>;
  readonly machine: Machine;
  isAlive: boolean;
  /** As of its last input. */
  wakeAt: Instant;
}

/** What a ring needs to know of the machines on it. */
export interface Rules<Machine> {
  readonly make: (seat: Omit<Seat<Machine>, 'machine'>, random: Random) => Machine;
  readonly drain: (seat: Seat<Machine>) => void;
  readonly latencyMs?: number;
}

/** Machines that wake by time. */
export interface Ticking {
  readonly wakeAt: Instant | undefined;
  tick(now: Instant): void;
}

/** A ring of `size` machines. */
export class Ring<Machine extends Ticking> {
  now: Instant = 1000;
  readonly random: Random;
  /** In the order of the ring. */
  readonly seats: Seat<Machine>[];
  private readonly rules: Rules<Machine>;
  private readonly byKey = new Map<PeerKey, Seat<Machine>>();
  /** What arrives when. */
  private readonly due = new Map<Instant, (() => void)[]>();

  constructor(size: number, seed: number, rules: Rules<Machine>) {
    this.rules = rules;
    this.random = seeded(seed);
    const ids = Array.from({ length: size }, () => this.random.bytes(20)).sort((a, b) =>
      peerKey(a) < peerKey(b) ? -1 : 1,
    );
    this.seats = ids.map(id => {
      const seat = {
        id,
        key: peerKey(id),
        links: new Map(),
        near: new Map(),
        isAlive: true,
        wakeAt: Number.POSITIVE_INFINITY,
      };
      return { ...seat, machine: rules.make(seat, this.random) };
    });
    for (const seat of this.seats) this.byKey.set(seat.key, seat);
    this.seats.forEach((seat, i) => {
      this.linkAt(seat, i);
    });
  }

  seat(key: PeerKey): Seat<Machine> {
    return this.byKey.get(key) as Seat<Machine>;
  }

  /** Lets `run` happen at the receiving end after the latency, if the link is still there then. */
  send(from: Seat<Machine>, to: PeerKey, run: (receiver: Seat<Machine>) => void): void {
    const at = this.now + (this.rules.latencyMs ?? 20);
    const list = this.due.get(at) ?? [];
    this.due.set(at, list);
    list.push(() => {
      const receiver = this.seat(to);
      if (!receiver.isAlive || !from.isAlive || !receiver.links.has(from.key)) return;
      run(receiver);
      this.settle(receiver);
    });
  }

  /** Acts at one seat now. */
  act(seat: Seat<Machine>, run: (machine: Machine) => void): void {
    run(seat.machine);
    this.settle(seat);
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    const end = this.now + ms;
    for (let next = this.next(); next <= end; next = this.next()) {
      this.now = Math.max(this.now, next);
      const list = this.due.get(next) ?? [];
      this.due.delete(next);
      for (const event of list) event();
      for (const seat of this.seats) {
        if (!seat.isAlive || seat.wakeAt > this.now) continue;
        seat.machine.tick(this.now);
        this.settle(seat);
      }
    }
    this.now = end;
  }

  /** When something happens next. */
  private next(): Instant {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.due.keys()) next = Math.min(next, at);
    for (const { isAlive, wakeAt } of this.seats) if (isAlive) next = Math.min(next, wakeAt);
    return next;
  }

  private settle(seat: Seat<Machine>): void {
    this.rules.drain(seat);
    seat.wakeAt = seat.machine.wakeAt ?? Number.POSITIVE_INFINITY;
  }

  private linkAt(seat: Seat<Machine>, i: number): void {
    const size = this.seats.length;
    for (let n = 1; n <= Math.min(NEAR_PER_SIDE, size - 1); n++) {
      const other = this.seats[(i + n) % size] as Seat<Machine>;
      this.link(seat, other);
      seat.near.set(other.key, other.id);
      other.near.set(seat.key, seat.id);
    }
    for (let n = 0; n < farLinkCount(size); n++) {
      const point = addIds(seat.id, idAtFraction(size ** (unit(this.random) - 1), this.random));
      const key = peerKey(point);
      const beyond = this.seats.findIndex(other => other.key >= key);
      this.link(seat, this.seats[Math.max(beyond, 0)] as Seat<Machine>);
    }
  }

  private link(a: Seat<Machine>, b: Seat<Machine>): void {
    if (a === b) return;
    a.links.set(b.key, { key: b.key, id: b.id });
    b.links.set(a.key, { key: a.key, id: a.id });
  }
}

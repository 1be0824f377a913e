/** Finding one's group through strangers (P1 III-C; faults.md row 71). */
import { type Instant, toHex, WallClock } from '@warren/base';
import { SeededRandom } from '@warren/sim';
import { encodeSealedRendezvous, peerKey } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { Rendezvous, type RendezvousOutput } from './rendezvous.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Half past some hour. */
const HALF_PAST = 490_000 * HOUR_MS + HOUR_MS / 2;
const SECRET = new Uint8Array(32).fill(9);
const NOBODY = () => false;
let random = new SeededRandom(0);

beforeEach(() => {
  random = new SeededRandom(4);
});

describe('a member', () => {
  test('is silent until the public overlay can be used, and when it no longer can', () => {
    const ada = member();
    expect(during(ada, 0, HOUR_MS)).toEqual([]);
    ada.machine.setReady(true, HOUR_MS);
    expect(
      during(ada, HOUR_MS, HOUR_MS + 1)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['publish', 'read']);
    ada.machine.setReady(false, HOUR_MS + 2);
    expect(ada.machine.wakeAt).toBeUndefined();
    expect(during(ada, HOUR_MS + 2, 2 * HOUR_MS)).toEqual([]);
  });

  test('renews its record every minute', () => {
    const published = during(ready(), 0, 10 * MINUTE_MS).filter(({ kind }) => kind === 'publish');
    expect(published.length).toBeGreaterThanOrEqual(9);
    expect(published.length).toBeLessThanOrEqual(13);
  });

  test('looks eagerly at first, then every 15 s, and once a minute when members are found', () => {
    const ada = ready();
    const reads = (from: Instant, to: Instant) => during(ada, from, to).filter(({ kind }) => kind === 'read').length;
    expect(reads(0, 8000)).toBeGreaterThanOrEqual(4);
    reads(8000, 30_000);
    expect(reads(30_000, 30_000 + 10 * 15_000)).toBeLessThanOrEqual(13);
    ada.machine.setMembers(2, 180_000);
    reads(180_000, 240_000);
    expect(reads(240_000, 240_000 + 10 * MINUTE_MS)).toBeLessThanOrEqual(13);
  });

  test('looks at once when it has lost all members', () => {
    const ada = ready();
    during(ada, 0, MINUTE_MS);
    ada.machine.setMembers(2, MINUTE_MS);
    during(ada, MINUTE_MS, 5 * MINUTE_MS);
    ada.machine.setMembers(1, 5 * MINUTE_MS);
    expect(ada.machine.wakeAt).toBeGreaterThan(5 * MINUTE_MS);
    ada.machine.setMembers(0, 5 * MINUTE_MS);
    expect(ada.machine.wakeAt).toBe(5 * MINUTE_MS);
  });

  test('with many neighbours looks less often, and again as often as before when few are left', () => {
    const ada = ready();
    during(ada, 0, MINUTE_MS);
    ada.machine.setMembers(32, MINUTE_MS);
    during(ada, MINUTE_MS, 3 * MINUTE_MS);
    const reads = during(ada, 3 * MINUTE_MS, 83 * MINUTE_MS).filter(({ kind }) => kind === 'read');
    expect(reads.length).toBeGreaterThanOrEqual(8);
    expect(reads.length).toBeLessThanOrEqual(26);
    ada.machine.setMembers(2, 83 * MINUTE_MS);
    expect(during(ada, 83 * MINUTE_MS, 85 * MINUTE_MS).some(({ kind }) => kind === 'read')).toBe(true);
  });

  test('always waits for a later time after a tick', () => {
    const ada = ready();
    for (let now = 0; now < HOUR_MS; now = ada.machine.wakeAt as Instant) {
      ada.machine.tick(now);
      while (ada.machine.poll() !== undefined);
      expect(ada.machine.wakeAt).toBeGreaterThan(now);
    }
  });
});

describe('two members', () => {
  test('find each other', () => {
    const [ada, bob] = [ready(), ready()];
    expect(dials(bob, [valueFrom(ada)])).toEqual([{ kind: 'dial', publicId: ada.publicId, memberId: ada.memberId }]);
  });

  test('read the key of the last hour during the first ten minutes, that of the next during the last five', () => {
    const keys = (minute: number) => {
      const ada = ready(HALF_PAST - HOUR_MS / 2 + minute * MINUTE_MS);
      const out = during(ada, 0, 1);
      return out.flatMap(each => (each.kind === 'dial' ? [] : [[each.kind, toHex(each.key)] as const]));
    };
    const of = (minute: number, kind: string) =>
      keys(minute)
        .filter(([k]) => k === kind)
        .map(([, key]) => key);
    const [own] = of(5, 'publish');
    const [last] = of(-5, 'publish');
    expect(of(5, 'read')).toEqual([own, last]);
    expect(of(9.9, 'read')).toEqual([own, last]);
    expect(of(10, 'read')).toEqual([own]);
    expect(of(54.9, 'read')).toEqual([own]);
    const [next] = of(65, 'publish');
    expect(of(59, 'read')).toEqual([own, next]);
    expect(last).not.toBe(own);
  });

  test('find each other across the turn of the hour, and with clocks five minutes apart', () => {
    const turn = HALF_PAST + HOUR_MS / 2;
    for (const [early, late] of [
      [-1, 1],
      [-1, 9 * MINUTE_MS],
      [-150_000, 150_000],
    ] as const) {
      const [ada, bob] = [ready(turn + early), ready(turn + late)];
      during(bob, 0, 1);
      expect(dials(bob, [valueFrom(ada)])).toHaveLength(1);
    }
  });

  test('do not open what was sealed two hours ago', () => {
    const [ada, bob] = [ready(HALF_PAST - 2 * HOUR_MS), ready(HALF_PAST)];
    expect(dials(bob, [valueFrom(ada)])).toEqual([]);
    expect(bob.machine.stats.falseEntries).toBe(1);
  });
});

describe('what is found', () => {
  test('is not dialled when it is our own, known already, or at our own place', () => {
    const [ada, bob] = [ready(), ready()];
    const other = ready();
    expect(dials(bob, [valueFrom(bob)])).toEqual([]);
    expect(dials(bob, [valueFrom(ada)], key => key === peerKey(ada.memberId))).toEqual([]);
    const same = ready(HALF_PAST, { publicId: bob.publicId });
    expect(dials(bob, [valueFrom(same), valueFrom(other)])).toMatchObject([{ memberId: other.memberId }]);
  });

  test('faults #71 of 1,000 false entries none is dialled, all are counted, and the true one is found', () => {
    const [ada, bob] = [ready(), ready()];
    const false_ = Array.from({ length: 1000 }, (_, i) => {
      if (i % 3 === 0) return random.bytes(i % 200);
      if (i % 3 === 1) return encodeSealedRendezvous({ nonce: random.bytes(24), sealed: random.bytes(56) });
      return valueFrom(ready(HALF_PAST, { secret: random.bytes(32) }));
    });
    const found = dials(bob, [...false_.slice(0, 500), valueFrom(ada), ...false_.slice(500)]);
    expect(found).toMatchObject([{ memberId: ada.memberId }]);
    expect(bob.machine.stats.falseEntries).toBe(1000);
  });

  test('faults #71 copied a thousand times is dialled once, and does not hide the others', () => {
    const [ada, bob, eve] = [ready(), ready(), ready()];
    const copies = Array(1000).fill(valueFrom(ada)) as Uint8Array[];
    const found = dials(bob, [...copies, valueFrom(eve)]);
    expect(found.map(({ memberId }) => peerKey(memberId)).sort()).toEqual(
      [ada, eve].map(m => peerKey(m.memberId)).sort(),
    );
  });

  test('faults #71 is dialled by eight, at random; once members are found, one by one', () => {
    const bob = ready();
    const values = Array.from({ length: 100 }, () => valueFrom(ready()));
    const first = dials(bob, values).map(({ memberId }) => peerKey(memberId));
    expect(new Set(first).size).toBe(8);
    expect(dials(bob, values).map(({ memberId }) => peerKey(memberId))).not.toEqual(first);
    bob.machine.setMembers(1, 0);
    expect(dials(bob, values)).toHaveLength(1);
  });
});

describe('what strangers see', () => {
  test('faults #71 says nothing of who and which group, and nothing of it repeats', () => {
    const secrets = [SECRET, new Uint8Array(32).fill(8)];
    const shown = secrets.flatMap(secret =>
      [HALF_PAST, HALF_PAST + HOUR_MS].flatMap(at =>
        [1, 2].map(() => {
          const one = ready(at, { secret });
          const [published] = during(one, 0, 1).filter(out => out.kind === 'publish');
          if (published?.kind !== 'publish') throw new Error('nothing published');
          const value = toHex(published.value);
          for (const hidden of [one.memberId, one.publicId, secret]) {
            expect(value).not.toContain(toHex(hidden));
            expect(toHex(published.key)).not.toContain(toHex(hidden));
          }
          expect(published.key).toHaveLength(20);
          expect(published.value).toHaveLength(80);
          return { key: toHex(published.key), value };
        }),
      ),
    );
    expect(new Set(shown.map(({ key }) => key)).size).toBe(4);
    expect(new Set(shown.map(({ value }) => value)).size).toBe(8);
    for (const part of [0, 48]) expect(new Set(shown.map(({ value }) => value.slice(part, part + 32))).size).toBe(8);
  });

  test('two records of one member in one hour differ', () => {
    const ada = ready();
    expect(toHex(valueFrom(ada))).not.toBe(toHex(valueFrom(ada, 2 * MINUTE_MS)));
  });
});

interface Member {
  readonly machine: Rendezvous;
  readonly publicId: Uint8Array;
  readonly memberId: Uint8Array;
}

/** A member whose clock shows `at` at instant 0. */
function member(at = HALF_PAST, changes: { secret?: Uint8Array; publicId?: Uint8Array } = {}): Member {
  const ids = { publicId: changes.publicId ?? random.bytes(20), memberId: random.bytes(20) };
  const machine = new Rendezvous({ secret: SECRET, ...changes, ...ids, random, wallClock: new WallClock(at, 0) });
  return { machine, ...ids };
}

function ready(at = HALF_PAST, changes: { secret?: Uint8Array; publicId?: Uint8Array } = {}): Member {
  const one = member(at, changes);
  one.machine.setReady(true, 0);
  return one;
}

/** All it asks for from one instant up to another. */
function during({ machine }: Member, from: Instant, to: Instant): RendezvousOutput[] {
  const outputs: RendezvousOutput[] = [];
  for (let now = Math.max(from, machine.wakeAt ?? to); now < to; now = machine.wakeAt ?? to) {
    machine.tick(now);
    for (let out = machine.poll(); out !== undefined; out = machine.poll()) outputs.push(out);
  }
  return outputs;
}

/** What it publishes first, up to an instant. */
function valueFrom(one: Member, to: Instant = 1): Uint8Array {
  const published = during(one, 0, to).find(out => out.kind === 'publish');
  if (published?.kind !== 'publish') throw new Error('nothing published');
  return published.value;
}

/** Whom it dials after finding these values. */
function dials(one: Member, values: readonly Uint8Array[], known: (member: string) => boolean = NOBODY) {
  if (one.machine.wakeAt === 0) during(one, 0, 1);
  one.machine.found(values, known);
  const outputs: Extract<RendezvousOutput, { kind: 'dial' }>[] = [];
  for (let out = one.machine.poll(); out !== undefined; out = one.machine.poll())
    if (out.kind === 'dial') outputs.push(out);
  return outputs;
}

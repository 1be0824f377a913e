/** The store against a plain list of rules, under any order of writes and waits (faults.md rows 5, 68). */
import type { Identity } from '@warren/trust';
import { type DhtRecord, type DhtStatus, type PeerId, RecordKind } from '@warren/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameOf, POLICIES } from './policy.ts';
import { orderOfRecord, Store } from './store.ts';

const POSITION = new Uint8Array(20);
const KINDS = [RecordKind.MEMBER, RecordKind.ADDRESS, RecordKind.CONTACT, RecordKind.MAILBOX];

interface Written {
  readonly kind: RecordKind;
  readonly writer: number;
  readonly index: number;
  readonly sequence: number;
  readonly isDeleted: boolean;
  readonly lifetimeMs: number;
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(...KINDS),
      writer: fc.integer({ min: 1, max: 3 }),
      index: fc.integer({ min: 0, max: 1 }),
      sequence: fc.integer({ min: 1, max: 6 }),
      isDeleted: fc.boolean(),
      lifetimeMs: fc.integer({ min: 1, max: 60_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.integer({ min: 1, max: 300_000 }) }) },
);

test('faults #68 who may replace what is the same as by the plain rules', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const [store, plain] = [new Store(), new PlainStore()];
      let now = 0;
      for (const each of steps) {
        if ('waitMs' in each) now += each.waitMs;
        else {
          const written = { ...each, index: POLICIES[each.kind].valuesPerWriter > 1 ? each.index : 0 };
          const checked = { record: recordOf(written), writer: writerOf(written.writer), expiresAt: 0 };
          const status = store.put({ position: POSITION, checked, leftMs: written.lifetimeMs }, now);
          expect(status).toBe(plain.put(written, now));
        }
        for (const kind of KINDS) expect(read(store, kind, now)).toEqual(plain.read(kind, now));
      }
      store.sweep(now + 60_000);
      expect([store.size, store.bytes]).toEqual([0, 0]);
    }),
    { numRuns: 200 },
  );
});

/** The rules as one would tell them. */
class PlainStore {
  private live: (Written & { name: string; until: number })[] = [];
  private ended: { kind: RecordKind; name: string; sequence: number; until: number }[] = [];

  put(written: Written, now: number): DhtStatus {
    this.expire(written.kind, now);
    const name = nameOf(written, writerOf(written.writer).leaf);
    const own = this.live.find(each => each.kind === written.kind && each.name === name);
    if (own !== undefined && own.sequence > written.sequence) return 'refused';
    if (own !== undefined && own.sequence === written.sequence)
      return compareText(written, own) > 0
        ? this.keep(written, name, now)
        : compareText(written, own) < 0
          ? 'refused'
          : 'ok';
    const before = this.ended.filter(each => each.kind === written.kind && each.name === name && each.until > now);
    if (own === undefined && before.some(each => each.sequence >= written.sequence)) return 'refused';
    if (own === undefined && written.isDeleted) {
      this.end(written.kind, name, written.sequence, now);
      return 'ok';
    }
    return this.keep(written, name, now);
  }

  read(kind: RecordKind, now: number): number[][] {
    this.expire(kind, now);
    const found = this.live.filter(each => each.kind === kind);
    return found.map(each => [each.writer, each.index, each.sequence]).sort(compareNumbers);
  }

  private keep(written: Written, name: string, now: number): DhtStatus {
    const isClaim = POLICIES[written.kind].access === 'first-claim';
    const others = this.live.some(each => each.kind === written.kind && each.name !== name && !each.isDeleted);
    if (isClaim && others && !written.isDeleted) return 'taken';
    const next = { ...written, name, until: now + written.lifetimeMs };
    const at = this.live.findIndex(each => each.kind === written.kind && each.name === name);
    if (at >= 0) this.live[at] = next;
    else {
      const same = this.live.filter(each => each.kind === written.kind);
      if (same.length >= 2 * POLICIES[written.kind].recordsPerKey) this.forgetEnd(same, now);
      this.live.push(next);
    }
    return 'ok';
  }

  private expire(kind: RecordKind, now: number): void {
    const isOver = (each: { kind: RecordKind; until: number }) => each.kind === kind && each.until <= now;
    for (const { name, sequence } of this.live.filter(isOver)) {
      this.end(kind, name, sequence, now);
    }
    this.live = this.live.filter(each => !isOver(each));
  }

  private forgetEnd(same: PlainStore['live'], now: number): void {
    const oldest = same.find(each => each.isDeleted);
    if (oldest === undefined) return;
    this.live.splice(this.live.indexOf(oldest), 1);
    this.end(oldest.kind, oldest.name, oldest.sequence, now);
  }

  private end(kind: RecordKind, name: string, sequence: number, now: number): void {
    this.ended = this.ended.filter(each => each.kind !== kind || each.name !== name);
    this.ended.push({ kind, name, sequence, until: now + 600_000 });
  }
}

function read(store: Store, kind: RecordKind, now: number): number[][] {
  const about = { position: POSITION, kind, key: POSITION, after: new Uint8Array(21), most: 12, isBrief: false };
  return store
    .get(about, now)
    .records.map(record => [record.leaf[0] as number, record.index, record.sequence])
    .sort(compareNumbers);
}

function compareNumbers(a: number[], b: number[]): number {
  return (a[0] as number) - (b[0] as number) || (a[1] as number) - (b[1] as number);
}

/** Of one sequence the greater signature counts; here that says what the record says. */
function compareText(a: Written, b: Written): number {
  return signatureByte(a) - signatureByte(b);
}

function signatureByte({ writer, isDeleted }: Pick<Written, 'writer' | 'isDeleted'>): number {
  return 2 * writer + (isDeleted ? 1 : 0);
}

function writerOf(writer: number): Identity {
  const peerId: PeerId = new Uint8Array(20).fill(writer);
  return { leaf: { peerId, user: 'ada' }, statement: { notBefore: 0 } } as unknown as Identity;
}

function recordOf(written: Written): DhtRecord {
  const { kind, index, sequence, isDeleted, writer } = written;
  const signature = new Uint8Array(64).fill(signatureByte(written));
  const proof = { noiseStatic: POSITION, statement: POSITION, leaf: Uint8Array.of(writer), signature };
  const value = isDeleted ? new Uint8Array(0) : Uint8Array.of(sequence);
  return { kind, index, sequence, isDeleted, key: POSITION, signedAt: 0, lifetimeS: 60, value, ...proof };
}

test('pages go in the order of writers and indices', () => {
  const order = orderOfRecord({
    record: recordOf({ kind: RecordKind.MAILBOX, writer: 3, index: 1, sequence: 1, isDeleted: false, lifetimeMs: 1 }),
    writer: writerOf(3),
    expiresAt: 0,
  });
  expect([...order]).toEqual([...new Array(20).fill(3), 1]);
});

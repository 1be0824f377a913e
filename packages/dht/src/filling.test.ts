import { type DhtAnswer, type DhtRecord, type GetRequest, RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { briefs, checked, id, knowing, record } from './brief-testbed.ts';
import { Filling } from './filling.ts';
import { orderOf } from './store.ts';

const REQUEST: GetRequest = {
  ...{ op: 'get', position: id(0), kind: RecordKind.MEMBER, key: id(0), after: new Uint8Array(21) },
  ...{ most: 64, isBrief: true },
};
const ALL = Array.from({ length: 40 }, (_, n) => record(n));

describe('a brief answer', () => {
  test('with writers who are unknown here and there is made whole by a question for each gap', () => {
    const { told, asked } = fill({ known: [0, 3, 4], brief: ALL.slice(0, 7) });
    expect(told).toEqual({ status: 'ok', more: false, records: ALL.slice(0, 7) });
    expect(asked.map(({ after, most }) => [[...after].slice(0, 2), most])).toEqual([
      [[0, 1], 2],
      [[0, 5], 2],
    ]);
    expect(asked.every(({ isBrief }) => !isBrief)).toBe(true);
  });

  test.each([
    ['we do not believe', { doubts: 1 }],
    ['is gone when we ask for it', { lacks: 1 }],
    ['nobody tells us', { isSilent: true }],
  ] as const)('hides nobody behind a record that %s', (_, o) => {
    const { told } = fill({ known: [0, 2, 3], brief: ALL.slice(0, 4), ...o });
    expect(new Set(told?.records.map(numberOf))).toEqual(new Set([0, 2, 3]));
    expect(told?.records.at(-1)).toEqual(ALL[3]);
  });

  test('of which we get nothing is as good as none', () => {
    expect(fill({ known: [], brief: ALL.slice(0, 4), isSilent: true }).told).toBeUndefined();
  });

  test('of many unknown writers takes a question for each twelve', () => {
    const { told, asked } = fill({ known: [], brief: ALL.slice(0, 30) });
    expect(told?.records).toEqual(ALL.slice(0, 30));
    expect(asked.map(({ most }) => most)).toEqual([12, 12, 6]);
  });

  test('with more than eight gaps goes on with the next page', () => {
    const known = ALL.map((_, n) => n).filter(n => n % 2 === 0);
    const { told, asked } = fill({ known, brief: ALL });
    expect(asked).toHaveLength(8);
    expect(told).toMatchObject({ more: true, records: { length: 17 } });
  });
});

/** Fills an answer with what a holder of all these records says. */
function fill(o: {
  readonly known: readonly number[];
  readonly brief: readonly DhtRecord[];
  readonly doubts?: number;
  readonly lacks?: number;
  readonly isSilent?: boolean;
}) {
  const asked: GetRequest[] = [];
  let told: DhtAnswer | undefined;
  const answer: DhtAnswer = { status: 'ok', more: false, records: [], brief: briefs(o.brief) };
  const filling = new Filling(answer, REQUEST, {
    writers: knowing(...o.known),
    ask: (request, done) => {
      if (request.op !== 'get') throw new Error('only gets are asked');
      asked.push(request);
      const held = o.brief.filter((_, n) => n !== o.lacks);
      const behind = held.filter(each => isBehind(numberOf(each), request.after)).slice(0, request.most);
      done(o.isSilent ? undefined : { status: 'ok', more: true, records: behind });
    },
    check: each => (numberOf(each) === o.doubts ? undefined : checked(each)),
    done: whole => {
      told = whole;
    },
  });
  filling.next();
  return { told, asked };
}

function isBehind(n: number, after: Uint8Array): boolean {
  return Buffer.compare(orderOf(id(n), 0), after) > 0;
}

function numberOf({ noiseStatic }: DhtRecord): number {
  return (((noiseStatic[0] as number) << 8) | (noiseStatic[1] as number)) - 1;
}

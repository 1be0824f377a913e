/** The heap against sorting, and the trace hash. */
import { expect, test } from 'vitest';
import { EventHeap } from './event-heap.ts';
import { TraceHash } from './mesh/trace-hash.ts';
import { SeededRandom } from './random.ts';

test('events come in order of time, then of making, however they went in', () => {
  const [heap, random] = [new EventHeap(), new SeededRandom(1)];
  const waiting: { at: number; made: number }[] = [];
  const out: { at: number; made: number }[] = [];
  for (let made = 0; made < 800; made++) {
    const at = Math.floor(100 * random.unit());
    heap.push(at, made, 0, undefined);
    waiting.push({ at, made });
    if (random.unit() < 0.4) {
      waiting.sort((a, b) => b.at - a.at || b.made - a.made);
      expect(heap.pop()).toBe(true);
      out.push({ at: heap.at, made: heap.to });
      expect(out.at(-1)).toEqual(waiting.pop());
    }
  }
  expect(heap.size).toBe(waiting.length);
  expect(heap.nextAt).toBe(Math.min(...waiting.map(({ at }) => at)));
});

test('an event brings what was put in, once', () => {
  const heap = new EventHeap();
  const bytes = Uint8Array.of(1);
  heap.push(5, 1, 2, bytes, { peer: 2, hops: 1, before: undefined });
  expect(heap.pop()).toBe(true);
  expect([heap.at, heap.to, heap.from, heap.what, heap.trace?.hops]).toEqual([5, 1, 2, bytes, 1]);
  expect(heap.pop()).toBe(false);
  expect(heap.nextAt).toBe(Number.POSITIVE_INFINITY);
});

test('the trace hash tells apart time, ends, length, head and order', () => {
  const hash = (...notes: Parameters<TraceHash['note']>[]) => {
    const trace = new TraceHash();
    for (const note of notes) trace.note(...note);
    return trace.toString();
  };
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  const [one, two] = [[1.5, 1, 2, bytes] as const, [2.5, 2, 1, bytes] as const];
  const others = [
    hash([1.5000001, 1, 2, bytes]),
    hash([1.5, 2, 1, bytes]),
    hash([1.5, 1, 2, bytes.subarray(0, 8)]),
    hash([1.5, 1, 2, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0, 9)]),
  ];
  expect(new Set([hash([...one]), ...others]).size).toBe(5);
  expect(hash([...one], [...two])).not.toBe(hash([...two], [...one]));
  expect(hash([...one])).toBe(hash([...one]));
});

/** Who gives way when half-open handshakes fill their table (session.md 2.4; faults rows 48 and 102). */
import { expect, test } from 'vitest';
import { type Caller, HALF_OPEN_MAX, HALF_OPEN_MS, HalfOpens } from './half-opens.ts';
import type { Responder } from './handshake.ts';

test('one without a cookie finds no room in a full table', () => {
  const table = filled(() => caller('a', false));
  expect(table.makeRoom(caller('b', false))).toBe('full');
  expect(table.size).toBe(HALF_OPEN_MAX);
});

test('one with a cookie takes the place of the oldest without', () => {
  const table = filled(i => caller(`g${i}`, i !== 3 && i !== 9));
  expect(indexOf(table.makeRoom(caller('b', true)))).toBe(3);
  expect(table.at(3)).toBeUndefined();
  expect(table.makeRoom(caller('c', true))).toBeUndefined();
});

test('those with a cookie never give way to one without', () => {
  expect(filled(() => caller('a', true)).makeRoom(caller('b', false))).toBe('full');
});

test('of those with a cookie the oldest of the greediest group gives way', () => {
  const table = filled(i => caller(i % 2 === 0 ? 'greedy' : `g${i}`, true));
  expect(indexOf(table.makeRoom(caller('b', true)))).toBe(0);
});

test('the greediest group itself finds no room', () => {
  expect(filled(i => caller(i % 2 === 0 ? 'greedy' : `g${i}`, true)).makeRoom(caller('greedy', true))).toBe('full');
});

test('where all have one, who has none takes the place of the oldest', () => {
  const table = filled(i => caller(`g${i}`, true));
  expect(indexOf(table.makeRoom(caller('new', true)))).toBe(0);
  table.add(responder(999), new Uint8Array(2), caller('new', true), 0);
  expect(table.makeRoom(caller('new', true))).toBe('full');
});

test('all are forgotten after their time, in order', () => {
  const table = new HalfOpens();
  table.add(responder(1), new Uint8Array(32).fill(1), caller('a', false), 0);
  table.add(responder(2), new Uint8Array(32).fill(2), caller('a', false), 1);
  expect(table.wakeAt).toBe(HALF_OPEN_MS);
  expect(table.tick(HALF_OPEN_MS).map(indexOf)).toEqual([1]);
  expect(table.repeated(new Uint8Array(32).fill(1))).toBeUndefined();
  expect(indexOf(table.repeated(new Uint8Array(32).fill(2)))).toBe(2);
});

test('faults #46 the HS1 of a handshake that ended is known for the next thousand', () => {
  const table = new HalfOpens();
  const ephemeral = (i: number) => Uint8Array.of(i >> 8, i & 255);
  for (let i = 0; i < 1025; i++) {
    table.add(responder(i), ephemeral(i), caller('a', false), 0);
    table.finish(i);
  }
  expect(table.repeated(ephemeral(1))).toBe('finished');
  expect(table.repeated(ephemeral(0))).toBeUndefined();
  expect(table.size).toBe(0);
});

function filled(callerOf: (i: number) => Caller): HalfOpens {
  const table = new HalfOpens();
  for (let i = 0; i < HALF_OPEN_MAX; i++) table.add(responder(i), Uint8Array.of(i), callerOf(i), 0);
  return table;
}

function caller(group: string, isProven: boolean): Caller {
  return { path: `${group}/1`, group, isProven };
}

function responder(localIndex: number): Responder {
  return { localIndex } as Responder;
}

function indexOf(found: Responder | string | undefined): number | undefined {
  return typeof found === 'object' ? found.localIndex : undefined;
}

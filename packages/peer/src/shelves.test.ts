/** In which order a participant writes and sends: nothing is acknowledged before the disk has it. */
import { utf8 } from '@warren/base';
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { RecordKind } from '@warren/wire';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { ShelfEntry } from './host.ts';
import type { PeerOutput } from './peer-options.ts';

let village: Village;
let writer: Resident;
let holder: Resident;
/** The id of the group. */
let name: string;
/** What the holder sends, with the number of its entries on the disk at that moment. */
let sends: number[];

beforeEach(() => {
  village = new Village(31, {}, cheapCrypto);
  village.bootstrap('well');
  [writer, holder] = [village.edge('writer'), village.edge('holder')];
  for (const each of [writer, holder]) each.join();
  expect(village.world.runUntil(() => writer.friends.includes('holder'), 20_000)).toBe(true);
  village.world.run(5000);
  sends = [];
  ({ name } = holder.group.network);
  const send = holder.datagrams.send.bind(holder.datagrams);
  holder.datagrams.send = (path, bytes) => {
    sends.push(entries().length);
    send(path, bytes);
  };
});

/** What the holder's disk has of the group. */
function entries(): readonly ShelfEntry[] {
  return holder.disk.shelf(name).load('', 1000) as readonly ShelfEntry[];
}

/** Has the participant ask for these next. */
function ask(resident: Resident, ...outputs: PeerOutput[]): void {
  const poll = resident.peer.poll.bind(resident.peer);
  resident.peer.poll = () => outputs.shift() ?? poll();
  resident.driver.act(() => {});
  resident.peer.poll = poll;
}

describe('the shelves of a participant', () => {
  test('have what is to be kept before anything leaves that was asked for later', () => {
    const [network, path] = [name, 'udp/203.0.113.99:1'];
    const keep = (slot: string) => ({ kind: 'keep', network, slot, bytes: Uint8Array.of(1) }) as const;
    const send = { kind: 'send', path, bytes: Uint8Array.of(1) } as const;
    const before = entries().length;
    ask(holder, send, keep('a'), keep('b'), send, send, { kind: 'drop', network, slot: 'a' }, send, keep('c'));
    expect(sends.slice(0, 4).map(count => count - before)).toEqual([0, 2, 2, 1]);
    expect(entries().length - before).toBe(2);
  });

  test('have a record before its holder acknowledges it', () => {
    let order: string[] = [];
    const drains: string[][] = [];
    const poll = holder.peer.poll.bind(holder.peer);
    holder.peer.poll = () => {
      const out = poll();
      if (out !== undefined) order.push(out.kind);
      else if (order.includes('keep')) drains.push(order);
      if (out === undefined) order = [];
      return out;
    };
    const o = { kind: RecordKind.MAILBOX, key: new Uint8Array(20).fill(7), value: utf8('x'), lifetimeS: 600 };
    writer.driver.act(now => writer.group.network.dht.put(o, now));
    village.world.run(2000);
    const withAnswer = drains.filter(kinds => kinds.includes('send'));
    expect(withAnswer.length).toBeGreaterThan(0);
    for (const kinds of withAnswer) expect(kinds.indexOf('keep')).toBeLessThan(kinds.indexOf('send'));
  });

  test('faults #38 are filled anew with all that is in memory when the disk has lost them', () => {
    const o = { kind: RecordKind.MAILBOX, key: new Uint8Array(20).fill(7), value: utf8('x'), lifetimeS: 600 };
    writer.driver.act(now => writer.group.network.dht.put(o, now));
    village.world.run(2000);
    const before = entries().map(({ slot }) => slot);
    expect(before.length).toBeGreaterThan(1);
    const shelf = holder.disk.shelf(name);
    const write = vi.spyOn(Object.getPrototypeOf(shelf), 'write').mockImplementationOnce(() => {
      shelf.clear();
      throw Object.assign(new Error('It was damaged.'), { code: 'damaged' });
    });
    ask(holder, { kind: 'keep', network: name, slot: 'a', bytes: Uint8Array.of(1) });
    expect([holder.driver.shelves.view(name)?.state, entries()]).toEqual(['off', []]);
    write.mockRestore();
    village.world.run(32_000);
    expect(holder.driver.shelves.view(name)?.state).toBe('on');
    expect(entries().map(({ slot }) => slot)).toEqual(expect.arrayContaining([...before, 'a']));
  });

  test('keep nothing of a group that was left for good, and lose nothing when a participant stops', () => {
    const o = { kind: RecordKind.MAILBOX, key: new Uint8Array(20).fill(7), value: utf8('x'), lifetimeS: 600 };
    writer.driver.act(now => writer.group.network.dht.put(o, now));
    village.world.run(2000);
    const before = entries().length;
    expect(before).toBeGreaterThan(0);
    holder.leave();
    expect(entries()).toHaveLength(before);
    const again = village.restart(holder);
    again.join();
    again.driver.shelves.remove(name, true);
    expect(entries()).toEqual([]);
  });
});

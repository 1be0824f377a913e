/**
 * The part of the host contract about shelves: what was written is there for
 * the next host, in order of slots, page by page. How a killed process or a
 * full disk fares is a matter of each host's own tests.
 */
import type { Host, Shelf, ShelfEntry } from '@warren/peer';
import type { HostPromise } from './host-contract.ts';
import { check, checkBytes, pattern } from './host-contract-tools.ts';

/** All promises about shelves. */
export const shelfContract: readonly HostPromise[] = [
  withShelf('an empty shelf gives nothing', async shelf => {
    check((await shelf.load('', 10)).length === 0, 'a fresh shelf has entries');
    await shelf.write([]);
    await shelf.write([{ slot: 'never-there', bytes: undefined }]);
    check((await shelf.load('', 10)).length === 0, 'nothing was written, and entries are there');
  }),
  withShelf('entries come back as they were, and owe nothing to the caller', async shelf => {
    const bytes = pattern(700);
    // A view into a larger buffer, as records out of a datagram are.
    await shelf.write([
      { slot: 'a', bytes: bytes.subarray(100, 600) },
      { slot: 'b', bytes: new Uint8Array(0) },
    ]);
    bytes.fill(0);
    const [a, b] = await shelf.load('', 10);
    checkBytes(a?.bytes, pattern(500, 100), 'the entry');
    a?.bytes.fill(0);
    checkBytes((await shelf.load('', 1))[0]?.bytes, pattern(500, 100), 'the entry, read again');
    checkBytes(b?.bytes, new Uint8Array(0), 'an empty entry');
  }),
  withShelf('entries come in order of slots, page by page, each once', async shelf => {
    const slots = Array.from({ length: 100 }, (_, i) => `${'zAa-0/9'.at(i % 7)}${i}${'x'.repeat(i)}`);
    await shelf.write(slots.map((slot, i) => ({ slot, bytes: Uint8Array.of(i) })));
    const all: ShelfEntry[] = [];
    for (let page: readonly ShelfEntry[] = []; ; ) {
      page = await shelf.load(all.at(-1)?.slot ?? '', 7);
      all.push(...page);
      if (page.length < 7) break;
    }
    check(all.map(({ slot }) => slot).join() === [...slots].sort().join(), 'the slots differ');
    check(
      all.every(({ slot, bytes }) => slots[bytes[0] as number] === slot),
      'bytes are in wrong slots',
    );
  }),
  withShelf('a later change of a slot replaces the earlier one, also within one write', async shelf => {
    await shelf.write([
      { slot: 'a', bytes: pattern(3) },
      { slot: 'b', bytes: pattern(3) },
    ]);
    await shelf.write([
      { slot: 'a', bytes: pattern(4) },
      { slot: 'a', bytes: pattern(5) },
      { slot: 'b', bytes: undefined },
      { slot: 'c', bytes: pattern(6) },
      { slot: 'c', bytes: undefined },
    ]);
    const left = await shelf.load('', 10);
    check(left.map(({ slot, bytes }) => `${slot}${bytes.length}`).join() === 'a5', 'the wrong changes hold');
  }),
  withShelf('writes take effect in their order without being waited for', async shelf => {
    const writes = Array.from({ length: 20 }, (_, i) => shelf.write([{ slot: 'order', bytes: Uint8Array.of(i) }]));
    await Promise.all(writes);
    checkBytes((await shelf.load('', 2))[0]?.bytes, Uint8Array.of(19), 'the last of twenty writes');
  }),
  withShelf('entries of the largest size and slots of the largest length fit', async shelf => {
    const slot = 'm'.repeat(128);
    await shelf.write([{ slot, bytes: pattern(16_384) }]);
    const [entry] = await shelf.load('', 2);
    check(entry?.slot === slot, 'the slot differs');
    checkBytes(entry?.bytes, pattern(16_384), 'a large entry');
  }),
  {
    name: 'shelves outlive the host, and know only their own entries',
    run: async make => {
      const first = await make();
      const [one, other] = [await open(first, 'contract-one'), await open(first, 'contract-other')];
      await one.write([{ slot: 'a', bytes: pattern(64) }]);
      check((await other.load('', 1)).length === 0, 'another shelf has the entry');
      for (const shelf of [one, other]) shelf.close();
      await first.datagrams.stop();
      const second = await make();
      const again = await open(second, 'contract-one');
      try {
        checkBytes((await again.load('', 2))[0]?.bytes, pattern(64), 'the entry after a restart');
        await again.clear();
        check((await again.load('', 2)).length === 0, 'the shelf was cleared');
      } finally {
        again.close();
        await second.datagrams.stop();
      }
    },
  },
];

function withShelf(name: string, keep: (shelf: Shelf) => Promise<void>): HostPromise {
  return {
    name: `shelf: ${name}`,
    run: async make => {
      const host = await make();
      const shelf = await open(host, 'contract');
      try {
        await shelf.clear();
        await keep(shelf);
      } finally {
        shelf.close();
        await host.datagrams.stop();
      }
    },
  };
}

async function open(host: Host, name: string): Promise<Shelf> {
  const shelf = await host.shelf?.(name);
  check(shelf !== undefined, 'the host has no shelves');
  return shelf;
}

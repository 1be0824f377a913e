/**
 * What one peer sees of the ring: payloads of PEEK, which asks, and of PEEKED.
 * A crawl puts the answers together. Source: P2 6.2.
 *
 * ```text
 * peek    zeros 16 (so that no answer exceeds three times its question)
 * peeked  host kind 1 | flags 1 (bit 0: resting) | links 2 | records 4 | successors 1 (0-3) | predecessors 1 (0-3) | ids 20 each
 * ```
 */
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { HOST_KINDS, type WireHostKind } from './member-card.ts';
import { Reader, Writer } from './reader.ts';

/** Bytes of a question. */
export const PEEK_BYTES = 16;
/** Ids on each side. */
export const PEEKED_PER_SIDE_MAX = 3;

/** A peer's own view. */
export interface Peeked {
  readonly hostKind: WireHostKind;
  readonly isResting: boolean;
  /** At most 65,535. */
  readonly links: number;
  /** Records held. */
  readonly records: number;
  /** Whom it is linked to clockwise, nearest first; at most 3. */
  readonly successors: readonly PeerId[];
  /** The same the other way round. */
  readonly predecessors: readonly PeerId[];
}

/** Encodes 10 bytes and 20 for each id: at most 130. */
export function encodePeeked(m: Peeked): Uint8Array {
  const w = new Writer(130).u8(HOST_KINDS.indexOf(m.hostKind)).u8(m.isResting ? 1 : 0);
  w.u16(Math.min(m.links, 0xffff)).u32(Math.min(m.records, 0xffff_ffff));
  w.u8(m.successors.length).u8(m.predecessors.length);
  for (const id of [...m.successors, ...m.predecessors]) w.put(id);
  return w.done();
}

/** Reads a view; what follows is ignored. `undefined` when cut, for more than 3 ids on a side or an unknown kind of host. */
export function decodePeeked(bytes: Uint8Array): Peeked | undefined {
  const r = new Reader(bytes);
  const hostKind = HOST_KINDS[r.u8()];
  const isResting = (r.u8() & 1) !== 0;
  const [links, records, after, before] = [r.u16(), r.u32(), r.u8(), r.u8()];
  if (hostKind === undefined || after > PEEKED_PER_SIDE_MAX || before > PEEKED_PER_SIDE_MAX) return undefined;
  const successors = ids(r, after);
  const predecessors = ids(r, before);
  return r.failed ? undefined : { hostKind, isResting, links, records, successors, predecessors };
}

function ids(r: Reader, count: number): PeerId[] {
  return Array.from({ length: count }, () => r.take(PEER_ID_BYTES));
}

/**
 * A question to all peers of an arc, and their answers added up on the way
 * back. Payloads of GATHER and GATHERED between neighbours. Sums are what
 * peers say of themselves: nobody vouches for them. Source: P2 (MapReduce over
 * the bounded broadcast), overlay.md.
 *
 * ```text
 * gather    token 8 | origin 20 | arc end 20 | hops 1 | wait 2 (ms)                                   = 51
 * gathered  token 8 | peers 4 | consistent 4 | links 4 | records 4 | browsers 4 | unanswered 4 | depth 1 = 33
 * ```
 */
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';

/** Bytes of the random name of a census. */
export const CENSUS_TOKEN_BYTES = 8;
/** Hops that a census makes at most. */
export const CENSUS_HOPS_MAX = 32;

/** Count yourself and all peers between you and `end`, clockwise. */
export interface Gather {
  /** 8 bytes, random. */
  readonly token: Uint8Array;
  /** Who started it, on the word of the neighbour. */
  readonly origin: PeerId;
  readonly end: PeerId;
  /** Hops from the origin to the receiver: 1 to 32. */
  readonly hops: number;
  /** How long the asker waits: at most 65,535 ms. */
  readonly waitMs: number;
}

/** What the peers of an arc are, each counting itself; numbers of 32 bits. */
export interface CensusSum {
  readonly peers: number;
  /** Linked to the nearest peers on both sides that they know of. */
  readonly consistent: number;
  /** Ends of links. */
  readonly links: number;
  readonly records: number;
  readonly browsers: number;
  /** Parts of the arc from which nothing came in time. */
  readonly unanswered: number;
  /** Hops to the farthest peer of the arc, from the answering one: at most 255. */
  readonly depth: number;
}

/** The sums of one arc. */
export interface Gathered {
  readonly token: Uint8Array;
  readonly sum: CensusSum;
}

/** Encodes 51 bytes. */
export function encodeGather(m: Gather): Uint8Array {
  return new Writer(51).put(m.token).put(m.origin).put(m.end).u8(m.hops).u16(m.waitMs).done();
}

/** Reads 51 bytes; what follows is ignored. `undefined` when cut, or for no hops or more than 32. */
export function decodeGather(bytes: Uint8Array): Gather | undefined {
  const r = new Reader(bytes);
  const token = r.take(CENSUS_TOKEN_BYTES);
  const m = { token, origin: r.take(PEER_ID_BYTES), end: r.take(PEER_ID_BYTES), hops: r.u8(), waitMs: r.u16() };
  if (m.hops < 1 || m.hops > CENSUS_HOPS_MAX) r.fail();
  return r.failed ? undefined : m;
}

/** Encodes 33 bytes. */
export function encodeGathered({ token, sum }: Gathered): Uint8Array {
  const w = new Writer(33).put(token);
  for (const n of [sum.peers, sum.consistent, sum.links, sum.records, sum.browsers, sum.unanswered]) w.u32(n);
  return w.u8(sum.depth).done();
}

/** Reads 33 bytes; what follows is ignored. `undefined` when cut, or where a part is more than the whole. */
export function decodeGathered(bytes: Uint8Array): Gathered | undefined {
  const r = new Reader(bytes);
  const token = r.take(CENSUS_TOKEN_BYTES);
  const [peers, consistent, links, records, browsers] = [r.u32(), r.u32(), r.u32(), r.u32(), r.u32()];
  const sum = { peers, consistent, links, records, browsers, unanswered: r.u32(), depth: r.u8() };
  if (consistent > peers || browsers > peers || sum.depth > CENSUS_HOPS_MAX) r.fail();
  return r.failed ? undefined : { token, sum };
}

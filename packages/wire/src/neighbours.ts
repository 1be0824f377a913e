/**
 * What neighbours tell each other about their links: the payload of NEIGHBOURS.
 * A list on change; in between only a digest of it, so that a settled ring costs
 * little; and the question for the list, by whoever finds that it holds another.
 *
 * ```text
 * list    0 count 1 (0 to 64) | 1 ids 20 each
 * digest  0 0xff 1 | 1 digest of the list's bytes 4 (FNV-1a: against loss, not against lies)
 * ask     0 0xfe 1
 * ```
 */
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { decodePeerIds, encodePeerIds } from './overlay-datagram.ts';
import { Reader, Writer } from './reader.ts';

/** What one neighbour tells another. */
export type NeighboursMessage =
  | { readonly kind: 'list'; readonly ids: readonly PeerId[] }
  | { readonly kind: 'digest'; readonly digest: number }
  | { readonly kind: 'ask' };

const DIGEST = 0xff;
const ASK = 0xfe;

/** Encodes 1 to 1,281 bytes. */
export function encodeNeighbours(m: NeighboursMessage): Uint8Array {
  switch (m.kind) {
    case 'list':
      return encodePeerIds(m.ids);
    case 'digest':
      return new Writer(5).u8(DIGEST).u32(m.digest).done();
    case 'ask':
      return Uint8Array.of(ASK);
  }
}

/** Reads what a neighbour tells; what follows is ignored. `undefined` when cut, and for more than 64 ids. */
export function decodeNeighbours(bytes: Uint8Array): NeighboursMessage | undefined {
  const r = new Reader(bytes);
  const first = r.u8();
  if (r.failed) return undefined;
  if (first === ASK) return { kind: 'ask' };
  if (first === DIGEST) {
    const digest = r.u32();
    return r.failed ? undefined : { kind: 'digest', digest };
  }
  const ids = decodePeerIds(bytes);
  return ids && { kind: 'list', ids };
}

/** The digest of an encoded list, 32 bits: FNV-1a over its bytes, without what may follow them. */
export function listDigest(list: Uint8Array): number {
  const end = Math.min(list.length, 1 + (list[0] ?? 0) * PEER_ID_BYTES);
  let digest = 0x811c9dc5;
  for (let i = 0; i < end; i++) digest = Math.imul(digest ^ (list[i] as number), 0x01000193);
  return digest >>> 0;
}

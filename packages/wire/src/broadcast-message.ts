/**
 * What neighbours say to each other about a broadcast: hand it on with an arc
 * of the ring to answer for, tell which ones are here, ask for those that are
 * missing. Payload of BROADCAST (`overlay-datagram.ts`); who may start one and
 * who believes it is not decided here. Source: P1 III-B.2.
 *
 * ```text
 * part  1 | arc end 20 | content, 1 to 1,000    yours are all peers between you and the end, clockwise
 * have  2 | count 1 (1-16) | digests 8 each     these are here
 * want  3 | count 1 (1-16) | digests 8 each     send me these, for nobody but me
 * ```
 */
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';

/** Largest content, so that it crosses a link in one datagram, also on a carried path. */
export const BROADCAST_MAX_BYTES = 1000;
/** How many digests one message may name. */
export const DIGESTS_MAX = 16;
/** Bytes of what names a content. */
export const DIGEST_BYTES = 8;

/** A part of a broadcast, what is here, or what is wanted. */
export type BroadcastMessage =
  | { readonly kind: 'part'; readonly end: PeerId; readonly content: Uint8Array }
  | { readonly kind: 'have' | 'want'; readonly digests: readonly Uint8Array[] };

const KINDS = { part: 1, have: 2, want: 3 } as const;

/** Encodes 21 bytes and the content, or 2 bytes and 8 for each digest. */
export function encodeBroadcastMessage(m: BroadcastMessage): Uint8Array {
  const w = new Writer(m.kind === 'part' ? 1 + PEER_ID_BYTES + m.content.length : 2 + m.digests.length * DIGEST_BYTES);
  w.u8(KINDS[m.kind]);
  if (m.kind === 'part') return w.put(m.end).put(m.content).done();
  w.u8(m.digests.length);
  for (const digest of m.digests) w.put(digest);
  return w.done();
}

/** Reads a message, a content being all that is left; `undefined` when cut, empty, too long or of another kind. */
export function decodeBroadcastMessage(bytes: Uint8Array): BroadcastMessage | undefined {
  const r = new Reader(bytes);
  const kind = r.u8();
  if (kind === KINDS.part) {
    const end = r.take(PEER_ID_BYTES);
    if (r.left < 1 || r.left > BROADCAST_MAX_BYTES) return undefined;
    const content = r.rest();
    return r.failed ? undefined : { kind: 'part', end, content };
  }
  if (kind !== KINDS.have && kind !== KINDS.want) return undefined;
  const count = r.u8();
  if (count < 1 || count > DIGESTS_MAX) return undefined;
  const digests: Uint8Array[] = [];
  for (let i = 0; i < count; i++) digests.push(r.take(DIGEST_BYTES));
  return r.failed ? undefined : { kind: kind === KINDS.have ? 'have' : 'want', digests };
}

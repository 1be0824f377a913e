/**
 * How members hand the revocation list of their group on, beside what
 * `member-message.ts` has. What is in a list, and who believes it, is `trust`.
 *
 * ```text
 * head    16 | head 78                   there is a list of this head
 * want    17 | sequence 6                mine is of that sequence: send yours if it is newer
 * list    18 | list, 144 to 16,000       the whole, with the CA's signature
 * ```
 */
import { REVOCATION_HEAD_BYTES } from './constants.ts';
import { Reader, Writer } from './reader.ts';

/** Largest list, so that the message stays below 16 KiB also end to end. */
export const REVOCATION_LIST_MAX_BYTES = 16_000;
const LIST_MIN_BYTES = REVOCATION_HEAD_BYTES + 2 + 64;

/** News of the list, a question for it, or the list. */
export type RevocationMessage =
  | { readonly kind: 'head'; readonly head: RevocationHeadFields }
  | { readonly kind: 'want'; readonly sequence: number }
  | { readonly kind: 'list'; readonly list: Uint8Array };

/** A signed head; `signature` is 64 bytes. */
export interface RevocationHeadFields {
  readonly sequence: number;
  readonly signedAt: number;
  readonly signature: Uint8Array;
}

/** Whether this may be one of these messages rather than a `MemberMessage`. */
export function isRevocationMessage(bytes: Uint8Array): boolean {
  return bytes[0] === 16 || bytes[0] === 17 || bytes[0] === 18;
}

/** Encodes 79 or 7 bytes, or one more than the list. */
export function encodeRevocationMessage(m: RevocationMessage): Uint8Array {
  const w = new Writer(REVOCATION_HEAD_BYTES + 1);
  switch (m.kind) {
    case 'head':
      return w.u8(16).u48(m.head.sequence).u64(m.head.signedAt).put(m.head.signature).done();
    case 'want':
      return w.u8(17).u48(m.sequence).done();
    case 'list':
      return w.u8(18).put(m.list).done();
  }
}

/** Reads a message, a list being all that is left; `undefined` when cut, too long or of another kind. */
export function decodeRevocationMessage(bytes: Uint8Array): RevocationMessage | undefined {
  const r = new Reader(bytes);
  switch (r.u8()) {
    case 16: {
      const head = { sequence: r.u48(), signedAt: r.u64(), signature: r.take(64) };
      return r.failed ? undefined : { kind: 'head', head };
    }
    case 17: {
      const sequence = r.u48();
      return r.failed ? undefined : { kind: 'want', sequence };
    }
    case 18:
      if (r.left < LIST_MIN_BYTES || r.left > REVOCATION_LIST_MAX_BYTES) return undefined;
      return { kind: 'list', list: r.rest() };
    default:
      return undefined;
  }
}

/**
 * What members tell each other end to end, beside Ethernet frames.
 *
 * ```text
 * text         1 | id 4 | UTF-8 text, 1 to 1,000 bytes
 * received     2 | id 4
 * ```
 */
import { fromUtf8, utf8 } from '@warren/base';
import { Reader, Writer } from './reader.ts';

/** Longest text in bytes of UTF-8. */
export const TEXT_MAX_BYTES = 1000;

/** A text, or the word that it came. Ids are the writer's choice and pair the two. */
export type MemberMessage =
  | { readonly kind: 'text'; readonly id: number; readonly text: string }
  | { readonly kind: 'received'; readonly id: number };

/** Encodes 5 bytes and the text. */
export function encodeMemberMessage(m: MemberMessage): Uint8Array {
  const w = new Writer(64).u8(m.kind === 'text' ? 1 : 2).u32(m.id);
  return m.kind === 'text' ? w.put(utf8(m.text)).done() : w.done();
}

/** Reads a message, a text being all that is left; `undefined` for an empty, too long or broken text and unknown kinds. */
export function decodeMemberMessage(bytes: Uint8Array): MemberMessage | undefined {
  const r = new Reader(bytes);
  const kind = r.u8();
  const id = r.u32();
  if (r.failed) return undefined;
  if (kind === 2) return { kind: 'received', id };
  if (kind !== 1 || r.left === 0 || r.left > TEXT_MAX_BYTES) return undefined;
  const text = fromUtf8(r.rest());
  return text === undefined ? undefined : { kind: 'text', id, text };
}

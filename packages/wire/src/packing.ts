/**
 * Several datagrams in one message of a data channel, so that a burst costs one
 * SCTP message instead of many. Both hosts, Node and browser, follow the same rule:
 *
 * - a message is one or more items, back to back, and nothing else;
 * - a sender gathers what is sent on one channel within one turn of its event loop, in order, and begins a
 *   new message where the next item would take it beyond 16,384 bytes; a single datagram of up to 16,384
 *   bytes may stand alone in a longer message (16,386 bytes);
 * - a receiver drops a message that is empty, torn or too long, or that holds an empty datagram.
 *
 *  0        2               2+n
 * +--------+---------------+--------+-----
 * |length n| datagram, n   | length | ...     length: unsigned, big-endian, 1 to 16,384
 * +--------+---------------+--------+-----
 */
import { STREAM_PATH_BYTES } from './constants.ts';

/** Bytes before each datagram. */
export const PACKING_OVERHEAD_BYTES = 2;
/** The longest message: one datagram of 16,384 bytes behind its length. */
export const PACKED_MAX_BYTES = STREAM_PATH_BYTES + PACKING_OVERHEAD_BYTES;

/**
 * Packs datagrams into as few messages as the rule above allows, in order.
 * Datagrams that are empty or longer than 16,384 bytes are left out.
 */
export function packDatagrams(datagrams: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let first = 0;
  let length = 0;
  for (const [i, datagram] of datagrams.entries()) {
    const item = itemBytes(datagram);
    if (length > 0 && length + item > STREAM_PATH_BYTES) {
      messages.push(join(datagrams, first, i, length));
      first = i;
      length = 0;
    }
    length += item;
  }
  if (length > 0) messages.push(join(datagrams, first, datagrams.length, length));
  return messages;
}

/** The datagrams of one message, as views into it; `undefined` for a message that no sender makes. */
export function unpackDatagrams(bytes: Uint8Array): Uint8Array[] | undefined {
  if (bytes.length === 0 || bytes.length > PACKED_MAX_BYTES) return undefined;
  const datagrams: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] as number) * 256 + (bytes[at + 1] ?? 0);
    const begin = at + PACKING_OVERHEAD_BYTES;
    if (length === 0 || length > STREAM_PATH_BYTES || begin + length > bytes.length) return undefined;
    datagrams.push(bytes.subarray(begin, begin + length));
    at = begin + length;
  }
  return datagrams;
}

/** What a datagram takes in a message; 0 when it may not travel. */
function itemBytes(datagram: Uint8Array): number {
  return datagram.length === 0 || datagram.length > STREAM_PATH_BYTES ? 0 : datagram.length + PACKING_OVERHEAD_BYTES;
}

function join(datagrams: readonly Uint8Array[], from: number, to: number, length: number): Uint8Array {
  const message = new Uint8Array(length);
  let at = 0;
  for (let i = from; i < to; i++) {
    const datagram = datagrams[i] as Uint8Array;
    if (itemBytes(datagram) === 0) continue;
    message[at] = datagram.length >> 8;
    message[at + 1] = datagram.length & 255;
    message.set(datagram, at + PACKING_OVERHEAD_BYTES);
    at += itemBytes(datagram);
  }
  return message;
}

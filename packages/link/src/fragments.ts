/**
 * Messages larger than a path's datagram, in pieces, between two neighbours:
 * at most 16 KiB, 4 unfinished per neighbour, 5 s (decisions.md "larger
 * messages"). Pieces are authenticated: they arrive inside the session.
 */
import { concat, type Instant } from '@warren/base';
import { FRAGMENTS_MAX, type Fragment, MESSAGE_MAX_BYTES } from '@warren/wire';

const UNFINISHED_MAX = 4;
const UNFINISHED_MS = 5000;

/** Cuts a message into pieces of at most `pieceBytes`; `undefined` when it is too large. */
export function cut(message: Uint8Array, pieceBytes: number, messageId: number): Fragment[] | undefined {
  const count = Math.ceil(message.length / pieceBytes);
  if (message.length > MESSAGE_MAX_BYTES || count > FRAGMENTS_MAX) return undefined;
  return Array.from({ length: count }, (_, index) => ({
    messageId,
    index,
    count,
    piece: message.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  }));
}

interface Unfinished {
  readonly since: Instant;
  readonly pieces: (Uint8Array | undefined)[];
  missing: number;
  bytes: number;
}

/** Puts a neighbour's pieces together. */
export class Reassembly {
  private readonly unfinished = new Map<number, Unfinished>();

  /** Takes a piece; returns the whole message when it was the last one missing. */
  add(fragment: Fragment, now: Instant): Uint8Array | undefined {
    const entry = this.entry(fragment, now);
    if (entry.pieces.length !== fragment.count || entry.pieces[fragment.index] !== undefined) return undefined;
    entry.pieces[fragment.index] = fragment.piece;
    entry.bytes += fragment.piece.length;
    entry.missing--;
    const isTooLarge = entry.bytes > MESSAGE_MAX_BYTES;
    if (entry.missing > 0 && !isTooLarge) return undefined;
    this.unfinished.delete(fragment.messageId);
    return isTooLarge ? undefined : concat(...(entry.pieces as Uint8Array[]));
  }

  private entry({ messageId, count }: Fragment, now: Instant): Unfinished {
    for (const [id, old] of this.unfinished) if (now - old.since > UNFINISHED_MS) this.unfinished.delete(id);
    const known = this.unfinished.get(messageId);
    if (known !== undefined) return known;
    const [oldest] = this.unfinished.keys();
    if (this.unfinished.size >= UNFINISHED_MAX && oldest !== undefined) this.unfinished.delete(oldest);
    const fresh: Unfinished = { since: now, pieces: new Array(count).fill(undefined), missing: count, bytes: 0 };
    this.unfinished.set(messageId, fresh);
    return fresh;
  }
}

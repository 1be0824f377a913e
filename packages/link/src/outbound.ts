/**
 * What leaves on a path of a link: sealed, in pieces where a message does not
 * fit, in two parts where a frame does not (decisions.md "larger messages",
 * "TAP MTU"). Which path is taken is decided elsewhere.
 */
import { concat, type Instant } from '@warren/base';
import type { PathId, Sessions } from '@warren/session';
import { DataFlag, encodeFragment, Inner, PacketType, SEAL_OVERHEAD_BYTES, Writer } from '@warren/wire';
import { cut } from './fragments.ts';
import type { Link } from './link.ts';
import type { Path } from './path.ts';

/** Inner byte, message id 2, index, count: in front of every piece. */
const FRAGMENT_HEADER_BYTES = 5;
/** In front of each part of a frame. */
const PART_ID_BYTES = 4;

export interface OutboundOptions {
  readonly sessions: Pick<Sessions, 'seal'>;
  /** The largest datagram on a path that has not been probed for more. */
  readonly maxBytes: (path: PathId) => number;
  readonly send: (path: PathId, bytes: Uint8Array, now: Instant) => void;
}

/** The sending side of all links of one network. */
export class Outbound {
  /** Messages and frames that could not be sent. */
  dropped = 0;
  private readonly options: OutboundOptions;
  private nextMessageId = 0;

  constructor(options: OutboundOptions) {
    this.options = options;
  }

  /** Sends an inner message; false when it is too large or there is no session. */
  message(link: Link, path: Path, inner: number, payload: Uint8Array, now: Instant): boolean {
    const plaintext = concat(Uint8Array.of(inner), payload);
    const room = this.room(path);
    if (plaintext.length <= room) return this.seal(link, path, PacketType.DATA, 0, plaintext, now);
    this.nextMessageId = (this.nextMessageId + 1) & 0xffff;
    const pieces = cut(plaintext, room - FRAGMENT_HEADER_BYTES, this.nextMessageId) ?? [];
    if (pieces.length === 0) this.dropped++;
    let isSent = pieces.length > 0;
    for (const piece of pieces) {
      const body = concat(Uint8Array.of(Inner.FRAGMENT), encodeFragment(piece));
      isSent = this.seal(link, path, PacketType.DATA, 0, body, now) && isSent;
    }
    return isSent;
  }

  /** Sends a plaintext, inner byte in front, as one datagram or not at all: what lies in it has its own way with sizes. */
  whole(link: Link, path: Path, plaintext: Uint8Array, now: Instant): boolean {
    if (plaintext.length <= this.room(path)) return this.seal(link, path, PacketType.DATA, 0, plaintext, now);
    this.dropped++;
    return false;
  }

  /** Sends an inner message filled up with zeros to a datagram of exactly `bytes`, larger than it would be. */
  filled(link: Link, path: Path, inner: number, payload: Uint8Array, bytes: number, now: Instant): boolean {
    const plaintext = new Uint8Array(bytes - SEAL_OVERHEAD_BYTES);
    plaintext[0] = inner;
    plaintext.set(payload, 1);
    return this.seal(link, path, PacketType.DATA, 0, plaintext, now);
  }

  /** Sends an Ethernet frame; false when it is too large or there is no session. */
  frame(link: Link, path: Path, frame: Uint8Array, now: Instant): boolean {
    const room = this.room(path);
    if (frame.length <= room) return this.seal(link, path, PacketType.FRAME, 0, frame, now);
    const half = Math.ceil(frame.length / 2);
    if (half + PART_ID_BYTES > room) {
      this.dropped++;
      return false;
    }
    const partId = link.takePartId();
    const part = (piece: Uint8Array) => new Writer(PART_ID_BYTES + piece.length).u32(partId).put(piece).done();
    const [first, second] = [part(frame.subarray(0, half)), part(frame.subarray(half))];
    return (
      this.seal(link, path, PacketType.FRAME, DataFlag.FIRST_PART, first, now) &&
      this.seal(link, path, PacketType.FRAME, DataFlag.SECOND_PART, second, now)
    );
  }

  /** The largest plaintext that a path takes. */
  private room(path: Path): number {
    return path.maxBytes(this.options.maxBytes(path.id)) - SEAL_OVERHEAD_BYTES;
  }

  private seal(link: Link, path: Path, type: number, flags: number, plaintext: Uint8Array, now: Instant): boolean {
    if (!path.maySend(plaintext.length + SEAL_OVERHEAD_BYTES)) return false;
    const bytes = this.options.sessions.seal(link.peer, type, flags, plaintext, now);
    if (bytes === undefined) {
      this.dropped++;
      return false;
    }
    path.sent(bytes.length, now);
    link.deadline.moved();
    link.sentBytes += bytes.length;
    this.options.send(path.id, bytes, now);
    return true;
  }
}

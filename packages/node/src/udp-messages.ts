/**
 * Many datagrams with one system call: the kernel goes through its layers once
 * for all of them, which costs more than anything else on the way of a frame.
 * Sent together are datagrams of equal length to one destination that leave in
 * one turn of the event loop (UDP_SEGMENT); what the kernel gathered itself
 * (UDP_GRO) is taken apart. Where it does neither, each goes alone.
 * Layouts: recvmsg(2), cmsg(3), udp(7) on 64 bits, little-endian.
 */
import { Slab } from '@warren/base';
import { Errno, Flag, type Libc, Option } from './libc.ts';
import { SOCKADDR_IN6_BYTES } from './sockaddr.ts';

/** No message has more bytes: 65,535 less the headers of IP and UDP. */
const MESSAGE_MAX_BYTES = 65_507;
/** The kernel takes so many datagrams at once (UDP_MAX_SEGMENTS of older ones). */
const SEGMENTS_MAX = 64;

/** Offsets in the memory that system calls work on. */
const At = { header: 0, iovec: 64, name: 80, control: 112, end: 176 } as const;
/** Offsets in `struct msghdr`, which has 56 bytes. */
const Header = { name: 0, nameLength: 8, iovec: 16, iovecs: 24, control: 32, controlLength: 40 } as const;
/** Offsets in `struct cmsghdr`. */
const Control = { length: 0, level: 8, type: 12, value: 16 } as const;
const CONTROL_ROOM_BYTES = At.end - At.control;

/** One `struct msghdr` with all that it points to, for as long as a socket lives. */
class Message {
  /** The bytes sent or received. */
  readonly data = new Uint8Array(MESSAGE_MAX_BYTES);
  /** The address, `struct sockaddr`. */
  readonly name: Uint8Array;
  /** Where the `msghdr` lies. */
  readonly address: number;
  private readonly view: DataView;

  constructor(libc: Libc) {
    const memory = new Uint8Array(At.end);
    this.address = libc.address(memory);
    this.name = memory.subarray(At.name, At.name + SOCKADDR_IN6_BYTES);
    this.view = new DataView(memory.buffer);
    this.putPointer(At.header + Header.name, this.address + At.name);
    this.putPointer(At.header + Header.iovec, this.address + At.iovec);
    this.putPointer(At.header + Header.iovecs, 1);
    this.putPointer(At.header + Header.control, this.address + At.control);
    this.putPointer(At.iovec, libc.address(this.data));
  }

  /** Sets how long each part is; the kernel writes what it used in their place. */
  setLengths(nameBytes: number, dataBytes: number, controlBytes: number): void {
    this.view.setUint32(At.header + Header.nameLength, nameBytes, true);
    this.putPointer(At.iovec + 8, dataBytes);
    this.putPointer(At.header + Header.controlLength, controlBytes);
  }

  /** Asks for datagrams of this length. Gives the bytes of the control message. */
  putSegmentBytes(bytes: number): number {
    const [level, type] = Option.UDP_SEGMENT;
    this.putPointer(At.control + Control.length, Control.value + 2);
    this.view.setInt32(At.control + Control.level, level, true);
    this.view.setInt32(At.control + Control.type, type, true);
    this.view.setUint16(At.control + Control.value, bytes, true);
    return Control.value + 8;
  }

  /** The length of the datagrams that the kernel gathered; `undefined` when there is only one. */
  segmentBytes(): number | undefined {
    const { view } = this;
    const [level, type] = Option.UDP_GRO;
    if (view.getUint32(At.header + Header.controlLength, true) < Control.value + 4) return undefined;
    const isOurs =
      view.getInt32(At.control + Control.level, true) === level &&
      view.getInt32(At.control + Control.type, true) === type;
    return isOurs ? view.getInt32(At.control + Control.value, true) : undefined;
  }

  /** Any 64-bit field: numbers beyond 2^53 do not occur. */
  private putPointer(at: number, value: number): void {
    this.view.setUint32(at, value, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }
}

/** Sends the datagrams of one socket. */
export class Outgoing {
  /** Datagrams that the kernel did not take. */
  dropped = 0;
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly message: Message;
  private canSegment: boolean;
  /** The datagrams that wait for the end of this turn: all but the last of them have `segmentBytes`. */
  private to: Uint8Array = new Uint8Array(0);
  private count = 0;
  private usedBytes = 0;
  private segmentBytes = 0;
  private isClosed = false;

  constructor(libc: Libc, fd: number) {
    this.libc = libc;
    this.fd = fd;
    this.message = new Message(libc);
    this.canSegment = libc.setsockopt(fd, ...Option.UDP_SEGMENT, Int32Array.of(0), 4) === 0;
  }

  /** Sends at the end of this turn or before, or drops. `to` is a `struct sockaddr`, which is compared by identity. */
  send(to: Uint8Array, bytes: Uint8Array): void {
    if (this.isClosed) return;
    if (!this.fits(to, bytes.length)) this.flush();
    if (!this.canSegment || bytes.length > MESSAGE_MAX_BYTES) {
      this.sendAlone(to, bytes);
      return;
    }
    if (this.count === 0) {
      this.to = to;
      this.segmentBytes = bytes.length;
      queueMicrotask(() => this.flush());
    }
    this.message.data.set(bytes, this.usedBytes);
    this.usedBytes += bytes.length;
    this.count++;
    if (bytes.length < this.segmentBytes) this.flush();
  }

  /** Sends what waits, and nothing more. */
  close(): void {
    this.flush();
    this.isClosed = true;
  }

  private fits(to: Uint8Array, bytes: number): boolean {
    if (this.count === 0) return true;
    const isLike = to === this.to && bytes <= this.segmentBytes;
    return isLike && this.count < SEGMENTS_MAX && this.usedBytes + bytes <= MESSAGE_MAX_BYTES;
  }

  private flush(): void {
    const { count, usedBytes, segmentBytes, to, message } = this;
    this.count = 0;
    this.usedBytes = 0;
    if (this.isClosed || count === 0) return;
    if (count > 1 && this.sendTogether(count, usedBytes)) return;
    for (let at = 0; at < usedBytes; at += segmentBytes) {
      this.sendAlone(to, message.data.subarray(at, Math.min(at + segmentBytes, usedBytes)));
    }
  }

  /** False when each has to go alone: too long for the way, or for a device that cannot do it at all. */
  private sendTogether(count: number, bytes: number): boolean {
    const { libc, message, to } = this;
    message.name.set(to);
    message.setLengths(to.length, bytes, message.putSegmentBytes(this.segmentBytes));
    while (libc.sendmsg(this.fd, message.address, Flag.MSG_DONTWAIT) < 0) {
      const errno = libc.errno();
      if (errno === Errno.EINTR) continue;
      if (errno === Errno.EIO) this.canSegment = false;
      if (errno !== Errno.EAGAIN && errno !== Errno.ENOBUFS) return false;
      this.dropped += count;
      return true;
    }
    return true;
  }

  private sendAlone(to: Uint8Array, bytes: Uint8Array): void {
    const { libc } = this;
    while (libc.sendto(this.fd, bytes, bytes.length, Flag.MSG_DONTWAIT, to, to.length) < 0) {
      // Full queues (EAGAIN, ENOBUFS), too long for the way (EMSGSIZE), no way (ENETUNREACH), a firewall (EPERM).
      if (libc.errno() === Errno.EINTR) continue;
      this.dropped++;
      return;
    }
  }
}

/** Receives the datagrams of one socket. */
export class Incoming {
  /** From where the last ones came, `struct sockaddr`. */
  readonly from: Uint8Array;
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly message: Message;
  private readonly slab = new Slab();

  constructor(libc: Libc, fd: number) {
    this.libc = libc;
    this.fd = fd;
    this.message = new Message(libc);
    this.from = this.message.name;
    libc.setsockopt(fd, ...Option.UDP_GRO, Int32Array.of(1), 4);
  }

  /** The next datagrams, all of one sender and the caller's own; one may be empty. `undefined` when none is there. */
  receive(): Uint8Array[] | undefined {
    const { libc, message } = this;
    let length: number;
    do {
      message.setLengths(SOCKADDR_IN6_BYTES, MESSAGE_MAX_BYTES, CONTROL_ROOM_BYTES);
      length = libc.recvmsg(this.fd, message.address, Flag.MSG_DONTWAIT);
    } while (length < 0 && libc.errno() === Errno.EINTR);
    if (length < 0) return undefined;
    const segmentBytes = Math.max(1, message.segmentBytes() ?? length);
    const datagrams: Uint8Array[] = [];
    for (let at = 0; at < length || datagrams.length === 0; at += segmentBytes) {
      const bytes = this.slab.take(Math.min(segmentBytes, length - at));
      bytes.set(message.data.subarray(at, at + bytes.length));
      datagrams.push(bytes);
    }
    return datagrams;
  }
}

/**
 * A UDP socket for each IP family, by system calls: non-blocking, waited for
 * with libuv's poll, large buffers, never fragmented. What cannot be sent at
 * once is dropped and counted. Not here: what datagrams mean; who may be sent
 * to. `udp-dgram.ts` does the same where the system calls are out of reach.
 */
import type { PathId } from '@warren/peer';
import { errnoName, Family, Flag, type Libc, Option, type PollHandle } from './libc.ts';
import {
  type Endpoint,
  fromSockaddr,
  isLinkLocal,
  parseAddress,
  parseEndpoint,
  printEndpoint,
  SOCKADDR_IN_BYTES,
  SOCKADDR_IN6_BYTES,
  toSockaddr,
} from './sockaddr.ts';
import { surfacing } from './surface.ts';
import { OWN_MARK } from './tunnel/mark.ts';
import { Incoming, Outgoing } from './udp-messages.ts';

/** Where to bind. */
export interface UdpOptions {
  /** An address of this machine; absent or `::`: all, of both families. */
  readonly host?: string;
  /** Absent or 0: the system chooses. */
  readonly port?: number;
}

/** The UDP sockets of a host. */
export interface Udp {
  /** The local endpoints, as bound: `0.0.0.0` and `::` for all addresses. */
  readonly bound: readonly Endpoint[];
  /** Datagrams that could not be sent or were too long, and those received from where nobody can answer. */
  readonly dropped: number;
  /** Sends to a path id of kind `udp/`, or drops. Never throws. */
  send(path: PathId, bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** Takes a received datagram, which it owns, and the path id of its sender. */
export type UdpReceiver = (path: PathId, bytes: Uint8Array) => void;

/** The longest datagram received; longer ones are dropped. Paths never carry more than 1,452 bytes. */
export const RECEIVE_MAX_BYTES = 2_048;
/** Path ids and addresses remembered: senders can be forged, so this is bounded. */
const REMEMBERED_MAX = 4_096;
const SOCKET_BUFFER_BYTES = 4 << 20;
/** Datagrams read from one socket before others get their turn. */
const BUDGET_PER_WAKE = 64;

/** Binds; rejects with a reason when the address is taken or not ours. IPv6 is left out where the machine has none. */
export function openUdp(libc: Libc, options: UdpOptions, receive: UdpReceiver): Udp {
  const sockets: UdpSocket[] = [];
  const port = options.port ?? 0;
  if (options.host !== undefined && options.host !== '::') {
    const address = parseAddress(options.host);
    if (address === undefined) throw new Error(`not an IP address to listen on: ${options.host}`);
    sockets.push(new UdpSocket(libc, { address, port }, receive));
  } else {
    const first = new UdpSocket(libc, { address: new Uint8Array(4), port }, receive);
    sockets.push(first);
    try {
      sockets.push(new UdpSocket(libc, { address: new Uint8Array(16), port: first.bound.port }, receive));
    } catch {
      // No IPv6 here, or its port is taken: IPv4 does.
    }
  }
  return new BothFamilies(sockets);
}

class BothFamilies implements Udp {
  private readonly sockets: readonly UdpSocket[];
  private readonly destinations = new Bounded<PathId, Uint8Array>();
  private unsendable = 0;

  constructor(sockets: readonly UdpSocket[]) {
    this.sockets = sockets;
  }

  get bound(): readonly Endpoint[] {
    return this.sockets.map(socket => socket.bound);
  }

  get dropped(): number {
    return this.sockets.reduce((sum, socket) => sum + socket.dropped, this.unsendable);
  }

  send(path: PathId, bytes: Uint8Array): void {
    const destination = this.destinations.get(path) ?? this.resolve(path);
    for (const socket of this.sockets) {
      if (socket.family !== destination?.[0]) continue;
      socket.send(destination, bytes);
      return;
    }
    this.unsendable++;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.close();
  }

  private resolve(path: PathId): Uint8Array | undefined {
    const endpoint = path.startsWith('udp/') ? parseEndpoint(path.slice(4)) : undefined;
    if (endpoint === undefined || isLinkLocal(endpoint.address)) return undefined;
    const sockaddr = toSockaddr(endpoint);
    this.destinations.set(path, sockaddr);
    return sockaddr;
  }
}

class UdpSocket {
  readonly family: number;
  readonly bound: Endpoint;
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly poll: PollHandle;
  private readonly receive: UdpReceiver;
  private readonly senders = new Bounded<string | number, PathId>();
  private readonly outgoing: Outgoing;
  private readonly incoming: Incoming;
  private refused = 0;
  private closed = false;

  constructor(libc: Libc, local: Endpoint, receive: UdpReceiver) {
    this.libc = libc;
    this.receive = receive;
    this.family = local.address.length === 4 ? Family.AF_INET : Family.AF_INET6;
    this.fd = libc.socket(this.family, Family.SOCK_DGRAM | Flag.O_NONBLOCK | Flag.O_CLOEXEC, 0);
    if (this.fd < 0) throw new Error(`no UDP socket (${errnoName(libc.errno())})`);
    try {
      this.setOptions();
      this.bound = this.bind(local);
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
    this.outgoing = new Outgoing(libc, this.fd);
    this.incoming = new Incoming(libc, this.fd);
    this.poll = libc.poll(
      this.fd,
      surfacing(() => this.drain()),
    );
  }

  get dropped(): number {
    return this.refused + this.outgoing.dropped;
  }

  send(to: Uint8Array, bytes: Uint8Array): void {
    this.outgoing.send(to, bytes);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.outgoing.close();
    this.poll.close();
    this.libc.close(this.fd);
  }

  private drain(): void {
    for (let read = 0; read < BUDGET_PER_WAKE && !this.closed; ) {
      const datagrams = this.incoming.receive();
      if (datagrams === undefined) return;
      read += datagrams.length;
      const path = this.sender();
      for (const bytes of datagrams) {
        if (bytes.length === 0 || bytes.length > RECEIVE_MAX_BYTES || path === undefined) this.refused++;
        else if (!this.closed) this.receive(path, bytes);
      }
    }
  }

  /** The path id of the last datagram's sender; `undefined` for link-local senders and port 0. */
  private sender(): PathId | undefined {
    const { from } = this.incoming;
    // IPv4 and its port fit in a number; IPv6 is looked up by its bytes.
    const key =
      this.family === Family.AF_INET
        ? numberAt(from, 2, 6)
        : String.fromCharCode(...from.subarray(2, 4), ...from.subarray(8, 24));
    const known = this.senders.get(key);
    if (known !== undefined) return known;
    const endpoint = fromSockaddr(from);
    if (endpoint.port === 0 || isLinkLocal(endpoint.address)) return undefined;
    const path: PathId = `udp/${printEndpoint(endpoint)}`;
    this.senders.set(key, path);
    return path;
  }

  private setOptions(): void {
    const isIpv4 = this.family === Family.AF_INET;
    if (!this.set(Option.SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES)) this.set(Option.SO_RCVBUF, SOCKET_BUFFER_BYTES);
    if (!this.set(Option.SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES)) this.set(Option.SO_SNDBUF, SOCKET_BUFFER_BYTES);
    this.set(isIpv4 ? Option.IP_MTU_DISCOVER : Option.IPV6_MTU_DISCOVER, 3);
    if (!isIpv4) this.set(Option.IPV6_V6ONLY, 1);
    // Lest the tunnel run through itself; fails where we may not make one.
    this.set(Option.SO_MARK, OWN_MARK);
  }

  private set([level, name]: readonly [number, number], value: number): boolean {
    return this.libc.setsockopt(this.fd, level, name, Int32Array.of(value), 4) === 0;
  }

  private bind(local: Endpoint): Endpoint {
    const { libc } = this;
    const address = toSockaddr(local);
    if (libc.bind(this.fd, address, address.length) !== 0) throw bindError(local, libc.errno());
    const bound = new Uint8Array(SOCKADDR_IN6_BYTES);
    const length = Int32Array.of(this.family === Family.AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
    libc.getsockname(this.fd, bound, length);
    return fromSockaddr(bound);
  }
}

/** Why a bind failed, and what to do. */
export function bindError(local: Endpoint, errno: number): Error {
  const where = `UDP ${printEndpoint(local)}`;
  const code = errnoName(errno);
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: `${where} is in use: stop the other program, or choose another port.`,
    EADDRNOTAVAIL: `${where} is not an address of this machine: choose one that \`ip address\` lists.`,
    EACCES: `No permission for ${where}: choose a port from 1024 up, or run as root.`,
  };
  return Object.assign(new Error(why[code] ?? `${where} cannot be opened (${code}).`), { code });
}

function numberAt(bytes: Uint8Array, from: number, length: number): number {
  let value = 0;
  for (let i = from; i < from + length; i++) value = value * 256 + (bytes[i] as number);
  return value;
}

/** A map that forgets its oldest entries. */
class Bounded<K, V> {
  private readonly entries = new Map<K, V>();

  get(key: K): V | undefined {
    return this.entries.get(key);
  }

  set(key: K, value: V): void {
    if (this.entries.size >= REMEMBERED_MAX) {
      const oldest = this.entries.keys().next();
      if (!oldest.done) this.entries.delete(oldest.value);
    }
    this.entries.set(key, value);
  }
}

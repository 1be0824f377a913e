/**
 * UDP through Node's own sockets: slower, with ordinary buffers and fragments,
 * for systems where the calls of `libc.ts` are out of reach.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { PathId } from '@warren/peer';
import { type Endpoint, isLinkLocal, parseAddress, parseEndpoint, printEndpoint } from './sockaddr.ts';
import { RECEIVE_MAX_BYTES, type Udp, type UdpOptions, type UdpReceiver } from './udp.ts';

/** Binds; rejects with a reason when the address is taken or not ours. IPv6 is left out where the machine has none. */
export async function openDgramUdp(options: UdpOptions, receive: UdpReceiver): Promise<Udp> {
  const udp = new DgramUdp(receive);
  const port = options.port ?? 0;
  if (options.host !== undefined && options.host !== '::') {
    await udp.bind(options.host, port);
  } else {
    const bound = await udp.bind('0.0.0.0', port);
    await udp.bind('::', bound.port).catch(() => undefined);
  }
  return udp;
}

class DgramUdp implements Udp {
  readonly bound: Endpoint[] = [];
  dropped = 0;
  private readonly sockets = new Map<4 | 16, Socket>();
  private readonly receive: UdpReceiver;
  private closed = false;

  constructor(receive: UdpReceiver) {
    this.receive = receive;
  }

  async bind(host: string, port: number): Promise<Endpoint> {
    const address = parseAddress(host);
    if (address === undefined) throw new Error(`not an IP address to listen on: ${host}`);
    const isIpv4 = address.length === 4;
    const socket = createSocket(isIpv4 ? { type: 'udp4' } : { type: 'udp6', ipv6Only: true });
    socket.bind({ port, address: host, exclusive: true });
    try {
      await once(socket, 'listening');
    } catch (cause) {
      socket.close();
      throw new Error(`UDP ${printEndpoint({ address, port })} cannot be opened: choose another address or port.`, {
        cause,
      });
    }
    socket.on('error', () => this.dropped++);
    socket.on('message', (message, from) => this.take(message, from.address, from.port));
    this.sockets.set(isIpv4 ? 4 : 16, socket);
    const endpoint = { address, port: socket.address().port };
    this.bound.push(endpoint);
    return endpoint;
  }

  send(path: PathId, bytes: Uint8Array): void {
    const endpoint = path.startsWith('udp/') ? parseEndpoint(path.slice(4)) : undefined;
    const socket = endpoint && this.sockets.get(endpoint.address.length === 4 ? 4 : 16);
    if (endpoint === undefined || socket === undefined || this.closed || isLinkLocal(endpoint.address)) {
      this.dropped++;
      return;
    }
    const host = path.slice(4, path.lastIndexOf(':')).replace(/[[\]]/g, '');
    socket.send(bytes, endpoint.port, host, error => {
      if (error !== null) this.dropped++;
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all([...this.sockets.values()].map(socket => new Promise<void>(done => socket.close(() => done()))));
  }

  private take(message: Buffer, host: string, port: number): void {
    const address = parseAddress(host);
    if (this.closed) return;
    if (address === undefined || isLinkLocal(address) || message.length === 0 || message.length > RECEIVE_MAX_BYTES) {
      this.dropped++;
      return;
    }
    this.receive(`udp/${printEndpoint({ address, port })}`, Uint8Array.from(message));
  }
}

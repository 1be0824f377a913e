/**
 * WebSockets as paths, dialled or accepted: one datagram is one binary message,
 * uncompressed. A ping every 20 s finds the other side dead within 40 s, and
 * keeps NATs and proxies from forgetting the connection.
 */

import { BUFFERED_MAX_BYTES, type Way, type WayEvents } from '@warren/peer';
import { STREAM_PATH_BYTES } from '@warren/wire';
import { type ClientOptions, WebSocket } from 'ws';
import { connectPinned } from './pinned.ts';
import { plain } from './plain.ts';

/** Longer messages end the connection. A server that accepts WebSockets for us must set the same `maxPayload`. */
export const WEBSOCKET_MESSAGE_MAX_BYTES = 65_536;
const PING_MS = 20_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Status codes of RFC 6455 section 7.4.1. */
const NORMAL = 1000;
const UNSUPPORTED_DATA = 1003;

/** Dials `ws://` or `wss://`; redirects are not followed. With a `pin`, the server is known by its TLS key alone. */
export function dialWebSocket(url: string, events: WayEvents, pin?: string): Way {
  let socket: WebSocket;
  try {
    socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: WEBSOCKET_MESSAGE_MAX_BYTES,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ...(pin === undefined ? {} : { createConnection: pinned(url, pin) }),
    });
  } catch {
    const failed = Promise.resolve().then(() => events.failed('not a WebSocket address'));
    return { send: () => events.dropped(), close: () => {}, over: failed };
  }
  return new WebSocketWay(socket, events);
}

function pinned(url: string, pin: string): NonNullable<ClientOptions['createConnection']> {
  const { hostname, port } = new URL(url);
  return () => connectPinned(hostname, Number(port || 443), pin);
}

/** Takes over an open WebSocket of a server made with `perMessageDeflate: false` and our `maxPayload`. */
export function adoptWebSocket(socket: WebSocket, events: WayEvents): Way {
  return new WebSocketWay(socket, events);
}

class WebSocketWay implements Way {
  readonly over: Promise<void>;
  private readonly socket: WebSocket;
  private readonly events: WayEvents;
  private state: 'opening' | 'open' | 'closed' = 'opening';
  private failure = 'the connection was closed before it was open';
  private alive = true;
  private pinger: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, events: WayEvents) {
    this.socket = socket;
    this.events = events;
    socket.binaryType = 'nodebuffer';
    socket.on('error', error => {
      this.failure = error.message;
    });
    socket.on('message', (data, isBinary) => this.receive(data as Buffer, isBinary));
    socket.on('pong', () => {
      this.alive = true;
    });
    this.over = new Promise(resolve => {
      socket.on('close', () => {
        this.end();
        resolve();
      });
    });
    if (socket.readyState === WebSocket.OPEN) queueMicrotask(() => this.open());
    else socket.on('open', () => this.open());
  }

  send(bytes: Uint8Array): void {
    if (this.state === 'open' && this.socket.bufferedAmount <= BUFFERED_MAX_BYTES) {
      this.socket.send(bytes, { binary: true, compress: false }, ignore);
    } else this.events.dropped();
  }

  /** The closing handshake gets no time: links say goodbye by themselves before. */
  close(): void {
    if (this.state === 'open') this.socket.close(NORMAL);
    if (this.state === 'opening') this.failure = 'closed by us';
    setImmediate(() => this.socket.terminate());
  }

  private open(): void {
    if (this.state !== 'opening' || this.socket.readyState !== WebSocket.OPEN) return;
    this.state = 'open';
    this.pinger = setInterval(() => this.ping(), PING_MS);
    this.events.up(new Uint8Array(0));
  }

  private receive(data: Buffer, isBinary: boolean): void {
    this.alive = true;
    // A message can be here before the microtask that opens an adopted socket.
    this.open();
    if (this.state !== 'open') return;
    if (!isBinary) this.socket.close(UNSUPPORTED_DATA);
    if (isBinary && data.length > 0 && data.length <= STREAM_PATH_BYTES) this.events.datagram(plain(data));
    else this.events.dropped();
  }

  private ping(): void {
    if (!this.alive) {
      this.socket.terminate();
      return;
    }
    this.alive = false;
    this.socket.ping(undefined, undefined, ignore);
  }

  private end(): void {
    if (this.state === 'closed') return;
    const failed = this.state === 'opening';
    this.state = 'closed';
    clearInterval(this.pinger);
    if (failed) this.events.failed(this.failure);
    else this.events.down();
  }
}

/** Errors of single messages show as the close of the socket. */
function ignore(): void {}

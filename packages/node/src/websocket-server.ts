/**
 * Listens for WebSockets of members whose networks block UDP: TLS with a key of
 * our own, which members are told inside their sessions with us. TLS, although
 * the session seals everything already, because many networks let nothing else
 * through on such ports; a certificate of an authority would take a name.
 */
import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { TlsIdentity } from './tls.ts';
import { WEBSOCKET_MESSAGE_MAX_BYTES } from './websocket.ts';

/** Where members ask. */
const PATH = '/warren';
/** TCP connections at once, of whatever kind. */
const CONNECTIONS_MAX = 2_048;
/** How long somebody may take over TLS and over the request. */
const PATIENCE_MS = 10_000;
const HEADER_MAX_BYTES = 4_096;

/** Takes an open WebSocket and the IP address that it came from; false when it is one too many. */
export type Accept = (socket: WebSocket, remote: string | undefined) => boolean;

/** A port where members can open WebSockets. */
export class MemberServer {
  readonly port: number;
  /** base64url SHA-256 of the key's SPKI. */
  readonly pin: string;
  private readonly server: Server;
  private readonly sockets: WebSocketServer;

  private constructor(server: Server, sockets: WebSocketServer, pin: string) {
    this.server = server;
    this.sockets = sockets;
    this.pin = pin;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Listens on a TCP port of all addresses. Rejects with a sentence when that cannot be. */
  static async open(port: number, tls: TlsIdentity, accept: Accept): Promise<MemberServer> {
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: WEBSOCKET_MESSAGE_MAX_BYTES,
    });
    const server = createServer({
      key: tls.key,
      cert: tls.certificate,
      handshakeTimeout: PATIENCE_MS,
      headersTimeout: PATIENCE_MS,
      requestTimeout: PATIENCE_MS,
      maxHeaderSize: HEADER_MAX_BYTES,
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.on('request', (_request, response) => response.writeHead(404, { connection: 'close' }).end());
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== PATH) return refuse(socket);
      const { remoteAddress } = request.socket;
      sockets.handleUpgrade(request, socket, head, accepted => accept(accepted, remoteAddress));
    });
    try {
      server.listen(port);
      await once(server, 'listening');
    } catch (error) {
      throw new Error(listenError(port, error as NodeJS.ErrnoException));
    }
    // One connection that fails is no reason to stop.
    server.on('error', () => {});
    return new MemberServer(server, sockets, tls.pin);
  }

  /** The URL for members who reach us at `address`, such as `192.0.2.7:443`. */
  url(address: string): string {
    return `wss://${address}${PATH}#${this.pin}`;
  }

  /** Closes the port and what has not become a WebSocket yet. */
  stop(): void {
    this.sockets.close();
    this.server.close();
    this.server.closeAllConnections();
  }
}

function refuse(socket: Duplex): void {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 404 ${STATUS_CODES[404]}\r\nConnection: close\r\n\r\n`);
}

function listenError(port: number, { code }: NodeJS.ErrnoException): string {
  const what = `TCP port ${port} for WebSockets`;
  if (code === 'EADDRINUSE') return `${what} is in use: stop the other program, or choose another port.`;
  if (code === 'EACCES') return `No permission for ${what}: choose a port from 1024 up, or run as root.`;
  return `${what} cannot be opened (${code}).`;
}

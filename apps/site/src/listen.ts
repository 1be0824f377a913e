/**
 * The listening socket, plain or TLS, before and after the application is
 * ready: taken first, so that a taken port is told at once, and closed with all
 * its connections, also those that became WebSockets.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsIdentity } from '@warren/node';
import type { HostPort } from './host-port.ts';

export interface Listening {
  readonly server: Server;
  /** The real port. */
  readonly port: number;
  /** Hands requests to the application from now on; before, they get a 503. Returns the server. */
  readonly answerWith: (listener: RequestListener) => Server;
  /** Ends all connections and frees the port. */
  stop(): Promise<void>;
}

/** Listens. Rejects with the system's error, such as EADDRINUSE. */
export async function listen(at: HostPort, tls: TlsIdentity | undefined): Promise<Listening> {
  let answer: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '2', 'content-type': 'text/plain' }).end('The site is starting.\n');
  };
  const dispatch: RequestListener = (request, response) => answer(request, response);
  const server = tls ? createTlsServer({ key: tls.key, cert: tls.certificate }, dispatch) : createServer(dispatch);
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  const sockets = keepSockets(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: at.host, port: at.port }, resolve);
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    answerWith(listener) {
      answer = listener;
      return server;
    },
    async stop() {
      const closed = new Promise<void>(resolve => void server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function keepSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

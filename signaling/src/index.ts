/**
 * The public bootstrap node: an ordinary peer of the public overlay that takes
 * WebSockets and answers STUN (RFC 8489) on its UDP port. It knows no groups.
 */
import { type Server, STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { nodeHost, WEBSOCKET_MESSAGE_MAX_BYTES } from '@warren/node';
import { type PublicView, startPeer } from '@warren/peer';
import { WebSocketServer } from 'ws';

export interface BootstrapOptions {
  /** Whose `upgrade` requests under `path` become overlay links. */
  readonly server: Server;
  /** `/bootstrap`. */
  readonly path: string;
  /** Keys are kept under `bootstrap/` in here. */
  readonly dataDir: string;
  /** Where overlay datagrams and STUN requests arrive; without it there is neither. */
  readonly udp: { readonly host: string; readonly port: number } | undefined;
  /** Other bootstrap nodes to link with. */
  readonly others?: readonly string[];
  /** Hears rare events worth a line. */
  readonly log: (line: string) => void;
}

export interface BootstrapNode {
  /** 40 hex digits. */
  readonly peerId: string;
  view(): PublicView;
  /** Says goodbye and closes all sockets, not the server. */
  stop(): Promise<void>;
}

/** Makes a listening server a bootstrap node. Rejects when the UDP port is taken or the folder cannot be used. */
export async function attachBootstrap(o: BootstrapOptions): Promise<BootstrapNode> {
  const host = await nodeHost({
    kind: 'bootstrap',
    stateDir: join(o.dataDir, 'bootstrap'),
    udp: o.udp ?? false,
    webrtc: false,
    answerStun: true,
    log: o.log,
  });
  const peer = await startPeer(host, { bootstraps: o.others ?? [] });
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: WEBSOCKET_MESSAGE_MAX_BYTES,
  });
  const upgrade = (request: import('node:http').IncomingMessage, socket: Duplex, head: Buffer) => {
    const [path] = (request.url ?? '').split('?');
    if (path !== o.path) return refuse(socket, 404);
    const { remoteAddress } = request.socket;
    sockets.handleUpgrade(request, socket, head, accepted => host.acceptWebSocket(accepted, remoteAddress));
  };
  o.server.on('upgrade', upgrade);
  return {
    peerId: peer.view().public.peerId,
    view: () => peer.view().public,
    async stop() {
      o.server.off('upgrade', upgrade);
      sockets.close();
      await peer.stop();
    },
  };
}

function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
}

/**
 * TLS to servers that are known by their key instead of a certification
 * authority: a group site off loopback makes itself a key and the group file
 * pins it. Names and dates of the certificate count for nothing then, and
 * nothing is sent before the key is checked. Source: decisions.md "Site and edges".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type RequestOptions, request } from 'node:https';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { fromBase64Url } from '@warren/base';

/** Longest answer that is read. */
const ANSWER_MAX_BYTES = 1 << 20;

/** The server has another key than the pinned one. */
export class ServerKeyError extends Error {
  override readonly name = 'ServerKeyError';
  readonly code = 'server-key';

  constructor(host: string) {
    super(`The server at ${host} does not have the expected key.`);
  }
}

/**
 * Connects to a server whose SubjectPublicKeyInfo has this SHA-256 (base64url); with any other key the socket ends
 * with a `ServerKeyError` before a byte of ours is sent.
 */
export function connectPinned(host: string, port: number, pin: string): TLSSocket {
  const name = host.replace(/^\[|\]$/g, '');
  const socket = connect({
    host: name,
    port,
    servername: isIP(name) === 0 ? name : '',
    // No authority vouches for the server: its key itself is compared, below.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  // As with Node's own check of certificates, this runs within the handshake: what waits to be sent is not yet.
  socket.once('secureConnect', () => {
    if (!hasKey(socket, pin)) socket.destroy(new ServerKeyError(`${host}:${port}`));
  });
  return socket;
}

/** A `fetch` for `https://` URLs of a server with a pinned key: whole bodies of text, no redirects, answers up to 1 MiB. */
export function pinnedFetch(
  pin: string,
): (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal },
) => Promise<Response> {
  return (url, { body, ...init }) =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url);
      const options: RequestOptions = {
        ...init,
        createConnection: () => connectPinned(hostname, Number(port || 443), pin),
      };
      const outgoing = request(url, options, async incoming => {
        try {
          const chunks: Buffer[] = [];
          let length = 0;
          for await (const chunk of incoming as AsyncIterable<Buffer>) {
            length += chunk.length;
            if (length > ANSWER_MAX_BYTES) throw new Error('the answer is too long');
            chunks.push(chunk);
          }
          const empty = [204, 205, 304].includes(incoming.statusCode ?? 0);
          resolve(new Response(empty ? null : Buffer.concat(chunks), { status: incoming.statusCode ?? 500 }));
        } catch (error) {
          incoming.destroy();
          reject(error);
        }
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
}

function hasKey(socket: TLSSocket, pin: string): boolean {
  const certificate = socket.getPeerX509Certificate();
  const expected = fromBase64Url(pin);
  if (certificate === undefined || expected?.length !== 32) return false;
  const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
  return timingSafeEqual(createHash('sha256').update(spki).digest(), expected);
}

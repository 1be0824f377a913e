import { createHash, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { toBase64Url } from '@warren/base';
import type { WayEvents } from '@warren/peer';
import { type IdentityKey, selfSignedPublicLeaf } from '@warren/peer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { pinnedFetch, ServerKeyError } from './pinned.ts';
import { nodeRandom } from './random.ts';
import { dialWebSocket } from './websocket.ts';

let server: Server;
let origin = '';
let pin = '';
/** What requests the server got. */
const got: string[] = [];

beforeEach(async () => {
  const keys = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
  const identity = { algorithm: 'ed25519', spki, keys } as IdentityKey;
  const leaf = await selfSignedPublicLeaf(identity, Date.now(), nodeRandom);
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
  const cert = `-----BEGIN CERTIFICATE-----\n${Buffer.from(leaf).toString('base64')}\n-----END CERTIFICATE-----\n`;
  pin = toBase64Url(Uint8Array.from(createHash('sha256').update(spki).digest()));
  got.length = 0;
  server = createServer({ key: key.toString(), cert }, async (incoming, answer) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    got.push(`${incoming.method} ${incoming.url} ${incoming.headers['x-warren']} ${body}`);
    if (incoming.url === '/long') answer.end('x'.repeat(2 << 20));
    else answer.writeHead(409, { 'content-type': 'text/plain' }).end('so be it');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const wish = { method: 'POST', headers: { 'x-warren': '1' }, body: 'the secret' };
const otherPin = toBase64Url(new Uint8Array(32).fill(7));

test('a server with the pinned key is asked, and its answer passed on', async () => {
  const answer = await pinnedFetch(pin)(`${origin}/api/enrol`, wish);
  expect([answer.status, await answer.text()]).toEqual([409, 'so be it']);
  expect(got).toEqual(['POST /api/enrol 1 the secret']);
});

test.each([otherPin, '', 'AAAA'])('a server with another key than %j gets nothing', async wrong => {
  await expect(pinnedFetch(wrong)(`${origin}/api/enrol`, wish)).rejects.toThrow(ServerKeyError);
  expect(got).toEqual([]);
});

test('an answer without end, a server that is away, and an aborted request are failures', async () => {
  await expect(pinnedFetch(pin)(`${origin}/long`, wish)).rejects.toThrow('too long');
  await expect(pinnedFetch(pin)(`${origin}/x`, { ...wish, signal: AbortSignal.abort() })).rejects.toThrow('abort');
  await expect(pinnedFetch(pin)('https://127.0.0.1:1/x', wish)).rejects.toThrow('ECONNREFUSED');
});

test('a WebSocket opens to the pinned key only', async () => {
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const url = origin.replace('https', 'wss');
  expect(await dialled(url, pin)).toBe('up');
  expect(await dialled(url, otherPin)).toMatch(/does not have the expected key/);
  expect(await dialled(url, undefined)).toMatch(/self.signed/);
  expect(sockets.clients.size).toBe(1);
  for (const client of sockets.clients) client.terminate();
  sockets.close();
});

function dialled(url: string, expected: string | undefined): Promise<string> {
  return new Promise(resolve => {
    const events: WayEvents = {
      up: () => resolve('up'),
      failed: resolve,
      down: () => {},
      datagram: () => {},
      dropped: () => {},
    };
    dialWebSocket(url, events, expected);
  });
}

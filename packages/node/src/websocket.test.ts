import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Way, WayEvents } from '@warren/peer';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { adoptWebSocket, dialWebSocket, WEBSOCKET_MESSAGE_MAX_BYTES } from './websocket.ts';

/** What a way told. */
class Heard implements WayEvents {
  readonly told: string[] = [];
  readonly received: Uint8Array[] = [];
  drops = 0;

  up(binding: Uint8Array): void {
    this.told.push(`up ${binding.length}`);
  }
  datagram(bytes: Uint8Array): void {
    this.received.push(bytes);
  }
  down(): void {
    this.told.push('down');
  }
  failed(reason: string): void {
    this.told.push(`failed: ${reason}`);
  }
  dropped(): void {
    this.drops++;
  }
}

let server: WebSocketServer;
let url = '';
const accepted: { socket: WebSocket; way: Way; heard: Heard }[] = [];
beforeEach(async () => {
  server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    maxPayload: WEBSOCKET_MESSAGE_MAX_BYTES,
  });
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on('connection', socket => {
    const heard = new Heard();
    accepted.push({ socket, heard, way: adoptWebSocket(socket, heard) });
  });
});
afterEach(() => {
  vi.useRealTimers();
  accepted.length = 0;
  for (const socket of server.clients) socket.terminate();
  server.close();
});

/** A dialled way and the accepted one at its other end. */
async function pair() {
  const heard = new Heard();
  const way = dialWebSocket(url, heard);
  await expect.poll(() => [heard.told, accepted[0]?.heard.told]).toEqual([['up 0'], ['up 0']]);
  const other = accepted[0];
  if (other === undefined) throw new Error('nothing was accepted');
  return { heard, way, other };
}

test('datagrams of 1 to 16,384 bytes go both ways as plain bytes, in order', async () => {
  const { heard, way, other } = await pair();
  const sent = [1, 2, 1_200, 16_384].map(size => new Uint8Array(size).fill(size));
  for (const bytes of sent) {
    way.send(bytes);
    other.way.send(bytes);
  }
  await expect.poll(() => [heard.received.length, other.heard.received.length]).toEqual([4, 4]);
  expect(heard.received).toEqual(sent);
  expect(other.heard.received).toEqual(sent);
  expect(heard.received[0]?.constructor).toBe(Uint8Array);
});

test('no message is compressed', async () => {
  await pair();
  expect(accepted[0]?.socket.extensions).toBe('');
});

test('closing either end takes both down', async () => {
  const { heard, way, other } = await pair();
  other.way.close();
  await Promise.all([way.over, other.way.over]);
  expect([heard.told, other.heard.told]).toEqual([
    ['up 0', 'down'],
    ['up 0', 'down'],
  ]);
  way.send(Uint8Array.of(1));
  expect(heard.drops).toBe(1);
});

test('text ends the connection', async () => {
  const { heard, way, other } = await pair();
  other.socket.send('text');
  await way.over;
  expect(heard).toMatchObject({ told: ['up 0', 'down'], received: [], drops: 1 });
});

test('empty messages and those beyond 16,384 bytes are dropped; beyond 65,536 the connection ends', async () => {
  const { heard, way, other } = await pair();
  for (const size of [0, 16_385, 65_536]) other.socket.send(new Uint8Array(size));
  await expect.poll(() => heard.drops).toBe(3);
  expect(heard.told).toEqual(['up 0']);
  other.socket.send(new Uint8Array(65_537));
  await way.over;
  expect(heard).toMatchObject({ told: ['up 0', 'down'], received: [] });
});

test('a receiver that does not read costs at most about a megabyte', async () => {
  const { heard, way, other } = await pair();
  other.socket.pause();
  const bytes = new Uint8Array(16_384);
  // The kernel's buffers take some megabytes before ours fill.
  for (let i = 0; i < 5_000 && heard.drops < 100; i++) {
    way.send(bytes);
    if (i % 50 === 49) await new Promise(resolve => setImmediate(resolve));
  }
  expect(heard.drops).toBe(100);
  other.socket.resume();
  await expect.poll(() => other.heard.received.length, { timeout: 5_000 }).toBeGreaterThan(60);
  way.send(Uint8Array.of(5));
  await expect.poll(() => other.heard.received.at(-1)?.length).toBe(1);
  expect(heard.drops).toBe(100);
});

test('a silent other side is given up after two pings', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const heard = new Heard();
  const way = dialWebSocket(url, heard);
  while (heard.told.length === 0) await new Promise(resolve => setImmediate(resolve));
  const pong = new Promise(resolve => accepted[0]?.socket.once('ping', resolve));
  vi.advanceTimersByTime(20_000);
  await pong;
  // Its pong arrives; from then on nothing is read there.
  await new Promise(resolve => setTimeout(resolve, 50));
  accepted[0]?.socket.pause();
  vi.advanceTimersByTime(20_000);
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(heard.told).toEqual(['up 0']);
  vi.advanceTimersByTime(20_000);
  await way.over;
  expect(heard.told).toEqual(['up 0', 'down']);
});

test('a server that speaks no WebSocket, a name that is none and no server at all give a reason', async () => {
  const http = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const reasons: string[] = [];
  for (const bad of [
    `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    'ws://',
    'ftp://x',
    'ws://127.0.0.1:9',
  ]) {
    const heard = new Heard();
    await dialWebSocket(bad, heard).over;
    reasons.push(heard.told.join());
  }
  http.close();
  expect(reasons).toEqual([
    'failed: Unexpected server response: 404',
    'failed: not a WebSocket address',
    'failed: not a WebSocket address',
    'failed: connect ECONNREFUSED 127.0.0.1:9',
  ]);
});

test('a dial that is closed before it is open fails once', async () => {
  const heard = new Heard();
  const way = dialWebSocket(url, heard);
  way.close();
  await way.over;
  expect(heard.told).toHaveLength(1);
  expect(heard.told[0]).toMatch(/^failed/);
});

import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PathEvent } from '@warren/peer';
import { decodeStunSuccess, encodeStunRequest } from '@warren/wire';
import { afterEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type NodeDatagrams, type NodeDatagramsOptions, openDatagrams } from './datagrams.ts';
import { openTls } from './tls.ts';

const opened: NodeDatagrams[] = [];
afterEach(() => Promise.all(opened.splice(0).map(datagrams => datagrams.stop())));

async function open(options: Partial<NodeDatagramsOptions> = {}) {
  const datagrams = await openDatagrams({
    udp: { host: '127.0.0.1' },
    webrtc: false,
    answerStun: false,
    iceServers: [],
    ...options,
  });
  opened.push(datagrams);
  const events: PathEvent[] = [];
  datagrams.listen(event => events.push(event));
  const port = Number(datagrams.localAddresses()[0]?.split(':').at(-1));
  return { datagrams, events, port };
}

/** Sends to a port from a socket of its own; what comes back within the wait. */
async function ask(port: number, messages: readonly Uint8Array[], answers: number): Promise<Buffer[]> {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', message => received.push(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  for (const message of messages) await new Promise(sent => socket.send(message, port, '127.0.0.1', sent));
  await expect.poll(() => received.length).toBe(answers);
  const ownPort = socket.address().port;
  socket.close();
  return [...received, Buffer.from([ownPort >> 8, ownPort & 255])];
}

const request = encodeStunRequest({ transactionId: Uint8Array.from({ length: 12 }, (_, i) => i) });

test('a STUN binding request is answered with the address it came from, and nothing of it reaches the listener', async () => {
  const { datagrams, events, port } = await open({ answerStun: true });
  const [answer, own] = await ask(port, [request], 1);
  const decoded = decodeStunSuccess(Uint8Array.from(answer ?? []));
  expect(decoded).toEqual({
    transactionId: Uint8Array.from({ length: 12 }, (_, i) => i),
    address: Uint8Array.of(127, 0, 0, 1),
    port: own?.readUInt16BE(),
  });
  expect(answer?.length).toBeLessThanOrEqual(3 * request.length);
  expect(events).toEqual([]);
  expect(datagrams.counters).toMatchObject({ stunAnswered: 1, stunDropped: 0 });
});

test('damaged requests get no answer and are counted; other STUN messages reach the listener', async () => {
  const { datagrams, events, port } = await open({ answerStun: true });
  const torn = Uint8Array.from([...request.subarray(0, 3), 4, ...request.subarray(4)]);
  const success = Uint8Array.from(request, (byte, i) => (i === 0 ? 1 : byte));
  await ask(port, [torn, success, request], 1);
  expect(datagrams.counters).toMatchObject({ stunAnswered: 1, stunDropped: 1, received: 1 });
  expect(events.map(event => event.kind)).toEqual(['datagram']);
});

test('a host that is not asked to answer STUN does not', async () => {
  const { datagrams, events, port } = await open();
  await ask(port, [request, Uint8Array.of(0xe1)], 0);
  await expect.poll(() => events.length).toBe(1);
  expect(datagrams.counters).toMatchObject({ stunAnswered: 0, stunDropped: 1 });
});

test('UDP carries datagrams between two hosts by path ids', async () => {
  const [a, b] = [await open(), await open()];
  a.datagrams.send(`udp/127.0.0.1:${b.port}`, Uint8Array.of(1, 2));
  await expect
    .poll(() => b.events)
    .toEqual([{ kind: 'datagram', path: `udp/127.0.0.1:${a.port}`, bytes: Uint8Array.of(1, 2) }]);
  expect(a.datagrams.maxBytes('udp/127.0.0.1:1')).toBe(1_200);
});

test('a dialled and an accepted WebSocket carry datagrams, and only the dialler is told a URL', async () => {
  const [client, served] = [await open({ udp: false }), await open({ udp: false })];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket, request) => {
    served.datagrams.acceptWebSocket(socket, request.socket.remoteAddress);
  });
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client.datagrams.dial(url);
  await expect.poll(() => [client.events.length, served.events.length]).toEqual([1, 1]);
  const up = client.events[0];
  expect(up).toMatchObject({ kind: 'path-up', url, binding: new Uint8Array(0) });
  const remote = '127.0.0.1';
  expect(served.events[0]).toEqual({ kind: 'path-up', path: 'ws/1', binding: new Uint8Array(0), remote });
  if (up?.kind !== 'path-up') return;
  client.datagrams.send(up.path, Uint8Array.of(3));
  await expect.poll(() => served.events[1]).toEqual({ kind: 'datagram', path: 'ws/1', bytes: Uint8Array.of(3) });
  expect(served.datagrams.counters).toMatchObject({ webSockets: 1, received: 1 });
  await client.datagrams.stop();
  await expect.poll(() => served.events[2]).toEqual({ kind: 'path-down', path: 'ws/1' });
  server.close();
});

test('a WebSocket that closed before it was handed over is refused', async () => {
  const { datagrams, events } = await open({ udp: false });
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[socket]] = await Promise.all([once(server, 'connection'), once(client, 'open')]);
  socket.terminate();
  await Promise.all([once(socket, 'close'), once(client, 'close')]);
  expect(datagrams.acceptWebSocket(socket)).toBe(false);
  await datagrams.stop();
  expect(events).toEqual([]);
  server.close();
});

test('without UDP and WebRTC the host says so, and asking for them fails kindly', async () => {
  const { datagrams, events } = await open({ udp: false });
  expect(datagrams.can).toEqual({ udp: false, webrtc: false, websocket: true, pinned: true });
  expect(datagrams.localAddresses()).toEqual([]);
  datagrams.send('udp/127.0.0.1:9', Uint8Array.of(1));
  datagrams.openWebRtc('x', 'offerer');
  expect(events).toEqual([]);
  await expect.poll(() => events).toEqual([{ kind: 'webrtc-failed', connection: 'x', reason: 'WebRTC is turned off' }]);
});

test('settings that the WebRTC library does not take are a failure, not an exception', async () => {
  const { datagrams, events } = await open({ webrtc: true, iceServers: ['http://stun.example'] });
  datagrams.openWebRtc('x', 'offerer');
  await expect.poll(() => events.map(event => event.kind)).toEqual(['webrtc-failed']);
});

test('a STUN server with an IPv6 address is taken', async () => {
  const { datagrams, events } = await open({ webrtc: true, iceServers: ['stun:[2001:db8::1]:3478'] });
  datagrams.openWebRtc('x', 'offerer');
  await expect.poll(() => events.map(event => event.kind)).toContain('webrtc-signal');
});

test('a process whose host has stopped ends by itself, WebRTC and all', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'warren-exit-'));
  const index = JSON.stringify(new URL('./index.ts', import.meta.url).href);
  const script = `import { nodeHost } from ${index};
    const make = () => nodeHost({ kind: 'edge', stateDir: ${JSON.stringify(folder)}, webrtcAddress: '127.0.0.1' });
    const hosts = [await make(), await make()];
    const up = hosts.map((host, i) => new Promise(resolve => host.datagrams.listen(event => {
      if (event.kind === 'webrtc-signal') setTimeout(() => hosts[1 - i].datagrams.signalWebRtc('c', event.signal));
      if (event.kind === 'path-up') resolve();
    })));
    hosts[1].datagrams.openWebRtc('c', 'answerer');
    hosts[0].datagrams.openWebRtc('c', 'offerer');
    await Promise.all(up);
    await new Promise(resolve => hosts[0].clock.setAlarm(hosts[0].clock.now() + 20, resolve));
    await Promise.all(hosts.map(host => host.datagrams.stop()));
    console.log('stopped', process.getActiveResourcesInfo().filter(each => each !== 'PipeWrap').join());
    setTimeout(() => process.exit(9), 5_000).unref();`;
  const run = promisify(execFile);
  try {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
    expect(stdout).toMatch(/^stopped ?\n$/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a host that listens for members tells its URLs, and who dials one knows it by its key alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'warren-members-'));
  const [client, served] = [await open({ udp: false }), await open({ udp: false })];
  const tls = await openTls(folder, ['localhost'], Date.now());
  await served.datagrams.listenForMembers(0, tls);
  const port = served.datagrams.ports()[0]?.port;
  expect(served.datagrams.ports()).toEqual([{ use: 'websockets', protocol: 'tcp', port }]);
  for (const url of served.datagrams.localUrls()) {
    expect(url).toMatch(new RegExp(`^wss://(\\[[0-9a-f:]+\\]|[0-9.]+):${port}/warren#${tls.pin}$`));
  }
  const url = `wss://127.0.0.1:${port}/warren#${tls.pin}`;
  client.datagrams.dial(url);
  await expect.poll(() => client.events[0]).toMatchObject({ kind: 'path-up', url });
  await expect.poll(() => served.events[0]).toMatchObject({ kind: 'path-up', remote: '::ffff:127.0.0.1' });
  const strange = `wss://127.0.0.1:${port}/warren#${'a'.repeat(43)}`;
  const elsewhere = `wss://127.0.0.1:${port}/other#${tls.pin}`;
  client.datagrams.dial(strange);
  client.datagrams.dial(elsewhere);
  await expect.poll(() => client.events.length).toBe(3);
  expect(
    client.events
      .slice(1)
      .map(event => event.kind === 'dial-failed' && event.url)
      .sort(),
  ).toEqual([elsewhere, strange].sort());
  await rm(folder, { recursive: true, force: true });
});

test('a port for members that is taken is told in a sentence', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'warren-members-'));
  const tls = await openTls(folder, ['localhost'], Date.now());
  const [first, second] = [await open({ udp: false }), await open({ udp: false })];
  await first.datagrams.listenForMembers(0, tls);
  const port = first.datagrams.ports()[0]?.port ?? 0;
  await expect(second.datagrams.listenForMembers(port, tls)).rejects.toThrow(/in use: stop the other program/);
  await rm(folder, { recursive: true, force: true });
});

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXTRA_SOCKET_IDLE_MS, EXTRA_SOCKETS_MAX, ExtraSockets } from './extra-sockets.ts';
import { loadLibc } from './libc.ts';
import { openUdp, type Udp, type UdpReceiver } from './udp.ts';
import { openDgramUdp } from './udp-dgram.ts';

const libc = await loadLibc();
const HERE = { host: '127.0.0.1' };
const kinds: [string, (receive: UdpReceiver) => Promise<Udp>][] = [
  ['node:dgram', receive => openDgramUdp(HERE, receive)],
];
if (libc !== undefined) kinds.push(['system calls', async receive => openUdp(libc, HERE, receive)]);

describe.each(kinds)('extra sockets by %s', (_, open) => {
  let now = 0;
  let extras: ExtraSockets;
  let main: Udp;
  let port: number;
  const heard: { path: string; bytes: Uint8Array }[] = [];
  const atMain: { path: string; bytes: Uint8Array }[] = [];

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    now = 0;
    heard.length = 0;
    atMain.length = 0;
    main = await open((path, bytes) => atMain.push({ path, bytes }));
    port = main.bound[0]?.port ?? 0;
    extras = new ExtraSockets({ open, receive: (path, bytes) => heard.push({ path, bytes }), now: () => now });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await extras.close();
    await main.close();
  });

  test('each sends from a port of its own, and hears what comes to it', async () => {
    for (const number of [1, 2, 256]) extras.send(`udp/127.0.0.1:${port}~${number}`, Uint8Array.of(number & 255));
    await expect.poll(() => atMain.length).toBe(3);
    expect(new Set(atMain.map(({ path }) => path)).size).toBe(3);
    for (const { path, bytes } of atMain) main.send(path, bytes);
    await expect.poll(() => heard.length).toBe(3);
    const told = heard.map(({ path, bytes }) => [path, bytes[0]]).sort();
    expect(told).toEqual([1, 2, 256].map(number => [`udp/127.0.0.1:${port}~${number}`, number & 255]).sort());
    const [first] = atMain;
    extras.send(`udp/127.0.0.1:${port}~${first?.bytes[0] || 256}`, Uint8Array.of(9));
    await expect.poll(() => atMain.length).toBe(4);
    expect(atMain[3]?.path).toBe(first?.path);
    expect(extras.dropped).toBe(0);
  });

  test('one that hears nothing for half a minute is closed, and opened again when it is wanted', async () => {
    extras.send(`udp/127.0.0.1:${port}~1`, Uint8Array.of(1));
    extras.send(`udp/127.0.0.1:${port}~2`, Uint8Array.of(2));
    await expect.poll(() => atMain.length).toBe(2);
    now = EXTRA_SOCKET_IDLE_MS - 1;
    const second = atMain.find(({ bytes }) => bytes[0] === 2);
    main.send(second?.path ?? '', Uint8Array.of(7));
    await expect.poll(() => heard.length).toBe(1);
    now = EXTRA_SOCKET_IDLE_MS;
    vi.advanceTimersByTime(EXTRA_SOCKET_IDLE_MS);
    expect(extras.count).toBe(1);
    now = 2 * EXTRA_SOCKET_IDLE_MS;
    vi.advanceTimersByTime(EXTRA_SOCKET_IDLE_MS);
    expect(extras.count).toBe(0);
    extras.send(`udp/127.0.0.1:${port}~1`, Uint8Array.of(1));
    await expect.poll(() => atMain.length).toBe(3);
    expect(extras.count).toBe(1);
  });

  test('there are 256 at most, and hostile path ids are dropped and counted', async () => {
    for (let number = 1; number <= EXTRA_SOCKETS_MAX; number++) {
      extras.send(`udp/127.0.0.1:${port}~${number}`, Uint8Array.of(1));
    }
    await expect.poll(() => atMain.length).toBe(EXTRA_SOCKETS_MAX);
    const bad = [
      `udp/127.0.0.1:${port}~257`,
      `udp/127.0.0.1:${port}~0`,
      `udp/127.0.0.1:${port}~`,
      'udp/~1',
      'udp/x~-1',
    ];
    for (const path of [...bad, `udp/127.0.0.1:${port}~1~1`, `udp/127.0.0.1:${port}`])
      extras.send(path, Uint8Array.of(1));
    expect(extras.dropped).toBe(bad.length + 2);
    expect(extras.count).toBe(EXTRA_SOCKETS_MAX);
    await extras.close();
    expect(extras.count).toBe(0);
    extras.send(`udp/127.0.0.1:${port}~1`, Uint8Array.of(1));
    expect(extras.count).toBe(0);
  });
});

test('a system that has no sockets left costs the datagram, and nothing else', async () => {
  const extras = new ExtraSockets({
    open: () => Promise.reject(new Error('EMFILE')),
    receive: () => {},
    now: () => 0,
  });
  extras.send('udp/127.0.0.1:9~1', Uint8Array.of(1));
  await expect.poll(() => extras.count).toBe(0);
  expect(extras.dropped).toBe(1);
  await extras.close();
});

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { loadLibc } from './libc.ts';
import { openUdp, RECEIVE_MAX_BYTES, type Udp, type UdpOptions, type UdpReceiver } from './udp.ts';
import { openDgramUdp } from './udp-dgram.ts';

const libc = await loadLibc();
const kinds: [string, (options: UdpOptions, receive: UdpReceiver) => Promise<Udp>][] = [['node:dgram', openDgramUdp]];
if (libc !== undefined) kinds.push(['system calls', async (options, receive) => openUdp(libc, options, receive)]);

test('this machine has the system calls, or is not Linux on x64 or arm64', () => {
  expect(libc !== undefined || process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)).toBe(true);
});

describe.each(kinds)('UDP by %s', (_, open) => {
  const opened: Udp[] = [];
  afterEach(() => Promise.all(opened.splice(0).map(udp => udp.close())));

  /** A bound host with what it received. */
  async function bind(options: UdpOptions) {
    const received: { path: string; bytes: Uint8Array }[] = [];
    const udp = await open(options, (path, bytes) => received.push({ path, bytes }));
    opened.push(udp);
    return { udp, received, port: udp.bound[0]?.port ?? 0 };
  }

  test.each(['127.0.0.1', '::1'])('datagrams go both ways between hosts at %s', async host => {
    const [a, b] = [await bind({ host }), await bind({ host })];
    const name = host === '::1' ? '[::1]' : host;
    const [toA, toB] = [`udp/${name}:${a.port}`, `udp/${name}:${b.port}`];
    a.udp.send(toB, Uint8Array.of(1, 2, 3));
    await expect.poll(() => b.received).toEqual([{ path: toA, bytes: Uint8Array.of(1, 2, 3) }]);
    b.udp.send(toA, new Uint8Array(1_200).fill(7));
    await expect.poll(() => a.received).toEqual([{ path: toB, bytes: new Uint8Array(1_200).fill(7) }]);
    expect(a.udp.dropped + b.udp.dropped).toBe(0);
  });

  test.each([{}, { host: '::' }])('without a host, or with `::`, both families share one port', async where => {
    const { udp, received, port } = await bind(where);
    expect(udp.bound.map(each => [each.address.length, each.port])).toEqual([
      [4, port],
      [16, port],
    ]);
    const other = await bind({});
    other.udp.send(`udp/127.0.0.1:${port}`, Uint8Array.of(4));
    other.udp.send(`udp/[::1]:${port}`, Uint8Array.of(6));
    await expect.poll(() => received.length).toBe(2);
    const paths = received.map(each => each.path).sort();
    expect(paths).toEqual([`udp/127.0.0.1:${other.port}`, `udp/[::1]:${other.port}`]);
  });

  test('what was received stays as it was while more comes', async () => {
    const [a, b] = [await bind({ host: '127.0.0.1' }), await bind({ host: '127.0.0.1' })];
    for (let i = 0; i < 200; i++) {
      a.udp.send(`udp/127.0.0.1:${b.port}`, new Uint8Array(1_000 + (i % 7)).fill(i));
      if (i % 20 === 19) await expect.poll(() => b.received.length).toBe(i + 1);
    }
    for (const [i, { bytes }] of b.received.entries()) expect(bytes).toEqual(new Uint8Array(1_000 + (i % 7)).fill(i));
  });

  test('the receiver owns plain bytes, not a Buffer', async () => {
    const [a, b] = [await bind({ host: '127.0.0.1' }), await bind({ host: '127.0.0.1' })];
    a.udp.send(`udp/127.0.0.1:${b.port}`, Buffer.from([1]));
    await expect.poll(() => b.received.length).toBe(1);
    expect(b.received[0]?.bytes.constructor).toBe(Uint8Array);
  });

  test('what cannot be sent is dropped and counted, never thrown', async () => {
    const { udp } = await bind({ host: '127.0.0.1' });
    const bad = ['', 'udp/', 'udp/host:1', 'udp/[::1]:9', 'udp/[fe80::1]:9', 'udp/169.254.1.1:9', 'ws/1'];
    for (const path of bad) udp.send(path, Uint8Array.of(1));
    expect(udp.dropped).toBe(bad.length);
    udp.send('udp/127.0.0.1:9', new Uint8Array(65_508));
    await expect.poll(() => udp.dropped).toBe(bad.length + 1);
  });

  test('empty and overlong datagrams are dropped and counted', async () => {
    const { udp, received, port } = await bind({ host: '127.0.0.1' });
    const raw = createSocket('udp4');
    raw.bind(0, '127.0.0.1');
    await once(raw, 'listening');
    for (const size of [0, RECEIVE_MAX_BYTES + 1, 60_000, RECEIVE_MAX_BYTES, 1])
      raw.send(new Uint8Array(size), port, '127.0.0.1');
    await expect.poll(() => received.map(each => each.bytes.length)).toEqual([RECEIVE_MAX_BYTES, 1]);
    expect(udp.dropped).toBe(3);
    raw.close();
  });

  test('a taken port, a foreign address and a name are told with what to do', async () => {
    const { port } = await bind({ host: '127.0.0.1' });
    await expect(bind({ host: '127.0.0.1', port })).rejects.toThrow(/127\.0\.0\.1:\d+ .*choose another/);
    await expect(bind({ host: '192.0.2.1' })).rejects.toThrow(/192\.0\.2\.1:0 .*choose/);
    await expect(bind({ host: 'localhost' })).rejects.toThrow('not an IP address to listen on: localhost');
  });

  test('more destinations than are remembered are all reached', async () => {
    const { received, port } = await bind({ host: '0.0.0.0' });
    const { udp } = await bind({ host: '127.0.0.1' });
    for (let i = 1; i <= 5_000; i++) {
      udp.send(`udp/127.1.${i >> 8}.${i & 255}:${port}`, Uint8Array.of(1));
      if (i % 100 === 0) await expect.poll(() => received.length, { interval: 1 }).toBe(i);
    }
    expect(udp.dropped).toBe(0);
  });

  test('after closing, the port is free and sending does nothing', async () => {
    const { udp, port } = await bind({ host: '127.0.0.1' });
    await udp.close();
    await udp.close();
    udp.send(`udp/127.0.0.1:${port}`, Uint8Array.of(1));
    expect((await bind({ host: '127.0.0.1', port })).port).toBe(port);
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { Errno, type Libc, loadLibc, Option } from './libc.ts';
import { openUdp, type Udp } from './udp.ts';

const libc = await loadLibc();

describe.skipIf(libc === undefined)('many datagrams with one system call', () => {
  const real = libc as Libc;
  const opened: Udp[] = [];
  afterEach(() => Promise.all(opened.splice(0).map(udp => udp.close())));

  /** A socket on loopback, with the datagrams that it received. */
  function bind(calls: Partial<Libc> = {}) {
    const received: Uint8Array[] = [];
    const udp = openUdp({ ...real, ...calls }, { host: '127.0.0.1' }, (_path, bytes) => received.push(bytes));
    opened.push(udp);
    return { udp, received, path: `udp/127.0.0.1:${udp.bound[0]?.port}` };
  }

  /** Lengths that begin, continue and end what is sent together, beyond what one call takes. */
  const LENGTHS = [...Array<number>(150).fill(1_326), 1_200, 98, 98, 98, 1_326, 1_326, 1, 2, 2_048, 1_326];

  function numbered(length: number, i: number): Uint8Array {
    return new Uint8Array(length).fill(i);
  }

  function sendAll({ udp }: { udp: Udp }, path: string): void {
    for (const [i, length] of LENGTHS.entries()) udp.send(path, numbered(length, i));
  }

  test('what leaves in one turn arrives one by one, in order, whatever its length', async () => {
    let calls = 0;
    const counting: Partial<Libc> = {
      sendmsg: (...args) => {
        calls++;
        return real.sendmsg(...args);
      },
    };
    const [a, b] = [bind(counting), bind()];
    sendAll(a, b.path);
    await expect.poll(() => b.received.length).toBe(LENGTHS.length);
    expect(b.received).toEqual(LENGTHS.map(numbered));
    expect(a.udp.dropped).toBe(0);
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThan(10);
  });

  test('two destinations in turn each get theirs', async () => {
    const [a, b, c] = [bind(), bind(), bind()];
    for (let i = 0; i < 40; i++) a.udp.send((i % 4 < 2 ? b : c).path, numbered(100, i));
    await expect.poll(() => b.received.length + c.received.length).toBe(40);
    expect(b.received.map(bytes => bytes[0])).toEqual([...Array(40).keys()].filter(i => i % 4 < 2));
    expect(c.received.map(bytes => bytes[0])).toEqual([...Array(40).keys()].filter(i => i % 4 >= 2));
  });

  test('bytes may be used again as soon as they are sent', async () => {
    const [a, b] = [bind(), bind()];
    const bytes = new Uint8Array(500);
    for (let i = 1; i <= 5; i++) a.udp.send(b.path, bytes.fill(i));
    await expect.poll(() => b.received.map(each => each[499])).toEqual([1, 2, 3, 4, 5]);
  });

  test('a kernel that does not know it, and a device that cannot do it, cost nothing but time', async () => {
    const unknown: Partial<Libc> = {
      setsockopt: (fd, level, name, ...rest) =>
        level === Option.UDP_SEGMENT[0] ? -1 : real.setsockopt(fd, level, name, ...rest),
      sendmsg: () => expect.fail('nothing is sent together'),
    };
    let tries = 0;
    const unable: Partial<Libc> = {
      sendmsg: () => {
        tries++;
        return -1;
      },
      errno: () => Errno.EIO,
    };
    const b = bind();
    for (const calls of [unknown, unable]) {
      b.received.length = 0;
      sendAll(bind(calls), b.path);
      await expect.poll(() => b.received.length).toBe(LENGTHS.length);
      expect(b.received).toEqual(LENGTHS.map(numbered));
    }
    expect(tries).toBe(1);
  });

  test('a full queue drops all that would go together, and counts it', async () => {
    const a = bind({ sendmsg: () => -1, errno: () => Errno.EAGAIN });
    for (let i = 0; i < 5; i++) a.udp.send('udp/127.0.0.1:9', numbered(100, i));
    await expect.poll(() => a.udp.dropped).toBe(5);
  });

  test('closing sends what waits', async () => {
    const [a, b] = [bind(), bind()];
    for (let i = 0; i < 3; i++) a.udp.send(b.path, numbered(50, i));
    void a.udp.close();
    await expect.poll(() => b.received.length).toBe(3);
  });
});

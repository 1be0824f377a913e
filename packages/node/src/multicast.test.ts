import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { LAN_PORT, Multicast } from './multicast.ts';

const addresses = Object.values(networkInterfaces()).flatMap(entries => entries ?? []);
const own = addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address;

test.skipIf(own === undefined)(
  'two programs on one machine hear what is announced, with the address that it came from',
  async () => {
    const heard: [string, number[]][] = [];
    const all = [new Multicast((from, bytes) => heard.push([from, [...bytes]])), new Multicast(() => {})];
    onTestFinished(() => {
      for (const each of all) each.stop();
    });
    const told = Uint8Array.of(1, 2, 3, Math.floor(performance.now()) & 255);
    await expect
      .poll(() => {
        all[1]?.announce(own ?? '', told);
        return heard;
      })
      .toContainEqual([own, [...told]]);
  },
);

test('a flood is counted and dropped, as is what is too long', async () => {
  let heard = 0;
  const multicast = new Multicast(() => heard++);
  onTestFinished(() => multicast.stop());
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  await expect
    .poll(() => {
      socket.send(new Uint8Array(10), LAN_PORT, '127.0.0.1');
      return heard;
    })
    .toBeGreaterThan(0);
  const began = heard;
  await expect
    .poll(() => {
      for (let i = 0; i < 100; i++) socket.send(new Uint8Array(i % 2 === 0 ? 10 : 300), LAN_PORT, '127.0.0.1');
      return multicast.dropped;
    })
    .toBeGreaterThan(1000);
  // Half of them were too long; of the others the burst and what a moment allows was heard.
  expect(heard - began).toBeLessThan(multicast.dropped);
});

/**
 * A user with many programs: sockets from before and new ones, bound and unbound, both families, names asked at the local
 * name server and at a distant one, connections that stay and that come anew, broadcast. Runs until it is ended.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';

const WEB4 = '203.0.113.80';
const WEB6 = '2001:db8:80::80';
const HOME = '192.168.7.4';
const DISTANT_NAMES = '8.8.8.8';
const TARGETS = [
  [9000, WEB4],
  [9000, WEB6],
  [9000, HOME],
  [53, HOME],
  [53, DISTANT_NAMES],
  [853, WEB4],
  [9000, '255.255.255.255'],
  [5353, '224.0.0.251'],
] as const;

const old = { udp4: opened('udp4'), udp6: opened('udp6') };
const bound = opened(
  'udp4',
  Object.values(networkInterfaces().wan0 ?? {}).find(({ family }) => family === 'IPv4')?.address,
);
const stays = connect(80, WEB4);
stays.on('error', () => {});
setInterval(() => stays.write('GET / HTTP/1.1\r\nhost: web\r\n\r\n'), 50);
stays.resume();

setInterval(() => {
  for (const [port, address] of TARGETS) {
    const family = address.includes(':') ? 'udp6' : 'udp4';
    old[family].send('old', port, address);
    const fresh = opened(family);
    fresh.send('new', port, address, () => fresh.close());
    if (family === 'udp4') bound.send('bound', port, address);
  }
}, 20);
setInterval(() => {
  for (const host of [WEB4, WEB6, HOME]) {
    const socket = connect(80, host, () => socket.end('GET / HTTP/1.0\r\n\r\n'));
    socket.on('error', () => {});
    socket.resume();
    setTimeout(() => socket.destroy(), 500);
  }
}, 100);
console.log('busy');

/** Errors are the answer of a machine that is closed. */
function opened(family: 'udp4' | 'udp6', address?: string): Socket {
  const socket = createSocket(family);
  socket.on('error', () => {});
  socket.bind(
    { port: 0, ...(address === undefined ? {} : { address }) },
    () => family === 'udp4' && socket.setBroadcast(true),
  );
  return socket;
}

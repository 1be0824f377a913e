/** A web server and an echo service of both families that say who asked: the Internet of a `TunnelLab`. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';

for (const port of [80, 8081]) {
  const page = createServer((request, response) => {
    const size = Number(/^\/([0-9]+)$/.exec(request.url ?? '')?.[1] ?? 0);
    response.end(size > 0 ? Buffer.alloc(size, 'w') : `hello ${request.socket.remoteAddress?.replace('::ffff:', '')}`);
  });
  await once(page.listen(port, '::'), 'listening');
}
// A socket for each address: one for all of them would answer from any.
const own = Object.values(networkInterfaces()).flatMap(entries => entries ?? []);
const addresses = own.filter(({ address }) => !address.startsWith('fe80')).map(({ address }) => address);
for (const address of ['::', '0.0.0.0', ...addresses]) {
  for (const port of [53, 3478, 9000]) {
    const socket = createSocket(
      address.includes(':') ? { type: 'udp6', ipv6Only: true, reuseAddr: true } : { type: 'udp4', reuseAddr: true },
    );
    socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
    socket.on('error', error => console.log(`${address} ${port}: ${error.message}`));
    await once(socket.bind(port, address), 'listening');
  }
}
console.log('listening');

/**
 * Takes TCP connections on 127.0.0.1 and passes them on: `forwarder.ts <port> <host>:<port>`. See `Lab.forward`.
 */
import { connect, createServer } from 'node:net';

const [port = '', to = ''] = process.argv.slice(2);
const [host = '', remotePort = ''] = to.split(':');

const server = createServer(near => {
  const far = connect(Number(remotePort), host);
  const end = (): void => {
    near.destroy();
    far.destroy();
  };
  for (const socket of [near, far]) socket.on('error', end).on('close', end).setNoDelay(true);
  near.pipe(far).pipe(near);
});
server.listen(Number(port), '127.0.0.1', () => console.log('listening'));

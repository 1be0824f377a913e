/** A bootstrap node on all addresses of a namespace: `bootstrap.ts <port> [<ws url of another> ...]`, the same port for TCP and UDP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachBootstrap } from '@warren/signaling';

const [port = '', ...others] = process.argv.slice(2);
const dataDir = await mkdtemp(join(tmpdir(), 'warren-bootstrap-'));
const server = createServer((_, response) => response.end());
await new Promise<void>(resolve => server.listen(Number(port), '::', resolve));
const udp = { host: '::', port: Number(port) };
const log = (line: string): boolean => process.stdout.write(`${line}\n`);
const node = await attachBootstrap({ server, path: '/bootstrap', dataDir, udp, others, log });
process.on('SIGTERM', async () => {
  await node.stop();
  await rm(dataDir, { recursive: true, force: true });
  process.exit(0);
});
process.stdout.write('ready\n');

/**
 * Firefox in a network namespace, driven from outside. It is driven over a WebSocket on loopback, and each namespace
 * has a loopback of its own; sockets in the file system are common to all. So one process listens here on the port
 * that Firefox says, and one inside passes on to it what comes over such a socket:
 *
 *     driver - 127.0.0.1:port - bridge outside - socket file - bridge inside - 127.0.0.1:port - Firefox
 *
 * `firefox-bridge.ts outside <namespace> <firefox> <arguments of Firefox>`, which starts `firefox-bridge.ts inside <socket file> <port>`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const LISTENING = /WebDriver BiDi listening on ws:\/\/127\.0\.0\.1:(\d+)/;

const [role, ...args] = process.argv.slice(2);
if (role === 'inside') await inside(args as [string, string]);
else await outside(args as [string, string, ...string[]]);

async function inside([file, port]: readonly [string, string]): Promise<void> {
  createServer(near => pipe(near, connect(Number(port), '127.0.0.1'))).listen(file, () => console.log('ready'));
}

async function outside([namespace, program, ...rest]: readonly [string, string, ...string[]]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-bridge-'));
  const within = (argv: readonly string[]): ChildProcess =>
    spawn('ip', ['netns', 'exec', namespace, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const firefox = within([program, ...rest]);
  const children = [firefox];
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => firefox.kill(signal));
  firefox.on('exit', async code => {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    process.exit(code ?? 1);
  });
  firefox.stdout?.pipe(process.stdout);
  if (firefox.stderr === null) return;
  for await (const line of createInterface({ input: firefox.stderr })) {
    const port = LISTENING.exec(line)?.[1];
    if (port !== undefined) {
      const file = join(folder, 'socket');
      const bridge = within([process.execPath, import.meta.filename, 'inside', file, port]);
      children.push(bridge);
      if (bridge.stdout !== null) await once(createInterface({ input: bridge.stdout }), 'line');
      const server = createServer(near => pipe(near, connect(file))).listen(Number(port), '127.0.0.1');
      await once(server, 'listening');
    }
    process.stderr.write(`${line}\n`);
  }
}

/** Both ways, until one end is over. */
function pipe(near: Socket, far: Socket): void {
  const end = (): void => {
    near.destroy();
    far.destroy();
  };
  for (const socket of [near, far]) socket.on('error', end).on('close', end);
  near.pipe(far).pipe(near);
}

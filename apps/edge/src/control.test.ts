/** Both ends of the control socket, with a daemon that is none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Control, CrawlEvent, PingEvent, PingRequest, SettingsRequest } from './control-api.ts';
import { ControlClient } from './control-client.ts';
import { openControl } from './control-server.ts';
import { Failure } from './failure.ts';
import { resolve, settingsAnswer } from './settings/sources.ts';
import { census, group, member, status, testFolder } from './testing.ts';

const PING: PingRequest = { target: 'server', count: 2, intervalMs: 1000, timeoutMs: 2000 };
const never = new AbortController().signal;

/** A daemon that notes what it is asked. */
class FakeControl implements Control {
  readonly asked: unknown[] = [];
  aborted = 0;

  status() {
    return status([group([member('laptop.ada', { self: true })])]);
  }

  async ping(asked: PingRequest, emit: (event: PingEvent) => void, signal: AbortSignal): Promise<void> {
    this.asked.push(asked);
    if (asked.target === 'nobody') throw new Failure('unknown-member', 'There is no nobody.', 'See status.');
    emit({ event: 'target', address: '10.128.1.2', self: false });
    if (asked.target === 'slow') {
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      this.aborted++;
      return;
    }
    emit({ event: 'lost', sequence: 1 });
  }

  async crawl(asked: object, emit: (event: CrawlEvent) => void): Promise<void> {
    this.asked.push(asked);
    emit({ event: 'progress', peers: 40 });
    throw new Failure('not-joined', 'Not yet.');
  }

  async census(asked: object) {
    this.asked.push(asked);
    return census();
  }

  async leave(asked: object) {
    this.asked.push(asked);
    return { name: 'Home', remaining: 0 };
  }

  settings() {
    return settingsAnswer(resolve([]));
  }

  async set(asked: SettingsRequest) {
    this.asked.push(asked);
    return settingsAnswer(resolve([{ source: 'set', texts: asked }]));
  }

  async internet() {
    return {};
  }

  async pause(asked: object) {
    this.asked.push(asked);
    return {};
  }

  down(): void {
    this.asked.push('down');
  }
}

let path: string;
let control: FakeControl;
beforeEach(() => {
  path = join(testFolder(onTestFinished), 'run', 'warren.sock');
  control = new FakeControl();
});

async function serve(): Promise<void> {
  const server = await openControl(path);
  onTestFinished(() => server.stop());
  server.serve(control);
}

const client = (...sockets: string[]) =>
  new ControlClient({ sockets: sockets.length > 0 ? sockets : [path], args: ['status'], env: {} });

test('status, leave and down go there and back', async () => {
  await serve();
  expect(await client().status()).toEqual(control.status());
  expect(await client().leave({ group: 'Home' })).toEqual({ name: 'Home', remaining: 0 });
  expect(await client().down()).toEqual({ pid: process.pid });
  await expect.poll(() => control.asked).toEqual([{ group: 'Home' }, 'down']);
});

test('a ping tells each event as it comes', async () => {
  await serve();
  const heard: PingEvent[] = [];
  await client().ping(PING, event => heard.push(event), never);
  expect(control.asked).toEqual([PING]);
  expect(heard.map(({ event }) => event)).toEqual(['target', 'lost']);
});

test('who hangs up ends the ping in the daemon', async () => {
  await serve();
  const hangUp = new AbortController();
  await client().ping({ ...PING, target: 'slow' }, () => hangUp.abort(), hangUp.signal);
  await expect.poll(() => control.aborted).toBe(1);
});

test('a census goes there and back, a walk tells how far it is and how it failed', async () => {
  await serve();
  expect(await client().census({ group: 'Home' })).toEqual(census());
  const heard: CrawlEvent[] = [];
  const walk = client().crawl({}, event => heard.push(event), never);
  await expect(walk).rejects.toMatchObject({ code: 'not-joined', message: 'Not yet.' });
  expect(heard).toEqual([{ event: 'progress', peers: 40 }]);
  expect(control.asked).toEqual([{ group: 'Home' }, {}]);
});

test('failures of the daemon arrive as they were', async () => {
  await serve();
  await expect(client().ping({ ...PING, target: 'nobody' }, () => {}, never)).rejects.toMatchObject({
    code: 'unknown-member',
    message: 'There is no nobody.',
    hint: 'See status.',
    exit: 1,
  });
});

test.each([
  [{ ...PING, count: 0 }],
  [{ ...PING, count: 1_001 }],
  [{ ...PING, intervalMs: 1 }],
  [{ ...PING, timeoutMs: Number.NaN }],
  [{ ...PING, target: '' }],
  [{ ...PING, group: 7 }],
])('the daemon does not take %j', async asked => {
  await serve();
  await expect(client().ping(asked as PingRequest, () => {}, never)).rejects.toMatchObject({ code: 'bad-request' });
  expect(control.asked).toEqual([]);
});

test.each([
  ['GET', '/nothing', '', 404],
  ['GET', '/ping', '', 404],
  ['POST', '/leave', '{"group"', 400],
  ['POST', '/leave', '[1', 400],
  ['POST', '/leave', `{"group":"${'x'.repeat(5_000)}"}`, 400],
])('%s %s with %j is refused', async (method, url, body, code) => {
  await serve();
  expect(await raw(method, url, body)).toBe(code);
  expect(control.asked).toEqual([]);
});

test('garbage on the socket does not end the daemon', async () => {
  await serve();
  const socket = connect(path);
  socket.on('error', () => {});
  socket.resume();
  socket.end(Buffer.from([0, 255, 1, 2, 10, 13, 10]));
  await once(socket, 'close');
  expect((await client().status()).schema).toBe(1);
});

test('before the daemon is ready it says so', async () => {
  const server = await openControl(path);
  onTestFinished(() => server.stop());
  await expect(client().status()).rejects.toMatchObject({ code: 'starting' });
});

test('only owner and group may open the socket, and it goes with the daemon', async () => {
  const server = await openControl(path);
  expect(statSync(path).mode & 0o777).toBe(0o660);
  await server.stop();
  expect(existsSync(path)).toBe(false);
});

test('without a daemon there is nobody to ask, also where one was killed', async () => {
  await expect(client().status()).rejects.toMatchObject({ code: 'not-running', exit: 3 });
  await killedDaemon();
  await expect(client().status()).rejects.toMatchObject({ code: 'not-running', exit: 3 });
});

test('of several sockets the first with a daemon is asked', async () => {
  await serve();
  expect((await client('/nowhere/warren.sock', path).status()).pid).toBe(7);
});

test('the socket of a killed daemon is replaced, that of a living one is not', async () => {
  await killedDaemon();
  await serve();
  await expect(openControl(path)).rejects.toMatchObject({ code: 'running', exit: 1 });
  expect((await client().status()).schema).toBe(1);
});

test('what is no socket stays, and too long a path is told', async () => {
  mkdirSync(join(path, '..'));
  writeFileSync(path, 'precious');
  await expect(openControl(path)).rejects.toMatchObject({ code: 'socket-path' });
  await expect(openControl(`/tmp/${'x'.repeat(120)}.sock`)).rejects.toMatchObject({ code: 'socket-path' });
});

/** Leaves a socket behind as SIGKILL does. */
async function killedDaemon(): Promise<void> {
  mkdirSync(join(path, '..'), { recursive: true });
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(existsSync(path)).toBe(true);
}

function raw(method: string, url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: path, method, path: url, agent: false }, answer => {
      answer.resume();
      resolve(answer.statusCode);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

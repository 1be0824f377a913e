/** The command line with a daemon that is none, or without one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CrawlView } from '@warren/peer';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Control, PingEvent, PingTarget } from './control-api.ts';
import { openControl } from './control-server.ts';
import { Failure } from './failure.ts';
import { run } from './program.ts';
import { resolve as resolveSettings, settingsAnswer } from './settings/sources.ts';
import {
  census,
  crawled,
  crawlView,
  GROUP,
  group,
  member,
  status,
  type TestTerminal,
  testFolder,
  testTerminal,
} from './testing.ts';

const LAUNCHER = resolve(import.meta.dirname, '..', 'bin', 'warren.js');
const laptop = member('laptop.ada', { self: true, address: '10.128.3.4' });
const way: PingTarget = { name: 'server.ada', address: '10.128.1.2', self: false, link: { kind: 'udp' } };

const VERBS = [
  'up',
  'down',
  'status',
  'ping',
  'peers',
  'crawl',
  'netcheck',
  'doctor',
  'gateway',
  'exit-node',
  'routes',
  'dns',
  'set',
  'get',
  'logs',
  'service',
  'leave',
];

let folder: string;
let terminal: TestTerminal;
beforeEach(() => {
  folder = testFolder(onTestFinished);
  terminal = testTerminal({ cwd: folder });
});

/** Runs `warren` with these words and this test's folder. */
const warren = (...argv: string[]) => run([...argv, '--state', folder], terminal, '1.2.3');

async function serve(more: Partial<Control> = {}): Promise<void> {
  const server = await openControl(join(folder, 'warren.sock'));
  onTestFinished(() => server.stop());
  const none = () => Promise.reject(new Failure('none', 'Not here.'));
  server.serve({
    status: () => status([group([laptop])]),
    ping: none,
    crawl: none,
    census: none,
    leave: none,
    settings: () => settingsAnswer(resolveSettings([])),
    set: none,
    internet: async () => ({}),
    pause: none,
    down: () => {},
    ...more,
  });
}

test.each([
  [[], 'A command is missing.'],
  [['fly'], "Unknown command 'fly'."],
  [['status', 'all'], "Too many arguments for 'status'."],
  [['ping'], "Missing required argument 'member'."],
  [['ping', ''], 'Give a name or an address.'],
  [['ping', 'x', '-c', '0'], 'Give a whole number from 1 to 1000.'],
  [['ping', 'x', '-i', 'soon'], 'Give seconds from 0.01 to 60'],
  [['up', '--udp-port', '70000'], 'Give a whole number from 1 to 65535.'],
  [['up', '--interface', 'Wr 0'], 'Give 1 to 15 of a-z 0-9 . _ -'],
  [['up', '--no-udp', '--udp-port', '9'], '--udp-port and --no-udp exclude each other.'],
  [['status', '--state', ''], "Option '--state <folder>' argument '' is invalid. Give a path."],
  [['status', '--socket', ''], "Option '--socket <file>' argument '' is invalid. Give a path."],
  [['set', 'gatway=on'], "There is no setting 'gatway'."],
  [['set', 'gateway'], 'What shall gateway be?'],
  [['set', 'lan=off', 'gateway=perhaps'], 'gateway is on or off, not "perhaps".'],
  [['get', 'x'], "There is no setting 'x'."],
  [['help', 'fly'], "Unknown command 'fly'."],
  [['up', '--frobnicate'], "Unknown option '--frobnicate'."],
])('%j is wrong usage: a sentence, exit code 2', async (argv, words) => {
  expect(await warren(...argv)).toBe(2);
  expect(terminal.stdout).toEqual([]);
  expect(terminal.stderr.at(-1)).toMatch(/^warren: /);
  expect(terminal.stderr.at(-1)).toContain(words);
});

test('with --json wrong usage is one object on standard output', async () => {
  expect(await warren('ping', '--json')).toBe(2);
  expect(terminal.stderr).toEqual([]);
  expect(JSON.parse(terminal.stdout.join('\n'))).toMatchObject({ error: { code: 'usage' } });
});

test.each(VERBS)('%s --help has examples', async verb => {
  expect(await warren(verb, '--help')).toBe(0);
  expect(terminal.stdout.join('\n')).toMatch(/Usage: warren [\w-]+[\s\S]*Examples:\n {2}\$ /);
});

test('only verbs that work are listed', async () => {
  expect(await warren('--help')).toBe(0);
  const help = terminal.stdout.join('\n');
  const verbs = [...(help.split('Commands:')[1]?.split('Examples:')[0] ?? '').matchAll(/^ {2}([\w-]+)/gm)];
  expect(verbs.map(([, verb]) => verb)).toEqual([...VERBS, 'help']);
});

test('--version prints the version', async () => {
  expect([await warren('--version'), terminal.stdout]).toEqual([0, ['1.2.3']]);
});

test.each([['status'], ['down'], ['ping', 'server'], ['peers'], ['crawl'], ['netcheck']])(
  '%j without a daemon: exit code 3',
  async (...argv) => {
    expect(await warren(...argv)).toBe(3);
    expect(terminal.stderr).toEqual(['warren: Warren is not running. Start it with `warren up`.']);
    expect(await warren(...argv, '--json')).toBe(3);
    expect(JSON.parse(terminal.stdout.join(''))).toMatchObject({ error: { code: 'not-running' } });
  },
);

test('status is a table, or exactly the views as JSON', async () => {
  await serve();
  expect(await warren('status')).toBe(0);
  expect(terminal.stdout[0]).toContain('Home  10.128.0.0/16  connected');
  terminal.stdout.length = 0;
  expect(await warren('status', '--json')).toBe(0);
  expect(JSON.parse(terminal.stdout.join(''))).toEqual(status([group([laptop])]));
});

test('set without a daemon is stored for the next one; get says on whose word each setting holds', async () => {
  expect(await warren('set', 'gateway=on', 'relay=never')).toBe(0);
  expect(await warren('set', 'relay=')).toBe(0);
  terminal.stdout.length = 0;
  expect(await warren('get', 'gateway', '--json')).toBe(0);
  expect(JSON.parse(terminal.stdout.join(''))).toMatchObject({
    settings: { gateway: { value: 'on', source: 'set' }, relay: { value: 'always', source: 'default' } },
  });
  terminal.stdout.length = 0;
  terminal.env.WARREN_GATEWAY = 'off';
  expect(await warren('get', 'gateway')).toBe(0);
  expect(terminal.stdout).toEqual(['SETTING  VALUE  FROM', 'gateway  off    environment']);
});

test('status of a group that is not connected ends in 1', async () => {
  await serve({ status: () => status([group([laptop], { state: 'searching' })]) });
  expect(await warren('status')).toBe(1);
});

const replies: PingEvent[] = [
  { event: 'target', ...way },
  { event: 'reply', ...way, sequence: 1, rttMs: 1 },
  { event: 'lost', sequence: 2 },
  { event: 'reply', ...way, sequence: 3, rttMs: 3 },
];
const pingWith = (events: readonly PingEvent[]): Control['ping'] => {
  return async (_request, emit) => {
    for (const event of events) emit(event);
  };
};

test('ping prints replies and a summary', async () => {
  await serve({ ping: pingWith(replies) });
  expect(await warren('ping', 'server')).toBe(0);
  expect(terminal.stdout).toEqual([
    'ping server.ada (10.128.1.2) via direct udp',
    'reply from server.ada (10.128.1.2) via direct udp: seq=1 rtt=1.0 ms',
    'no reply: seq=2',
    'reply from server.ada (10.128.1.2) via direct udp: seq=3 rtt=3.0 ms',
    '',
    'server: 3 sent, 2 received, 33% lost',
    'rtt min/avg/max 1.0 ms / 2.0 ms / 3.0 ms',
  ]);
});

test('ping --json prints one object', async () => {
  await serve({ ping: pingWith(replies) });
  expect(await warren('ping', 'server', '--json')).toBe(0);
  expect(JSON.parse(terminal.stdout.join(''))).toEqual({
    schema: 1,
    target: 'server',
    ...way,
    sent: 3,
    lost: 1,
    rttsMs: [1, 3],
  });
});

test('ping without a reply ends in 5, to nobody in 1', async () => {
  await serve({
    ping: async ({ target }, emit) => {
      if (target === 'nobody') throw new Failure('unknown-member', 'There is no nobody.');
      for (const event of [{ event: 'target', ...way } as const, { event: 'lost', sequence: 1 } as const]) emit(event);
    },
  });
  expect(await warren('ping', 'server', '-c', '1')).toBe(5);
  expect(await warren('ping', 'nobody')).toBe(1);
  expect(terminal.stderr).toEqual(['warren: There is no nobody.']);
});

const ring = crawlView([crawled('laptop.ada'), crawled('server.ada', { rttMs: 3 })]);
const crawlWith = (view: CrawlView): Control['crawl'] => {
  return async (_request, emit) => {
    emit({ event: 'progress', peers: 1 });
    emit({ event: 'report', group: GROUP, name: 'Home', self: laptop.peerId, ...view });
  };
};

test('crawl prints the ring, and on standard error how far it is', async () => {
  await serve({ crawl: crawlWith(ring) });
  expect(await warren('crawl')).toBe(0);
  expect(terminal.stdout.map(line => line.split(/ {2,}/)[0])).toContain('walked in 0.4 s: the ring is consistent');
  expect(terminal.stderr).toEqual(['asked 1 peers so far']);
});

test('crawl --json prints one object', async () => {
  await serve({ crawl: crawlWith(ring) });
  expect(await warren('crawl', '--json')).toBe(0);
  const head = { schema: 1, ok: true, group: GROUP, name: 'Home', self: laptop.peerId };
  expect(JSON.parse(terminal.stdout.join(''))).toEqual({ ...head, ...ring });
});

test('a ring that disagrees, or was not walked to the end, ends in 1', async () => {
  const fault = { kind: 'silent', at: 'b'.repeat(40), expected: laptop.peerId, text: 'All but one agree.' } as const;
  let view: CrawlView = { ...ring, inconsistencies: [fault] };
  await serve({ crawl: (...asked) => crawlWith(view)(...asked) });
  expect(await warren('crawl')).toBe(1);
  expect(terminal.stdout).toContain('<warning># All but one agree.</>');
  view = { ...ring, complete: false };
  expect(await warren('crawl', '--json')).toBe(1);
});

test('crawl --census counts', async () => {
  let answer = census();
  await serve({ census: async () => answer });
  expect(await warren('crawl', '--census', '--json')).toBe(0);
  expect(JSON.parse(terminal.stdout.join(''))).toEqual({ schema: 1, ok: true, ...census() });
  answer = census({ unanswered: 1 });
  expect(await warren('crawl', '--census')).toBe(1);
});

test('leave says what is left', async () => {
  await serve({ leave: async ({ group: name = 'Home' }) => ({ name, remaining: 1 }) });
  expect(await warren('leave', 'Work')).toBe(0);
  expect(terminal.stdout).toEqual(['Left Work.']);
});

test('leave without a daemon looks into the state folder', async () => {
  expect(await warren('leave')).toBe(1);
  expect(terminal.stderr).toEqual(['warren: This machine is in no group.']);
});

test('a group file that does not exist is named, exit code 1', async () => {
  expect(await warren('up', './none.warren')).toBe(1);
  expect(terminal.stderr.join()).toContain('There is no file ./none.warren.');
  expect(terminal.told).toMatchObject([{ failure: { code: 'no-such-file', exit: 1 } }]);
});

test('the launcher passes words and exit code on', () => {
  const argv = [LAUNCHER, 'status', '--state', folder];
  const { status: exit, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', env: {} });
  expect([exit, stderr]).toEqual([3, 'warren: Warren is not running. Start it with `warren up`.\n']);
});

test('a Node that does not read TypeScript hands over to the one from npm, or says what is missing', async () => {
  const old = (...argv: string[]) =>
    spawnSync(process.execPath, ['--no-experimental-strip-types', ...argv], { encoding: 'utf8' });
  expect(old(LAUNCHER, '--version')).toMatchObject({ status: 0, stdout: '0.1.0\n' });
  const alone = join(folder, 'run.js');
  await copyFile(resolve(LAUNCHER, '..', 'run.js'), alone);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const without = old(alone, 'main.ts');
  expect(without.status).toBe(1);
  expect(without.stderr).toMatch(/npm: This is Node .* needs 24 or newer\. .*`npm ci`/);
});

test('Ctrl-C ends a ping with its summary and 130', async () => {
  await serve({
    ping: async (_request, emit, signal) => {
      emit({ event: 'target', ...way });
      emit({ event: 'reply', ...way, sequence: 1, rttMs: 1 });
      await new Promise(done => signal.addEventListener('abort', done));
    },
  });
  const child = spawn(process.execPath, [LAUNCHER, 'ping', 'server', '--state', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', chunk => {
    text += chunk;
  });
  const closed = once(child, 'close');
  await expect.poll(() => text).toContain('seq=1');
  child.kill('SIGINT');
  const [exit] = await closed;
  expect(exit).toBe(130);
  expect(text).toContain('server: 1 sent, 1 received, 0% lost');
});

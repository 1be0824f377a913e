/**
 * The site as a process: listening, TLS, WebSockets, stopping, starting again,
 * and failures at the start. The bootstrap node is a stand-in.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { toBase64Url } from '@warren/base';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { explain } from './failures.ts';
import { parseOptions } from './options.ts';
import { type AttachBootstrap, type RunningSite, type Surroundings, startSite, welcome } from './start.ts';

let folder: string;
let running: RunningSite[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warren-start-'));
  mkdirSync(join(folder, 'apps', 'web', 'dist', 'assets'), { recursive: true });
  mkdirSync(join(folder, 'packages'));
  writeFileSync(join(folder, 'apps', 'web', 'dist', 'index.html'), '<!doctype html><title>Warren</title>');
  writeFileSync(join(folder, 'apps', 'web', 'dist', 'assets', 'x-1a2b3c.js'), 'export {};');
  running = [];
});
afterEach(async () => {
  for (const site of running) await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('on loopback', () => {
  test('serves page and API over HTTP, and tells what to do', async () => {
    const site = await start('--listen', '127.0.0.1:0');
    const origin = `http://localhost:${site.listening.port}`;
    expect(site.site.address.origin).toBe(origin);
    const page = await fetch(`${origin}/`);
    expect([page.status, await page.text()]).toEqual([200, '<!doctype html><title>Warren</title>']);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const asset = await fetch(`${origin}/assets/x-1a2b3c.js`);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    const state = await (await fetch(`${origin}/api/state`)).json();
    expect(state).toEqual({
      setup: true,
      bootstraps: [`ws://localhost:${site.listening.port}/bootstrap`],
      stun: [],
      version: '1.2.3',
    });
    const lines = welcome(site, join(folder, 'data'), folder).join('\n');
    expect(lines).toContain(`${origin}/#setup=`);
    expect(lines).toContain('./data');
    expect(lines).toContain(join(folder, 'state', 'warren', 'ca-key'));
  });

  test('the bootstrap node gets the same port for UDP, and the data folder', async () => {
    const asked: unknown[] = [];
    const site = await start('--listen', '127.0.0.1:0', async o => {
      asked.push([o.path, o.udp, o.dataDir]);
      expect(o.server.listening).toBe(true);
      return { peerId: '0'.repeat(40), stop: async () => {} };
    });
    const { port } = site.listening;
    expect(asked).toEqual([['/bootstrap', { host: '127.0.0.1', port }, join(folder, 'data')]]);
  });

  test('a second start keeps everything, and prints another set-up link only until there is an account', async () => {
    const first = await start('--listen', '127.0.0.1:0');
    await first.stop();
    const second = await start('--listen', '127.0.0.1:0');
    const token = first.setupLink?.split('#setup=')[1];
    expect(second.setupLink).not.toBe(first.setupLink);
    const { origin } = second.site.address;
    const body = JSON.stringify({ name: 'ada', displayName: 'Ada', password: 'correct horse', token });
    const headers = { origin, 'x-warren': '1', 'content-type': 'application/json' };
    expect((await fetch(`${origin}/api/signup`, { method: 'POST', headers, body })).status).toBe(200);
    await second.stop();
    const third = await start('--listen', '127.0.0.1:0');
    expect(third.setupLink).toBeUndefined();
    expect(welcome(third, folder, folder).join('\n')).toContain(`Sign in at ${third.site.address.origin}`);
    const signIn = { method: 'POST', headers: { ...headers, origin: third.site.address.origin }, body };
    expect((await fetch(`${third.site.address.origin}/api/signin`, signIn)).status).toBe(200);
  });

  test('stops within a second with idle, half-sent and upgraded connections', async () => {
    const site = await start('--listen', '127.0.0.1:0', async ({ server }) => {
      server.on('upgrade', (request, socket) => {
        if (request.url === '/bootstrap') socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      });
      return { peerId: '0'.repeat(40), stop: async () => {} };
    });
    const head = `Host: localhost:${site.listening.port}\r\n`;
    const texts = [
      '',
      `GET /healthz HTTP/1.1\r\n${head}\r\n`,
      `POST /api/signin HTTP/1.1\r\n${head}Content-Length: 99\r\nContent-Type: application/json\r\n\r\n{`,
      `GET /bootstrap HTTP/1.1\r\n${head}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ];
    const closed = texts.map(async text => {
      const socket = connect(site.listening.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(text);
      if (text.startsWith('GET')) await once(socket, 'data');
      socket.resume();
      return { gone: once(socket, 'close') };
    });
    const open = await Promise.all(closed);
    const began = Date.now();
    await site.stop();
    await Promise.all(open.map(socket => socket.gone));
    expect(Date.now() - began).toBeLessThan(1_000);
    await expect(fetch(`http://127.0.0.1:${site.listening.port}/healthz`)).rejects.toThrow();
  });
});

describe('off loopback', () => {
  test('speaks TLS with a key of its own that group files pin, and keeps it', async () => {
    const first = await start('--listen', '0.0.0.0:0');
    const { origin, pin, bootstraps } = first.site.address;
    expect(origin).toMatch(/^https:/);
    expect(bootstraps).toEqual([`${origin.replace('https', 'wss')}/bootstrap`]);
    expect(first.site.address.stun).toEqual([`stun:${new URL(origin).host}`]);
    expect(await pinSeen(first.listening.port)).toBe(pin);
    await first.stop();
    const second = await start('--listen', '0.0.0.0:0');
    expect(second.site.address.pin).toBe(pin);
  });

  test('behind a proxy it uses the name of the proxy, speaks HTTP on loopback and pins nothing', async () => {
    const site = await start('--listen', '127.0.0.1:0', '--public-url', 'https://warren.example');
    expect(site.site.address).toMatchObject({
      origin: 'https://warren.example',
      bootstraps: ['wss://warren.example/bootstrap'],
      tls: false,
    });
    expect(site.site.address.pin).toBeUndefined();
    expect(site.setupLink).toMatch(/^https:\/\/warren\.example\/#setup=/);
    const call = async (host: string, origin: string): Promise<number | undefined> => {
      const headers = { host, origin, 'x-warren': '1' };
      const sent = request({ port: site.listening.port, method: 'POST', path: '/api/signout', headers }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      return answer.statusCode;
    };
    expect(await call('warren.example', 'https://warren.example')).toBe(200);
    expect(await call('127.0.0.1', 'https://warren.example')).toBe(200);
    expect(await call('warren.example', 'https://evil.example')).toBe(403);
    expect(await call('evil.example', 'https://warren.example')).toBe(421);
  });
});

describe('a start that fails', () => {
  test('says which port is taken and what to do', async () => {
    const site = await start('--listen', '127.0.0.1:0');
    const { port } = site.listening;
    expect(await failure('--data', 'other', '--listen', `127.0.0.1:${port}`)).toBe(
      `The TCP address 127.0.0.1:${port} is taken by another program. ` +
        `Stop that, or choose another: npm start -- --listen 127.0.0.1:${port + 1}`,
    );
  });

  test('says that another site uses the folder', async () => {
    await start('--listen', '127.0.0.1:0');
    expect(await failure('--listen', '127.0.0.1:0')).toContain('another process holds the database');
  });

  test('says that the data folder is a file, or its database is none', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(await failure('--data', 'file', '--listen', '127.0.0.1:0')).toContain('cannot be made');
    mkdirSync(join(folder, 'junk'));
    writeFileSync(join(folder, 'junk', 'site.db'), 'x'.repeat(5_000));
    expect(await failure('--data', 'junk', '--listen', '127.0.0.1:0')).toContain('site.db is no database');
  });

  test('says that a folder cannot be there, instead of trying for ever', async () => {
    const main = join(import.meta.dirname, 'main.ts');
    const argv = [main, '--listen', '127.0.0.1:0', '--data', '/proc/warren'];
    const settings = { cwd: folder, env: { XDG_STATE_HOME: join(folder, 'state') }, timeout: 20_000, killSignal: 9 };
    const told = spawnSync(process.execPath, argv, { ...settings, encoding: 'utf8' });
    expect(told).toMatchObject({ status: 1, stderr: expect.stringContaining('cannot be made there') });
    expect(await failure('--data', 'x'.repeat(300), '--listen', '127.0.0.1:0')).toContain('too long');
  });

  test('leaves nothing running when the bootstrap node cannot start', async () => {
    let port = 0;
    const broken: AttachBootstrap = async ({ udp }) => {
      port = udp?.port ?? 0;
      throw Object.assign(new Error(`UDP 127.0.0.1:${port} is in use: choose another.`), { code: 'EADDRINUSE' });
    };
    const options = parseOptions(['--listen', '127.0.0.1:0'], folder);
    const error: unknown = await startSite(options, around(broken)).catch(thrown => thrown);
    expect(explain(error, options)).toMatch(
      /^UDP 127.0.0.1:\d+ is in use: choose another. The option is --bootstrap-udp.$/,
    );
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    await start('--listen', '127.0.0.1:0');
  });

  test('refuses to keep the CA key in the data folder', async () => {
    expect(await failure('--data', '.', '--listen', '127.0.0.1:0')).toContain('Set XDG_STATE_HOME');
    expect(existsSync(join(folder, 'state'))).toBe(false);
  });

  test('has exit code 2 for wrong usage and 0 for help', () => {
    const code = (...argv: string[]): unknown => {
      try {
        return parseOptions(argv, folder);
      } catch (error) {
        return (error as { exitCode?: number }).exitCode;
      }
    };
    const quiet = process.stderr.write;
    const silent = process.stdout.write;
    const told: unknown[] = [];
    process.stderr.write = process.stdout.write = text => told.push(text) > 0;
    try {
      expect(code('--listen', 'nowhere')).toBe(2);
      expect(code('--listen', '127.0.0.1:70000')).toBe(2);
      expect(code('--public-url', 'http://warren.example')).toBe(2);
      expect(code('--public-url', 'https://warren.example/path')).toBe(2);
      expect(code('--nonsense')).toBe(2);
      expect(code('stray')).toBe(2);
      expect(code('--data', '')).toBe(2);
      expect(told.join('')).toContain('Give the path of a folder');
      expect(code('--help')).toBe(0);
    } finally {
      process.stderr.write = quiet;
      process.stdout.write = silent;
    }
  });
});

const standIn: AttachBootstrap = async () => ({ peerId: '0'.repeat(40), stop: async () => {} });

function around(attachBootstrap: AttachBootstrap): Surroundings {
  return {
    root: folder,
    version: '1.2.3',
    environment: { XDG_STATE_HOME: join(folder, 'state') },
    log: () => {},
    passphrase: async () => undefined,
    attachBootstrap,
    interrupted: new AbortController().signal,
  };
}

async function start(...argv: (string | AttachBootstrap)[]): Promise<RunningSite> {
  const options = parseOptions(
    argv.filter(arg => typeof arg === 'string'),
    folder,
  );
  const attach = argv.find(arg => typeof arg === 'function') ?? standIn;
  const site = await startSite(options, around(attach));
  running.push(site);
  return site;
}

async function failure(...argv: string[]): Promise<string> {
  const options = parseOptions(argv, folder);
  const error: unknown = await startSite(options, around(standIn)).catch(thrown => thrown);
  return explain(error, options);
}

async function pinSeen(port: number): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const spki = socket.getPeerX509Certificate()?.publicKey.export({ format: 'der', type: 'spki' });
  socket.destroy();
  return toBase64Url(
    new Uint8Array(
      createHash('sha256')
        .update(spki ?? '')
        .digest(),
    ),
  );
}

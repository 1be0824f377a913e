/** The system's resolver in a folder that stands for `/`: used, and put back whatever happened between. */
import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemResolver } from './system-resolver.ts';

const FORMER =
  'nameserver 192.0.2.53\nnameserver 192.0.2.54\nnameserver 192.0.2.55\nsearch example.org\noptions ndots:2\n';
const HOME = { server: '10.128.0.1', search: ['ada.home.warren', 'home.warren'] };
const WORK = { server: '10.9.0.1', search: ['ada.work.warren', 'work.warren'] };

let root: string;
let file: string;
let before: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'warren-resolver-'));
  await mkdir(join(root, 'etc'));
  file = join(root, 'etc/resolv.conf');
  before = join(root, 'etc/resolv.conf.before-warren');
});
afterEach(() => rm(root, { recursive: true }));

describe('resolv.conf', () => {
  test('names our server first, keeps former ones behind it, and is put back', async () => {
    await writeFile(file, FORMER);
    const resolver = make();
    await resolver.use('wr0', HOME);
    const [, ...lines] = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines).toEqual([
      'nameserver 10.128.0.1',
      'nameserver 192.0.2.53',
      'nameserver 192.0.2.54',
      'search ada.home.warren home.warren example.org',
      'options ndots:2',
    ]);
    expect(await resolver.upstreams()).toEqual(['192.0.2.53', '192.0.2.54', '192.0.2.55']);
    await resolver.stop();
    await asBefore();
  });

  test('names several groups, and no longer one that was left', async () => {
    await writeFile(file, FORMER);
    const resolver = make();
    await resolver.use('wr0', HOME);
    await resolver.use('wr1', WORK);
    expect(await readFile(file, 'utf8')).toContain('nameserver 10.128.0.1\nnameserver 10.9.0.1\n');
    await resolver.use('wr0', undefined);
    expect(await readFile(file, 'utf8')).not.toContain('10.128.0.1');
    await resolver.use('wr1', undefined);
    await asBefore();
  });

  test('is put back at the next start after a kill', async () => {
    await writeFile(file, FORMER);
    await make().use('wr0', HOME);
    const said: string[] = [];
    const next = make(line => said.push(line));
    expect(await next.upstreams()).toEqual(['192.0.2.53', '192.0.2.54', '192.0.2.55']);
    await asBefore();
    expect(said).toHaveLength(1);
  });

  test('that was a link is one again', async () => {
    await writeFile(join(root, 'etc/real'), FORMER);
    await symlink('real', file);
    const resolver = make();
    await resolver.use('wr0', HOME);
    expect((await lstat(file)).isSymbolicLink()).toBe(false);
    expect(await readFile(join(root, 'etc/real'), 'utf8')).toBe(FORMER);
    await resolver.stop();
    expect(await readlink(file)).toBe('real');
    expect(existsSync(before)).toBe(false);
  });

  test('that somebody else wrote meanwhile is left as it is', async () => {
    await writeFile(file, FORMER);
    const resolver = make();
    await resolver.use('wr0', HOME);
    await writeFile(file, 'nameserver 192.0.2.99\n');
    await resolver.stop();
    expect(await readFile(file, 'utf8')).toBe('nameserver 192.0.2.99\n');
    expect(existsSync(before)).toBe(false);
  });

  test('that cannot be written is said, and nothing is thrown', async () => {
    await mkdir(file);
    const said: string[] = [];
    await make(line => said.push(line)).use('wr0', HOME);
    expect(said).toHaveLength(1);
  });
});

describe('systemd-resolved', () => {
  test('is told of server and names, and to forget them; resolv.conf stays as it is', async () => {
    await mkdir(join(root, 'run/systemd/resolve'), { recursive: true });
    await writeFile(join(root, 'run/systemd/resolve/resolv.conf'), 'nameserver 192.0.2.1\n');
    await writeFile(file, 'nameserver 127.0.0.53\n');
    const told: string[] = [];
    const resolver = make(
      () => {},
      async (...args) => told.push(args.join(' ')),
    );
    await resolver.use('wr0', HOME);
    await resolver.use('wr0', { ...HOME });
    await resolver.stop();
    expect(told).toEqual([
      'dns wr0 10.128.0.1',
      'domain wr0 ada.home.warren home.warren',
      'default-route wr0 no',
      'revert wr0',
    ]);
    expect(await resolver.upstreams()).toEqual(['192.0.2.1']);
    expect(await readFile(file, 'utf8')).toBe('nameserver 127.0.0.53\n');
  });
});

function make(
  log: (line: string) => void = () => {},
  resolvectl?: (...args: readonly string[]) => Promise<unknown>,
): SystemResolver {
  return new SystemResolver({ root, log, ...(resolvectl === undefined ? {} : { resolvectl }) });
}

async function asBefore(): Promise<void> {
  expect(await readFile(file, 'utf8')).toBe(FORMER);
  expect(existsSync(before)).toBe(false);
}

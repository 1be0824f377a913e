import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { keepSettings, keptSettings } from './kept.ts';
import { fromEnvironment, fromFile, fromFiles, resolve } from './sources.ts';
import { DEFAULTS, printSetting, readSetting, SETTING_NAMES } from './table.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-settings-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the table', () => {
  test.each(SETTING_NAMES)('the default of %s is read back as it is printed', name => {
    expect(readSetting(name, printSetting(DEFAULTS[name]))).toEqual(DEFAULTS[name]);
  });

  test('no text makes it fail otherwise than with a sentence', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SETTING_NAMES), fc.string({ unit: 'binary' }), (name, text) => {
        try {
          readSetting(name, text);
        } catch (error) {
          expect((error as Error).message).toContain(`${name} is `);
        }
      }),
    );
  });

  test.each([
    ['exit-node', 'server,laptop.ada', ['server', 'laptop.ada']],
    ['exit-node', 'auto', 'auto'],
    ['routes', '192.168.7.0/24, 10.1.0.0/16', ['192.168.7.0/24', '10.1.0.0/16']],
    ['gateway', 'yes', true],
    ['relay', 'last-resort', 'last-resort'],
    ['only-users', 'ada,b.o_b', ['ada', 'b.o_b']],
    ['only-teams', 'ops, build-2', ['ops', 'build-2']],
    ['not-teams', '', []],
  ] as const)('%s=%s', (name, text, value) => {
    expect(readSetting(name, text)).toEqual(value);
  });

  test.each([
    ['exit-node', ''],
    ['exit-node', '-x'],
    ['routes', '192.168.7.1/24'],
    ['gateway', 'maybe'],
    ['udp-port', '65536'],
    ['relay', 'sometimes'],
    ['not-users', 'Ada'],
    ['only-teams', 'a.b'],
    ['not-teams', '-ops'],
    ['not-teams', 'x'.repeat(17)],
  ] as const)('%s=%s is refused', (name, text) => {
    expect(() => readSetting(name, text)).toThrow(`${name} is `);
  });
});

describe('sources', () => {
  test('the command line before the environment before `set` before files before the default', () => {
    const { values, sources } = resolve([
      { source: 'command line', texts: { gateway: 'on' } },
      { source: 'environment', texts: { gateway: 'off', relay: 'never' } },
      { source: 'set', texts: { relay: 'always', lan: 'off' } },
      { source: 'file /etc/x', texts: { lan: 'on', udp: 'off' } },
    ]);
    expect(values).toEqual({ ...DEFAULTS, gateway: true, relay: 'never', lan: false, udp: false });
    expect([sources.gateway, sources.relay, sources.lan, sources.udp, sources.dns]).toEqual([
      'command line',
      'environment',
      'set',
      'file /etc/x',
      'default',
    ]);
  });

  test('a bad value says where it stands', () => {
    expect(() => resolve([fromEnvironment({ WARREN_EXIT_NODE: '!' })])).toThrow('(environment)');
    expect(() => resolve([{ source: 'command line', texts: { gateway: '?' } }])).toThrow('gateway is on or off');
  });

  test('a file in TOML, with lists, numbers and switches', () => {
    const text = 'exit-node = ["a", "b.c"]\nudp-port = 41641\n# note\ngateway = true\n';
    expect(fromFile('/f', text).texts).toEqual({ 'exit-node': 'a,b.c', 'udp-port': '41641', gateway: 'true' });
  });

  test.each([
    ['gatway = true', 'line 1: there is no setting "gatway"'],
    ['\ngateway = "perhaps"', 'line 2: gateway is on or off'],
    ['gateway = tru', 'line 1'],
    ['\n\n[gateway]\nx = 1', 'line 3'],
  ])('mistakes are named with their line: %j', (text, said) => {
    expect(() => fromFile('/f', text)).toThrow(Failure);
    expect(() => fromFile('/f', text)).toThrow(said);
  });

  test('a file that was named must be there, others need not', async () => {
    const terminal = { env: { XDG_CONFIG_HOME: folder }, isRoot: false };
    await expect(fromFiles(terminal, join(folder, 'none.toml'))).rejects.toThrow('There is no file');
    expect(await fromFiles(terminal, undefined)).toEqual([]);
  });
});

describe('what `set` stores', () => {
  test('is there again, changed and taken back, and leaves no other file', async () => {
    await keepSettings(folder, { gateway: 'on', relay: 'never' });
    await keepSettings(folder, { relay: undefined, lan: 'off' });
    expect((await keptSettings(folder)).texts).toEqual({ gateway: 'on', lan: 'off' });
    expect(await readdir(folder)).toEqual(['settings.json']);
  });

  test.each(['', '[]', '{"gateway": 1}', '{"gateway": "perhaps"}'])('a damaged file is an error: %j', async text => {
    await writeFile(join(folder, 'settings.json'), text);
    await expect(keptSettings(folder)).rejects.toThrow('damaged');
    await expect(keepSettings(folder, { lan: 'on' })).rejects.toThrow('damaged');
    expect(await readFile(join(folder, 'settings.json'), 'utf8')).toBe(text);
  });
});

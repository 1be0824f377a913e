/**
 * Where settings come from: the command line before the environment before
 * `warren set` before the configuration files before the default. A mistake in
 * any of them is an error that says where it is.
 */
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { SettingsAnswer } from '../control-api.ts';
import { Exit, Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import {
  DEFAULTS,
  isSetting,
  printSetting,
  readSetting,
  SETTING_NAMES,
  type SettingName,
  type Settings,
} from './table.ts';

/** Where a value was said. */
export type Source = 'command line' | 'environment' | 'set' | 'default' | `file ${string}`;

/** What holds, and on whose word. */
export interface Resolved {
  readonly values: Settings;
  readonly sources: Readonly<Record<SettingName, Source>>;
}

/** Texts by name, as a person writes them. */
export type Texts = Readonly<Partial<Record<SettingName, string>>>;

/** One source with its texts. */
export interface Said {
  readonly source: Source;
  readonly texts: Texts;
}

const SYSTEM_CONFIG = '/etc/warren';

/** Puts sources together; earlier ones win. Throws a `Failure` that says where a bad value stands. */
export function resolve(said: readonly Said[]): Resolved {
  const values: Record<string, unknown> = { ...DEFAULTS };
  const sources = Object.fromEntries(SETTING_NAMES.map(name => [name, 'default'])) as Record<SettingName, Source>;
  for (const { source, texts } of [...said].reverse()) {
    for (const [name, text] of Object.entries(texts) as [SettingName, string][]) {
      values[name] = checked(name, text, source);
      sources[name] = source;
    }
  }
  return { values: values as unknown as Settings, sources };
}

function checked<N extends SettingName>(name: N, text: string, source: Source): Settings[N] {
  try {
    return readSetting(name, text);
  } catch (error) {
    const where = source === 'command line' ? '' : ` (${source})`;
    throw new Failure('bad-setting', `${(error as Error).message}${where}`, undefined, Exit.usage);
  }
}

/** Settings as they are shown; `restart` are those that a running daemon does not go by yet. */
export function settingsAnswer({ values, sources }: Resolved, restart: readonly SettingName[] = []): SettingsAnswer {
  const shown = SETTING_NAMES.map(name => [name, { value: printSetting(values[name]), source: sources[name] }]);
  return { schema: 1, settings: Object.fromEntries(shown) as SettingsAnswer['settings'], restart };
}

/** What the environment says: `WARREN_EXIT_NODE=auto`. */
export function fromEnvironment(env: NodeJS.ProcessEnv): Said {
  const texts: Record<string, string> = {};
  for (const name of SETTING_NAMES) {
    const text = env[variableOf(name)];
    if (text !== undefined) texts[name] = text;
  }
  return { source: 'environment', texts };
}

/** The environment's name for a setting. */
export function variableOf(name: SettingName): string {
  return `WARREN_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * What the configuration files say, the last first: `config.toml`, then `conf.d/*.toml` by name. `chosen` is a file that
 * the person named, which must be there.
 */
export async function fromFiles(
  { env, isRoot }: Pick<Terminal, 'env' | 'isRoot'>,
  chosen: string | undefined,
): Promise<Said[]> {
  if (chosen !== undefined) {
    const text = await readIfThere(chosen);
    if (text !== undefined) return [fromFile(chosen, text)];
    throw new Failure('no-config', `There is no file ${chosen}.`, 'Check --config.', Exit.usage);
  }
  const folder = isRoot ? SYSTEM_CONFIG : userConfig(env);
  const more = (await readdir(join(folder, 'conf.d')).catch(() => [])).filter(name => name.endsWith('.toml')).sort();
  const said: Said[] = [];
  for (const file of [join(folder, 'config.toml'), ...more.map(name => join(folder, 'conf.d', name))]) {
    const text = await readIfThere(file);
    if (text !== undefined) said.push(fromFile(file, text));
  }
  return said.reverse();
}

/** Reads one configuration file. */
export function fromFile(file: string, text: string): Said {
  const source = `file ${file}` as const;
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed(file, text))) {
    const where = `${file}, line ${lineOf(text, name)}`;
    if (!isSetting(name)) {
      const hint = `Settings are ${SETTING_NAMES.join(', ')}.`;
      throw new Failure('bad-config', `${where}: there is no setting ${JSON.stringify(name)}.`, hint, Exit.usage);
    }
    const words = Array.isArray(value) ? value : [value];
    if (words.some(word => !['string', 'number', 'boolean', 'bigint'].includes(typeof word))) {
      throw new Failure('bad-config', `${where}: ${name} is no text, number or list.`, undefined, Exit.usage);
    }
    texts[name] = words.join(',');
    try {
      readSetting(name, texts[name]);
    } catch (error) {
      throw new Failure('bad-config', `${where}: ${(error as Error).message}`, undefined, Exit.usage);
    }
  }
  return { source, texts };
}

function parsed(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.split('\n');
    const message = `${file}, line ${error.line}: ${what?.replace('Invalid TOML document: ', '')}.`;
    throw new Failure('bad-config', message, `${basename(file)} is written in TOML.`, Exit.usage);
  }
}

function lineOf(text: string, name: string): number {
  const line = text.split('\n').findIndex(each =>
    each
      .trimStart()
      .replace(/^["'[]+/, '')
      .startsWith(name),
  );
  return line + 1;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Failure('bad-config', `Cannot read ${file} (${code}).`, 'Check its permissions.');
  }
}

function userConfig(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CONFIG_HOME;
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.config'), 'warren');
}

/** `warren set` and `warren get`: settings that last, on a running daemon or for the next one. */
import type { Command } from 'commander';
import { columns } from '../columns.ts';
import type { SettingsAnswer } from '../control-api.ts';
import { Exit, Failure } from '../failure.ts';
import { placesFor } from '../places.ts';
import { keepSettings, keptSettings } from '../settings/kept.ts';
import { fromEnvironment, fromFiles, resolve, type Said, settingsAnswer } from '../settings/sources.ts';
import { isSetting, readSetting, SETTING_NAMES, SETTINGS, type SettingName } from '../settings/table.ts';
import { type CommonOptions, type Context, clientFor, type Verb } from './common.ts';

const LIST = SETTING_NAMES.map(name => {
  const { values, about } = SETTINGS[name];
  return `  ${name.padEnd(17)} ${about} (${values})`;
}).join('\n');

export function describeSet(command: Command): Command {
  return command
    .description('Change settings for good: nothing else changes them, `warren up` least of all.')
    .argument('<setting=value...>', 'an empty value takes the setting back')
    .addHelpText(
      'after',
      `
Examples:
  $ sudo warren set exit-node=auto            all Internet traffic through the best gateway
  $ sudo warren set exit-node=server.ada      through this one only
  $ sudo warren set exit-node=off
  $ sudo warren set gateway=on gateway-capacity=100
  $ sudo warren set relay=                    as the configuration file says, or the default

Settings:
${LIST}`,
    );
}

export function describeGet(command: Command): Command {
  return command
    .description('Show settings, and on whose word they hold.')
    .argument('[setting]', 'one only')
    .addHelpText(
      'after',
      `
Examples:
  $ warren get
  $ warren get exit-node
  $ warren get --json | jq -r .settings.relay.value`,
    );
}

export const set: Verb<object> = async (words, options, context) => {
  const changes = readChanges(words);
  const answer = await withOrWithout(
    () => clientFor(options, context).set(changes),
    async () => {
      const { stateDir } = placesFor(options, context.terminal);
      const texts = Object.entries(changes).map(([name, text]) => [name, text === '' ? undefined : text]);
      await keepSettings(stateDir, Object.fromEntries(texts));
      return offline(options, context);
    },
  );
  show(answer, Object.keys(changes), options, context);
  if (answer.restart.length > 0 && !options.json) {
    context.terminal.out(`From the next start on: ${answer.restart.join(', ')} (\`warren down\`, then \`warren up\`).`);
  }
  return Exit.ok;
};

export const get: Verb<object> = async ([name], options, context) => {
  if (name !== undefined && !isSetting(name)) throw noSetting(name);
  const answer = await withOrWithout(
    () => clientFor(options, context).settings(),
    () => offline(options, context),
  );
  show(answer, name === undefined ? SETTING_NAMES : [name], options, context);
  return Exit.ok;
};

/** Reads `name=value` words; all of them are checked before anything is changed. */
function readChanges(words: readonly string[]): Record<string, string> {
  const changes: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    if (!isSetting(name)) throw noSetting(name);
    if (at < 0) throw new Failure('usage', `What shall ${name} be?`, `Write ${name}=VALUE.`, Exit.usage);
    const text = word.slice(at + 1);
    if (text !== '') checkValue(name, text);
    changes[name] = text;
  }
  return changes;
}

function checkValue(name: SettingName, text: string): void {
  try {
    readSetting(name, text);
  } catch (error) {
    throw new Failure('usage', (error as Error).message, 'See `warren help set`.', Exit.usage);
  }
}

function noSetting(name: string): Failure {
  return new Failure('usage', `There is no setting '${name}'.`, 'See `warren help set`.', Exit.usage);
}

async function withOrWithout<T>(ask: () => Promise<T>, alone: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'not-running') throw error;
    return alone();
  }
}

/** What the next daemon would go by. */
async function offline(options: CommonOptions, { terminal }: Context): Promise<SettingsAnswer> {
  const { stateDir } = placesFor(options, terminal);
  const said: Said[] = [
    fromEnvironment(terminal.env),
    await keptSettings(stateDir),
    ...(await fromFiles(terminal, options.config)),
  ];
  return settingsAnswer(resolve(said));
}

function show(answer: SettingsAnswer, names: readonly string[], options: CommonOptions, { terminal }: Context): void {
  if (options.json) {
    terminal.out(JSON.stringify(answer));
    return;
  }
  const rows = names.map(name => {
    const { value, source } = answer.settings[name as SettingName];
    return [name, value === '' ? '-' : value, source];
  });
  for (const line of columns([['SETTING', 'VALUE', 'FROM'], ...rows])) terminal.out(line);
}

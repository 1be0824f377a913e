/**
 * Where the passphrase of the CA keys comes from: a file named in the
 * environment, or the terminal, without echo. Never from the command line,
 * where other users of the machine can read it.
 */
import { readFileSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import { SiteError } from './errors.ts';

/**
 * How to get a passphrase when it is needed; it answers `undefined` when none is configured.
 * `ask` is whether to ask at the terminal for a new database, too.
 */
export function passphraseSource(
  environment: NodeJS.ProcessEnv,
  ask: boolean,
  terminal: { input: ReadStream; output: WriteStream },
): () => Promise<string | undefined> {
  const file = environment.WARREN_CA_PASSPHRASE_FILE;
  if (file !== undefined && file !== '') return async () => fromFile(file);
  if (!ask) return async () => undefined;
  return async () => {
    if (terminal.input.isTTY) return checked(await prompt(terminal.input, terminal.output), 'what you typed');
    const hint = 'Name a file in WARREN_CA_PASSPHRASE_FILE instead.';
    throw new SiteError(503, 'no-terminal', 'There is no terminal to ask for the passphrase.', hint);
  };
}

function fromFile(file: string): string {
  try {
    return checked(readFileSync(file, 'utf8').replace(/\r?\n$/, ''), `the file ${file}`);
  } catch (error) {
    if (error instanceof SiteError) throw error;
    const hint = 'Correct WARREN_CA_PASSPHRASE_FILE.';
    throw new SiteError(503, 'ca-passphrase', `The passphrase file cannot be read: ${(error as Error).message}.`, hint);
  }
}

function checked(passphrase: string, source: string): string {
  if (passphrase.length >= 8) return passphrase;
  const hint = 'Choose a longer one; a few random words are good.';
  throw new SiteError(503, 'ca-passphrase', `A passphrase has 8 characters or more; ${source} has fewer.`, hint);
}

async function prompt(input: ReadStream, output: WriteStream): Promise<string> {
  output.write('Passphrase of the CA keys: ');
  input.setRawMode(true);
  let typed = '';
  try {
    for await (const chunk of input) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return typed;
        if (character === '\u0003') throw new SiteError(503, 'interrupted', 'Stopped.');
        typed = character === '\u007f' ? typed.slice(0, -1) : typed + character;
      }
    }
    return typed;
  } finally {
    input.setRawMode(false);
    output.write('\n');
  }
}

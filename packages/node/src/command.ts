/** Programs of the system, such as `ip` and `nft`. Arguments go to them as they are, never through a shell. */
import { execFile } from 'node:child_process';

const TIMEOUT_MS = 10_000;
/** Rule sets of machines with many containers are long. */
const OUTPUT_MAX_BYTES = 64 << 20;

/** A program that failed; `code` is `ENOENT` where it is missing, else absent. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

export interface CommandOptions {
  /** What it reads on its standard input; nothing by default. */
  readonly input?: string;
  /** After so long it is ended; 10 s by default. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end. Resolves with what it printed; rejects with a `CommandError` of what it said. */
export function runCommand(
  program: string,
  args: readonly string[],
  { input = '', timeoutMs = TIMEOUT_MS }: CommandOptions = {},
): Promise<string> {
  // Ordinary users' PATH leaves out the folders of these programs.
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  const options = { timeout: timeoutMs, maxBuffer: OUTPUT_MAX_BYTES, env };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') reject(new CommandError(missing(program), 'ENOENT'));
      else reject(new CommandError(said(program, args, stderr.trim() || error.message), undefined));
    });
    // A program that ends without reading its input says why itself.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

function missing(program: string): string {
  const from = program === 'ip' ? 'iproute2' : program === 'nft' ? 'nftables' : program;
  return `The command \`${program}\` is missing: install ${from}.`;
}

function said(program: string, args: readonly string[], words: string): string {
  const permission = /not permitted|permission denied|must be root/i.test(words);
  const what = permission ? ' Run as root, or with CAP_NET_ADMIN.' : '';
  return `\`${program} ${args.join(' ')}\` failed: ${words}${what}`;
}

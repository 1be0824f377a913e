/**
 * Where the command prints and what it was started with: the process, a test, or
 * a daemon in the background that tells its parent. Colours are the system's
 * business (`NO_COLOR`, pipes).
 */
import { styleText } from 'node:util';
import type { FailureData } from './failure.ts';
import type { Step } from './progress.ts';

/** What a daemon in the background tells the command that started it. */
export type BackgroundMessage = { readonly step: Step } | { readonly failure: FailureData };

export type Style = 'plain' | 'bold' | 'dim' | 'warning';

export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly isRoot: boolean;
  /** A line for standard output. */
  out(line: string): void;
  /** A line for standard error. */
  err(line: string): void;
  paint(style: Style, text: string): string;
  /** Tells the parent of a daemon in the background; absent in the foreground. */
  readonly tell?: (message: BackgroundMessage) => void;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // Who reads our lines may go away, as in `warren up | head`.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const terminal: Terminal = {
    env: process.env,
    cwd: process.cwd(),
    isRoot: process.getuid?.() === 0,
    out: line => void process.stdout.write(`${line}\n`),
    err: line => void process.stderr.write(`${line}\n`),
    paint: (style, text) => (style === 'plain' ? text : styleText(FORMATS[style], text, { stream: process.stdout })),
  };
  return process.env.WARREN_BACKGROUND === '1' && process.send !== undefined ? inBackground(terminal) : terminal;
}

const FORMATS = { bold: 'bold', dim: 'dim', warning: 'yellow' } as const;

/** Lines go to a log file and carry the time; steps go to the parent as well, as long as it listens. */
function inBackground(terminal: Terminal): Terminal {
  process.channel?.unref();
  const dated = (line: string): string => `${new Date().toISOString()} ${line}`;
  return {
    ...terminal,
    out: line => terminal.out(dated(line)),
    err: line => terminal.err(dated(line)),
    tell: message => {
      if (process.connected) process.send?.(message, undefined, undefined, () => {});
    },
  };
}

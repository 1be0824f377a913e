/**
 * A program that runs in a namespace of a lab: its lines, its end, its death.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** Lines kept for `line` and for error messages. */
const LINES_MAX = 2_000;
/** How long output may stay open after the end. */
const OUTPUT_PATIENCE_MS = 300;

/** How a process ended. */
export interface Exit {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  /** Added to the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Hears each line of both outputs. */
  readonly onLine?: (line: string) => void;
  /** Whether `tell` will be used; else its standard input is empty. */
  readonly isTold?: boolean;
}

/** A running program. */
export class LabProcess {
  /** The process id of the program itself: `ip netns exec` becomes it. */
  readonly pid: number;
  /** Resolves when it has ended and its output is read; descendants may hold that open longer. */
  readonly exit: Promise<Exit>;
  private readonly dead: Promise<Exit>;
  /** The last lines of both outputs, at most 2,000. */
  readonly lines: string[] = [];
  private readonly child: ChildProcess;
  private readonly name: string;
  private readonly listeners = new Set<() => void>();
  private ended: Exit | undefined;
  private outputEnded = false;

  /** `argv` begins with the program, found in `env.PATH`; `name` is for messages. Use `Lab.spawn`. */
  constructor(name: string, argv: readonly [string, ...string[]], options: SpawnOptions) {
    const [program, ...args] = argv;
    const env = { ...process.env, ...options.env };
    this.name = name;
    this.child = spawn(program, args, {
      env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: [options.isTold === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    for (const output of [this.child.stdout, this.child.stderr]) {
      if (output !== null) createInterface({ input: output }).on('line', line => this.hear(line, options.onLine));
    }
    this.exit = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        this.outputEnded = true;
        this.wake();
        resolve({ code, signal });
      });
    });
    this.dead = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('exit', (code, signal) => {
        this.ended = { code, signal };
        resolve(this.ended);
      });
    });
    // Whoever does not wait for the end does not hear of it.
    this.exit.catch(() => this.wake());
    // What is written to a program that has ended is lost.
    this.child.stdin?.on('error', () => {});
    this.dead.catch(() => {});
    if (this.child.pid === undefined) throw new Error(`${name} does not start`);
    this.pid = this.child.pid;
  }

  get running(): boolean {
    return this.ended === undefined;
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Sends a signal; default SIGTERM. Nothing happens once it has ended. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.running) this.child.kill(signal);
  }

  /** The memory that it has, not counting its children's. It has to be running. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
  }

  /**
   * SIGTERM, and SIGKILL if that does not end it in time. Waits for its last lines, but not long for those of
   * descendants.
   */
  async stop(patienceMs = 3_000): Promise<Exit> {
    this.kill('SIGTERM');
    const killer = setTimeout(() => this.kill('SIGKILL'), patienceMs);
    const exit = await this.dead.finally(() => clearTimeout(killer));
    await Promise.race([this.exit, new Promise(resolve => setTimeout(resolve, OUTPUT_PATIENCE_MS))]);
    return exit;
  }

  /** The first line that fits, seen already or still to come. Rejects at the end of the process or of patience. */
  async line(fits: RegExp, patienceMs = 20_000): Promise<RegExpExecArray> {
    const giveUp = Date.now() + patienceMs;
    for (let from = 0; ; ) {
      for (; from < this.lines.length; from++) {
        const match = fits.exec(this.lines[from] as string);
        if (match !== null) return match;
      }
      if (this.outputEnded || Date.now() >= giveUp) {
        const why = !this.outputEnded ? `within ${patienceMs} ms` : 'before its end';
        throw new Error(
          `${this.name} printed no line like ${fits} ${why}; it said:\n${this.lines.slice(-30).join('\n')}`,
        );
      }
      await this.news(giveUp - Date.now());
    }
  }

  private hear(line: string, onLine: ((line: string) => void) | undefined): void {
    if (this.lines.length < LINES_MAX) this.lines.push(line);
    onLine?.(line);
    this.wake();
  }

  /** The next line or the end, or that patience ends. */
  private news(patienceMs: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      this.listeners.add(done);
    });
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

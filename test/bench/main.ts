/**
 * `npm run bench -- NAME`: one benchmark and its figures, as a table or as JSON.
 * Exit 0 only when what was measured is what was meant.
 */
import { parseArgs } from 'node:util';
import { install, skipReason } from '../netns/requirements.ts';
import type { Bench, BenchResult } from './bench.ts';
import { crypto } from './crypto.ts';
import { links } from './links.ts';
import { sessions } from './sessions.ts';
import { tabDuties } from './tab-duties.ts';

const BENCHES: Readonly<Record<string, Bench>> = { crypto, links, sessions, tabs: tabDuties };

const HELP = `Usage: npm run bench -- NAME [options]

${Object.entries(BENCHES)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  .join('\n')}

  --json      one JSON object on the last line of standard output:
              { name, seed, ok, figures, took }, took in seconds
  --seed N    repeats a run where chance is ours (default 1)
  --help      this text

Machines differ and are shared: compare ratios of one run, not numbers of two.

Examples:
  npm run bench -- links
  npm run bench -- sessions
  npm run bench -- links --json | tail -n 1
`;

interface Options {
  readonly name: string;
  readonly seed: number;
  readonly json: boolean;
}

const { name, seed, json } = readOptions();
const bench = BENCHES[name] as Bench;
const startedAt = performance.now();
const step = (line: string) => process.stderr.write(`[${seconds().toFixed(1).padStart(5)} s] ${line}\n`);

install(step);
const obstacle = skipReason(...bench.needs);
if (obstacle !== undefined) fail(`The benchmark cannot run here: ${obstacle}`, 1);
const { ok, why, figures } = await measured();
if (why !== undefined) step(`failed: ${why}`);
if (json) process.stdout.write(`${JSON.stringify({ name, seed, ok, figures, took: seconds() })}\n`);
else printTable(figures);
process.exit(ok ? 0 : 1);

async function measured(): Promise<BenchResult> {
  try {
    return await bench.run({ seed, step });
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error), figures: {} };
  }
}

function printTable(rows: BenchResult['figures']): void {
  const width = Math.max(0, ...Object.keys(rows).map(key => key.length));
  for (const [key, value] of Object.entries(rows)) process.stdout.write(`${key.padEnd(width)}  ${value}\n`);
}

function readOptions(): Options {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const [wanted, ...rest] = positionals;
    if (wanted === undefined || rest.length > 0) throw new Error('name one benchmark');
    if (!Object.hasOwn(BENCHES, wanted)) throw new Error(`there is no benchmark ${wanted}`);
    const number = Number(values.seed);
    if (!Number.isInteger(number) || number < 0 || number >= 2 ** 32)
      throw new Error('--seed takes a whole number below 2^32');
    return { name: wanted, seed: number, json: values.json };
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${HELP}`, 2);
  }
}

function seconds(): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

function fail(message: string, code: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

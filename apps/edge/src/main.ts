/** The process behind `bin/warren.js`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './program.ts';
import { processTerminal } from './terminal.ts';

const packageFile = join(import.meta.dirname, '..', 'package.json');
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
if (process.argv.includes('--no-color')) process.env.NO_COLOR = '1';
// Native threads and half-open sockets must not keep a finished command alive.
process.exit(await run(process.argv.slice(2), processTerminal(), version));

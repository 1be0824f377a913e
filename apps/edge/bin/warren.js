#!/usr/bin/env node
// The `warren` command on any Node from 20 up: an older one hands over to the Node that `npm ci` put beside the sources.
// Plain JavaScript, so that every Node reads it.
import { fileURLToPath } from 'node:url';
import { run } from './run.js';

await run(fileURLToPath(new URL('../src/main.ts', import.meta.url)), process.argv.slice(2), 'warren');

#!/usr/bin/env node
// The `warren` command on any Node from 20 up. The sources are TypeScript, which Node runs by itself from 22.18 on; an
// older one hands over to the Node that `npm ci` put beside them. Plain JavaScript, so that every Node reads it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(import.meta.url);

if (process.features.typescript) await import('../src/main.ts');
else handOver();

function handOver() {
  const node = pinnedNode();
  if (node === undefined || process.env.WARREN_HANDED_OVER === '1') {
    const wanted = `node-${process.platform}-${process.arch}`;
    console.error(
      `warren: This is Node ${process.versions.node}, and Warren needs 22.18 or newer. ` +
        `Install that, or run \`npm ci\` in ${resolve(dirname(LAUNCHER), '..', '..', '..')}, ` +
        `which brings one along where there is an npm package ${wanted}.`,
    );
    process.exit(1);
  }
  const env = { ...process.env, WARREN_HANDED_OVER: '1' };
  const child = spawn(node, [LAUNCHER, ...process.argv.slice(2)], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', error => {
    console.error(`warren: ${node} does not start (${error.message}). Run \`npm ci\` again.`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

/** The Node from npm, in the nearest `node_modules` that has one. */
function pinnedNode() {
  for (let folder = dirname(LAUNCHER); ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
    if (existsSync(node)) return node;
    if (dirname(folder) === folder) return undefined;
  }
}

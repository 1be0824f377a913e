// Runs one of our TypeScript programs on Node 24, whatever Node npm was started with:
//   node apps/edge/bin/run.js apps/site/src/main.ts [arguments]
// `npm ci` puts Node 24 beside the sources as a package. npm 11 also puts it first in the PATH of scripts; npm 10 does
// not. Plain JavaScript, so that every Node reads it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import * as modules from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const WANTED_MAJOR = 24;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const HERE = dirname(fileURLToPath(import.meta.url));

/** Runs `script` in this process where it is new enough, else in the pinned Node. `name` begins what goes wrong. */
export async function run(script, args, name) {
  if (process.features.typescript && Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR) {
    const folder = compiled();
    if (folder !== undefined) modules.enableCompileCache(folder);
    process.argv = [process.argv[0], script, ...args];
    await import(pathToFileURL(script).href);
  } else handOver(script, args, name);
}

function handOver(script, args, name) {
  const node = pinnedNode();
  if (node === undefined) {
    console.error(
      `${name}: This is Node ${process.versions.node}, and Warren needs ${WANTED_MAJOR} or newer. Install that, or run ` +
        `\`npm ci\` in ${resolve(HERE, '..', '..', '..')}, which brings one along where there is an npm package ` +
        `node-${process.platform}-${process.arch}.`,
    );
    process.exit(1);
  }
  const folder = compiled();
  const env = {
    ...process.env,
    ...(folder === undefined ? {} : { NODE_COMPILE_CACHE: folder }),
    PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
  };
  const child = spawn(node, [script, ...args], { stdio: 'inherit', env });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', error => {
    console.error(`${name}: ${node} does not start (${error.message}). Run \`npm ci\` again.`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const each of SIGNALS) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  });
}

/**
 * The folder for code that earlier runs compiled, which more than halves what a start costs; `undefined`: none. What is in it
 * is run as it is, so nobody but this user may write there.
 */
function compiled() {
  const isRoot = process.geteuid?.() === 0;
  const caches = isRoot ? '/var/cache' : process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(process.env.CACHE_DIRECTORY || join(caches, 'warren'), 'compiled');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    return uid === process.geteuid?.() && (mode & 0o022) === 0 ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** The Node from npm, in the nearest `node_modules` that has one. */
function pinnedNode() {
  for (let folder = HERE; ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
    if (existsSync(node)) return node;
    if (dirname(folder) === folder) return undefined;
  }
}

const [, self, script, ...args] = process.argv;
if (script !== undefined && self !== undefined && resolve(self) === fileURLToPath(import.meta.url)) {
  await run(resolve(script), args, 'npm');
}

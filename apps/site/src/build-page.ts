/**
 * Builds the page with Vite when it is missing or older than its sources, so
 * that `npm start` is one command.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SiteError } from './errors.ts';
import { PAGE_DIR } from './options.ts';

const IGNORED: ReadonlySet<string> = new Set(['dist', 'node_modules']);

/** Builds the page of the repository at `root` if that is needed. Throws with what Vite says when it fails. */
export async function buildPage(root: string, say: (line: string) => void, stop: AbortSignal): Promise<void> {
  const built = modified(join(root, PAGE_DIR, 'index.html'));
  if (built !== undefined && built >= newestSource(root)) return;
  const vite = join(root, 'node_modules', '.bin', 'vite');
  if (!existsSync(vite)) {
    if (built !== undefined) return say('Vite is not installed: serving the page as it was built before.');
    throw new SiteError(503, 'page', 'The page is not built, and Vite is not installed.', 'Run npm ci first.');
  }
  say('Building the page, once after each change (some seconds) ...');
  const started = Date.now();
  await runVite(realpathSync(vite), root, stop);
  say(`The page is built (${((Date.now() - started) / 1000).toFixed(1)} s).`);
}

function newestSource(root: string): number {
  const packages = readdirSync(join(root, 'packages')).map(name => join(root, 'packages', name, 'src'));
  const sources = [
    join(root, 'apps', 'web'),
    ...packages,
    join(root, 'vite.config.ts'),
    join(root, 'package-lock.json'),
  ];
  return Math.max(...sources.map(newest));
}

function newest(path: string): number {
  const time = modified(path) ?? 0;
  if (time === 0 || !statSync(path).isDirectory()) return isTest(path) ? 0 : time;
  const inside = readdirSync(path).filter(name => !IGNORED.has(name));
  return Math.max(0, ...inside.map(name => newest(join(path, name))));
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.endsWith('.test.tsx');
}

function modified(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

async function runVite(vite: string, root: string, stop: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [vite, 'build'], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const end = (): void => void child.kill();
  stop.addEventListener('abort', end);
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 2_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  stop.removeEventListener('abort', end);
  if (code === 0 || stop.aborted) return;
  const hint = 'Run npm ci, then npm start again.';
  throw new SiteError(503, 'page', `The page could not be built:\n${complaint.trim()}\n`, hint);
}

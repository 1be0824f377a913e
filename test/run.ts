/**
 * `npm test`: types, style, then all tests, and one summary line for the whole.
 * `npm run check` is the same without long simulations, real browsers and namespaces; `npm run test:deep`
 * runs what takes minutes for one thing alone. Installs
 * with apt-get what tests need where it may; otherwise names it in one line,
 * and the tests that need it are counted as skipped with their reason.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { install } from './netns/requirements.ts';

const ROOT = resolve(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const fast = process.argv.includes('--fast');
const deep = process.argv.includes('--deep');
/** On a build machine with root nothing may be skipped. */
const strict = process.env.CI === 'true' && process.getuid?.() === 0;

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const total: Count = { passed: 0, failed: 0, skipped: 0 };
const startedAt = performance.now();

if (deep) {
  install(line => process.stdout.write(`${line}\n`));
  tests('deep');
} else all();
const failed = total.failed > 0 || (strict && !fast && total.skipped > 0);
if (strict && !fast && total.skipped > 0) process.stdout.write('nothing may be skipped here (CI=true and root)\n');
process.stdout.write(`took ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exit(failed ? 1 : 0);

function all(): void {
  command('types', ['tsc', '-p', 'tsconfig.json']);
  command('types of pure packages', ['tsc', '-p', 'packages/tsconfig.pure.json']);
  command('style', ['node', 'test/biome.ts', 'check', '.']);
  tests('fast');
  if (fast) return;
  install(line => process.stdout.write(`${line}\n`));
  command('the page', ['vite', 'build', '--logLevel', 'warn']);
  tests('long');
  tests('real');
}

/** One check that is a program; counts as one test. */
function command(name: string, [program, ...args]: [string, ...string[]]): void {
  process.stdout.write(`-- ${name}\n`);
  const { status } = spawnSync(join(BIN, program), args, { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) total.passed++;
  else total.failed++;
}

/** One Vitest project; its counts come from its own report. */
function tests(project: 'fast' | 'long' | 'real' | 'deep'): void {
  process.stdout.write(`-- tests: ${project}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'warren-tests-'));
  const report = join(folder, 'report.json');
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(join(BIN, 'vitest'), args, { cwd: ROOT, stdio: 'inherit' });
  const before = total.failed;
  try {
    const found = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
    total.passed += found.numPassedTests;
    total.failed += found.numFailedTests;
    total.skipped += found.numPendingTests + found.numTodoTests;
    for (const reason of skipReasons(found)) process.stdout.write(`skipped: ${reason}\n`);
  } catch {
    // No report: Vitest itself failed, which its status says.
  }
  if (status !== 0 && total.failed === before) total.failed++;
  rmSync(folder, { recursive: true, force: true });
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly assertionResults: readonly { status: string; fullName: string }[] }[];
}

function skipReasons(report: VitestReport): string[] {
  const results = report.testResults.flatMap(file => file.assertionResults);
  return results
    .filter(result => result.status === 'pending' || result.status === 'skipped')
    .map(result => result.fullName);
}

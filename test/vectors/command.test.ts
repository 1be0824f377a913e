/** `npm run vectors` as a person or a script meets it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'warren-vectors-'));

test('exits 0 and prints a line a file when all passes, and one object with --json', async () => {
  const path = join(HERE, 'wycheproof/hkdf-sha256.json');
  const [shown, json] = await Promise.all([vectors('wycheproof', path, path), vectors('wycheproof', path, '--json')]);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout.match(/^3\/3 passed \(noble 3\/3, openssl 3\/3\)$/gm)).toHaveLength(2);
  expect(JSON.parse(json.stdout)).toMatchObject({
    kind: 'wycheproof',
    file: path,
    passed: 3,
    total: 3,
    failed: [],
    skipped: {},
  });
});

test('exits 1 and names what failed', async () => {
  const path = join(folder, 'wrong.json');
  const tests = [{ tcId: 7, key: '', msg: '', tag: '00'.repeat(32), result: 'valid' }];
  const testGroups = [{ type: 'MacTest', keySize: 0, tagSize: 256, tests }];
  writeFileSync(path, JSON.stringify({ algorithm: 'HMACSHA256', testGroups }));
  const { code, stdout } = await vectors('wycheproof', path);
  expect(code).toBe(1);
  expect(stdout).toContain('0/1 passed');
  expect(stdout).toContain('FAILED tcId 7 (noble): it is refused and should be accepted');
});

test('exits 2 with the next step when it cannot even begin', async () => {
  const broken = join(folder, 'broken.json');
  writeFileSync(broken, 'version https://git-lfs.github.com/spec/v1');
  const wrongKind = join(HERE, 'x509/warren.json');
  const runs = await Promise.all([
    vectors(),
    vectors('cavp', 'x'),
    vectors('noise'),
    vectors('noise', join(folder, 'absent.json')),
    vectors('noise', broken),
    vectors('noise', wrongKind),
    vectors('noise', '--fast'),
  ]);
  expect(runs.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 2, 2]);
  const said = runs.map(({ stderr }) => stderr);
  expect(said[1]).toContain('try one of noise, wycheproof, x509-limbo');
  expect(said[3]).toContain('ENOENT');
  expect(said[4]).toContain('Git LFS');
  expect(said[5]).toContain('no list `vectors`');
  expect(said.every(text => !text.includes('    at '))).toBe(true);
});

test('--help has examples', async () => {
  const { code, stdout } = await vectors('--help');
  expect(code).toBe(0);
  expect(stdout).toContain('npm run vectors -- noise test/vectors/noise/cacophony.json');
});

function vectors(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(HERE, 'main.ts'), ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  return new Promise(resolve => child.on('close', code => resolve({ code, stdout, stderr })));
}

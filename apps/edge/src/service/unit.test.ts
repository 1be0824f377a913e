import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../testing.ts';
import { UNIT_NAME, unitText } from './unit.ts';

test('paths with blanks, percent and dollar signs stay themselves', () => {
  const text = unitText({ node: '/opt/my node/bin/node', launcher: '/srv/100%/$x/warren.js' });
  expect(text).toContain('ExecStart="/opt/my node/bin/node" "/srv/100%%/$$x/warren.js" up --state /var/lib/warren');
  expect(() => unitText({ node: 'node', launcher: '/x' })).toThrow(RangeError);
});

test('Node needs memory that is both written and run', () => {
  expect(unitText({ node: '/n', launcher: '/w' })).not.toContain('MemoryDenyWriteExecute');
});

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;
test.skipIf(!analyze)('systemd finds nothing wrong with it (skipped where systemd-analyze is missing)', () => {
  const folder = testFolder(onTestFinished);
  const file = join(folder, UNIT_NAME);
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin', 'warren');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(file, unitText({ node: process.execPath, launcher: program }));
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  expect(stderr.split('\n').filter(line => line.includes(UNIT_NAME))).toEqual([]);
});

/**
 * The package star, enforced: who may import whom, what pure packages may touch, and the shape of packages. The rules
 * and their reasons are in `rules.ts`. Planted violations show that each rule is seen when it is broken.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sentence, violations } from './check.ts';
import { HARMLESS, PLANTS, SOUND, workspaceWith } from './planted.ts';
import { PURE, RULES } from './rules.ts';
import { readWorkspace } from './workspace.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('this workspace', () => {
  const files = readWorkspace(ROOT);

  test('keeps every rule', () => {
    expect(violations(files).map(sentence)).toEqual([]);
  });

  test('is read whole', () => {
    const expected = [
      'packages/wire/src/id.ts',
      'packages/peer/src/peer.ts',
      'apps/site/src/main.ts',
      'apps/web/src/main.tsx',
    ];
    for (const path of [...expected, 'packages/sim/package.json', 'signaling/package.json'])
      expect([...files.keys()]).toContain(path);
    expect([...files.keys()].filter(path => path.includes('node_modules') || path.includes('/dist/'))).toEqual([]);
  });

  test('compiles as pure what the rules call pure', () => {
    const settings = JSON.parse(readFileSync(join(ROOT, 'packages/tsconfig.pure.json'), 'utf8')) as {
      include: string[];
    };
    expect(settings.include.map(path => path.replace(/\/.*/, '')).sort()).toEqual(Object.keys(PURE).sort());
  });
});

describe('the check', () => {
  test('finds nothing in a sound workspace', () => {
    expect(violations(workspaceWith(SOUND)).map(sentence)).toEqual([]);
  });

  test.each(PLANTS)('finds $what, under "$rule" alone', ({ rule, files }) => {
    const found = violations(workspaceWith(files));
    expect(found.length, 'nothing was found').toBeGreaterThan(0);
    expect(found.map(violation => (violation.rule === rule ? rule : sentence(violation)))).toEqual(
      found.map(() => rule),
    );
  });

  test.each(HARMLESS)('lets $what pass', ({ files }) => {
    expect(violations(workspaceWith(files)).map(sentence)).toEqual([]);
  });

  test('has a planted violation for every rule, and a reason', () => {
    expect([...new Set(PLANTS.map(({ rule }) => rule))].sort()).toEqual(Object.keys(RULES).sort());
    for (const reason of Object.values(RULES)) expect(reason.length).toBeGreaterThan(40);
  });

  test('says where, what, which rule and why', () => {
    const [violation] = violations(workspaceWith({ 'packages/wire/src/index.ts': "\n\nimport '@warren/link';\n" }));
    expect(violation && sentence(violation)).toBe(
      `packages/wire/src/index.ts:3 imports @warren/link [star: ${RULES.star}]`,
    );
  });
});

/**
 * Violations on purpose, at least one for each rule: a small sound workspace, and changes of single files in it. Each
 * must be reported under exactly its rule, or the check is blind. Beside them, what only looks like a violation.
 */
import type { Rule } from './rules.ts';

/** Files of the workspace that a plant replaces or adds, by path. */
export type Files = Readonly<Record<string, string>>;

/** One violation. */
export interface Plant {
  readonly rule: Rule;
  readonly what: string;
  readonly files: Files;
}

/** A workspace in which every kind of package does what it may. */
export const SOUND: Files = {
  'packages/base/package.json': manifest([]),
  'packages/base/src/index.ts': "export { assert } from './assert.ts';\n",
  'packages/base/src/assert.ts': 'export function assert(): void {}\n',
  'packages/wire/package.json': manifest(['@warren/base', '@noble/hashes']),
  'packages/wire/src/index.ts':
    "import { assert } from '@warren/base';\nimport { sha256 } from '@noble/hashes/sha2.js';\n",
  'packages/link/package.json': manifest(['@warren/base', '@warren/wire', '@warren/session', 'ipaddr.js']),
  'packages/link/src/index.ts': "export { Sessions } from '@warren/session';\nimport ipaddr from 'ipaddr.js';\n",
  'packages/peer/package.json': manifest(['@warren/link', '@peculiar/x509']),
  'packages/peer/src/peer.ts': "import { Links } from '@warren/link';\nimport '@peculiar/x509';\n",
  'packages/node/package.json': manifest(['@warren/peer', '@warren/wire', 'ws']),
  'packages/node/src/index.ts': "import type { Host } from '@warren/peer';\nimport ws from 'ws';\nimport 'node:fs';\n",
  'packages/browser/package.json': manifest(['@warren/peer']),
  'packages/browser/src/index.ts': "import type { Host } from '@warren/peer';\nawait fetch('/');\n",
  'apps/site/package.json': manifest(['@warren/peer', '@warren/node', '@warren/signaling']),
  'apps/site/src/main.ts':
    "import '@warren/peer';\nimport '@warren/node';\nimport '@warren/signaling';\nimport 'node:http';\n",
  'apps/web/package.json': manifest(['@warren/browser', 'preact']),
  'apps/web/src/main.tsx': "import { render } from 'preact';\nawait import('@warren/browser');\n",
  'signaling/package.json': manifest(['@warren/node']),
  'signaling/src/index.ts': "import '@warren/node';\n",
};

/** What must be found, and under which rule. */
export const PLANTS: readonly Plant[] = [
  plant('star', 'base imports wire', 'packages/base/src/assert.ts', "import '@warren/wire';"),
  plant('star', 'wire imports link', 'packages/wire/src/index.ts', "import { Links } from '@warren/link';"),
  plant('star', 'a type crosses the star', 'packages/link/src/index.ts', "import type { Vpn } from '@warren/vpn';"),
  plant('star', 'a re-export crosses it', 'packages/link/src/index.ts', "export * from '@warren/dht';"),
  plant('star', 'a type query crosses it', 'packages/link/src/index.ts', "type A = import('@warren/trust').Authority;"),
  plant('star', 'a pure package imports peer', 'packages/wire/src/index.ts', "import '@warren/peer';"),
  plant('star', 'peer imports a host', 'packages/peer/src/peer.ts', "import '@warren/node';"),
  plant('star', 'a host imports a host', 'packages/node/src/index.ts', "import '@warren/sim';"),
  plant('star', 'a host imports an app', 'packages/node/src/index.ts', "import '@warren/site';"),
  plant('star', 'an app imports an app', 'apps/web/src/main.tsx', "import '@warren/site';"),
  plant('star', 'another app imports signaling', 'apps/web/src/main.tsx', "import '@warren/signaling';"),
  plant('star', 'a package imports itself by name', 'packages/wire/src/index.ts', "import '@warren/wire';"),
  {
    rule: 'unknown-package',
    what: 'a package that the star does not know',
    files: { 'packages/utils/package.json': manifest([]) },
  },
  {
    rule: 'one-host',
    what: 'an app with two hosts',
    files: {
      'apps/web/package.json': manifest(['@warren/browser', '@warren/node']),
      'apps/web/src/main.tsx': "import '@warren/browser';\n",
      'apps/web/src/other.ts': "import '@warren/node';\n",
    },
  },
  plant('declared', 'one of ours that is not declared', 'packages/node/src/index.ts', "import '@warren/base';"),
  plant('declared', 'a library that is not declared', 'packages/node/src/index.ts', "import 'koffi';"),
  plant('declared', 'a lazy import that is not declared', 'apps/web/src/main.tsx', "await import('@warren/peer');"),
  plant('declared', 'a required module', 'apps/web/bin/start.js', "require('commander');"),
  plant(
    'deep-import',
    'a file of another package',
    'packages/wire/src/index.ts',
    "import '@warren/base/src/assert.ts';",
  ),
  plant('deep-import', 'a lazy one', 'apps/site/src/main.ts', "await import('@warren/node/tap');"),
  {
    rule: 'exports',
    what: 'a package with a second entry',
    files: { 'packages/base/package.json': '{ "exports": { ".": "./src/index.ts", "./time": "./src/time.ts" } }' },
  },
  { rule: 'exports', what: 'a package without exports', files: { 'packages/base/package.json': '{ "main": "x.js" }' } },
  plant('outside', 'a path into another package', 'packages/wire/src/index.ts', "import '../../base/src/assert.ts';"),
  plant(
    'outside',
    'a path into a package with a longer name',
    'packages/link/src/a.ts',
    "import '../../link2/src/b.ts';",
  ),
  plant('outside', 'a path to the tests', 'apps/site/src/main.ts', "export * from '../../../test/laws/codec-laws.ts';"),
  plant('third-party', 'a library in a pure package', 'packages/wire/src/index.ts', "import { x } from 'lodash';"),
  plant('third-party', 'a name that begins like a listed one', 'packages/wire/src/index.ts', "import 'cborg-extra';"),
  plant('built-in', 'Node in a pure package', 'packages/wire/src/index.ts', "import { readFileSync } from 'node:fs';"),
  plant('built-in', 'Node without its prefix', 'packages/wire/src/index.ts', "import { randomBytes } from 'crypto';"),
  plant('built-in', 'Node in peer', 'packages/peer/src/peer.ts', "import 'node:crypto';"),
  plant('built-in', 'Node in the page', 'apps/web/src/main.tsx', "import 'node:events';"),
  pure('clock', 'Date.now()'),
  pure('clock', 'new Date()'),
  pure('clock', 'performance.now()'),
  pure('clock', '((at: Date) => at)'),
  pure('chance', 'Math.random()'),
  pure('chance', "Math['random']()"),
  pure('chance', '(({ random }) => random())(Math)'),
  pure('chance', 'crypto.getRandomValues(new Uint8Array(4))'),
  pure('timer', 'setTimeout(() => {}, 1)'),
  pure('timer', 'setInterval(() => {}, 1)'),
  pure('timer', 'queueMicrotask(() => {})'),
  pure('timer', 'setImmediate'),
  pure('promise', 'Promise.resolve()'),
  pure('promise', '(later: Promise<void>) => later'),
  pure('promise', 'async () => {}'),
  plant('promise', 'an async method', 'packages/wire/src/index.ts', 'export class Machine { async run() {} }'),
  plant('promise', 'a waiting module', 'packages/wire/src/index.ts', 'await 1;'),
  plant('promise', 'a waiting loop', 'packages/wire/src/index.ts', 'for await (const each of []) each;'),
  pure('promise', "import('./lazy.ts')"),
  pure('host-global', "fetch('http://localhost')"),
  pure('host-global', "console.log('hello')"),
  pure('host-global', 'process.env'),
  pure('host-global', 'Buffer.alloc(4)'),
  pure('host-global', 'globalThis'),
  pure('host-global', '{ console }'),
  pure('host-global', 'new WebSocket()'),
  pure('host-global', 'new TextEncoder()'),
  pure('host-global', "eval('1')"),
  pure('host-global', 'import.meta.url'),
  plant('host-global', 'a global under a false name', 'packages/wire/src/index.ts', 'declare const now: () => number;'),
  plant(
    'host-global',
    'a local name elsewhere',
    'packages/wire/src/index.ts',
    'const f = (fetch: 1) => fetch; fetch();',
  ),
  {
    rule: 'host-global',
    what: 'a name that only another file declares',
    files: { 'packages/wire/src/a.ts': 'function fetch() {}\n', 'packages/wire/src/b.ts': 'fetch();\n' },
  },
  plant('erasable', 'an enum', 'apps/web/src/main.tsx', 'export enum Colour { Red }'),
  plant('erasable', 'a const enum', 'packages/node/src/index.ts', 'const enum Colour { Red }'),
  plant(
    'erasable',
    'a parameter property',
    'packages/wire/src/index.ts',
    'class A { constructor(private readonly b: 1) {} }',
  ),
  plant('erasable', 'a namespace', 'packages/wire/src/index.ts', 'namespace Bytes { export const a = 1; }'),
  plant('erasable', 'import =', 'packages/node/src/index.ts', "import ws = require('ws');"),
  plant('erasable', 'export =', 'packages/node/src/index.ts', 'export = 1;'),
  {
    rule: 'peer-size',
    what: 'peer.ts of 300 lines',
    files: { 'packages/peer/src/peer.ts': '// a line\n'.repeat(300) },
  },
];

/** What must not be reported although it looks like the above. */
export const HARMLESS: readonly { readonly what: string; readonly files: Files }[] = [
  harmless('comments', "// Date.now() and import '@warren/link'\n/* enum Colour { Red } */ /** Promise */"),
  harmless('strings', "export const text = 'Date.now()' + `import '@warren/link'; console.log(1)`;"),
  harmless(
    'local names',
    'export const f = (process: number, fetch: number) => { const crypto = process; return crypto + fetch; };',
  ),
  harmless('properties', 'export const f = (suite: { crypto: { fetch: 1 } }) => suite.crypto.fetch;'),
  harmless(
    'keys and methods',
    'export const a = { process: 1, setTimeout() {} }; export class B { console = 1; fetch() {} }',
  ),
  harmless(
    'members of types',
    'export interface A { performance: 1; fetch(): void } export type B = { Date: 1 }["Date"];',
  ),
  harmless('destructured names', 'export const f = ({ process: own }: { process: 1 }) => own;'),
  harmless(
    'mathematics',
    'export const f = (a: number) => Math.floor(a) + Math.PI + Number(BigInt(1)) + JSON.stringify([]).length;',
  ),
  harmless('library types', 'export type A = Readonly<Record<string, ReadonlyMap<string, Iterable<Uint8Array>>>>;'),
  harmless('own names from imports', "import { Date, crypto } from './own.ts'; export const a = [new Date(), crypto];"),
  harmless('labels', 'fetch: for (;;) break fetch;'),
  harmless('enumerated values', 'export const Colour = { RED: 1 } as const; export type enumeration = 1;'),
  {
    what: 'declarations',
    files: { 'packages/node/src/x.d.ts': "declare module 'y' {\n  import ws = require('ws');\n}\n" },
  },
  {
    what: 'tests',
    files: { 'packages/wire/src/a.test.ts': "import 'vitest';\nimport '../../base/src/x.ts';\nDate.now();\n" },
  },
  { what: 'peer.ts of 299 lines', files: { 'packages/peer/src/peer.ts': '// a line\n'.repeat(299) } },
  { what: 'listed libraries', files: { 'packages/link/src/a.ts': "import 'ipaddr.js';\n" } },
  { what: 'relative paths within a package', files: { 'packages/wire/src/deep/a.ts': "import '../index.ts';\n" } },
];

/** The sound workspace with some files in other words. */
export function workspaceWith(files: Files): Map<string, string> {
  return new Map(Object.entries({ ...SOUND, ...files }));
}

function plant(rule: Rule, what: string, path: string, code: string): Plant {
  return { rule, what, files: { [path]: `${SOUND[path] ?? ''}${code}\n` } };
}

function pure(rule: Rule, expression: string): Plant {
  return plant(
    rule,
    `${expression} in a pure package`,
    'packages/wire/src/index.ts',
    `export const it = ${expression};`,
  );
}

function harmless(what: string, code: string): { what: string; files: Files } {
  return { what, files: { 'packages/wire/src/harmless.ts': `${code}\n` } };
}

function manifest(dependencies: readonly string[]): string {
  const versions = Object.fromEntries(dependencies.map(name => [name, '*']));
  return JSON.stringify({ exports: { '.': './src/index.ts' }, dependencies: versions });
}

/**
 * Checks a workspace, given as texts by path, against the rules. Test files (`*.test.ts`) are free: a test may use
 * whatever shows that the code is right. Reads nothing itself; see `workspace.ts`.
 */
import { builtinModules } from 'node:module';
import type ts from 'typescript';
import { impurities } from './purity.ts';
import { APP_EXTRAS, HOSTS, IN_PAGE, PEER_LINES, PURE, RULES, type Rule, THIRD_PARTY_IN_PURE } from './rules.ts';
import { type Finding, type Import, importsOf, parse, unerasable } from './source.ts';

/** One broken rule. */
export interface Violation extends Finding {
  readonly rule: Rule;
  /** From the top of the workspace. */
  readonly path: string;
}

/** One workspace package. */
interface Package {
  /** `packages/wire`, `apps/site`, `signaling`. */
  readonly folder: string;
  /** Last part of the folder, which is the name behind `@warren/`. */
  readonly name: string;
  readonly manifest: Manifest;
  /** Sources that the rules apply to, by path. */
  readonly sources: ReadonlyMap<string, ts.SourceFile>;
}

interface Manifest {
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Prints a violation with the reason of its rule. */
export function sentence({ path, line, what, rule }: Violation): string {
  return `${path}:${line} ${what} [${rule}: ${RULES[rule]}]`;
}

/** All violations among `files`: manifests and sources of packages, by path from the top of the workspace. */
export function violations(files: ReadonlyMap<string, string>): Violation[] {
  const packages = packagesOf(files);
  return [...packages.flatMap(violationsOf), ...impure(packages), ...peerSize(files)];
}

function violationsOf(each: Package): Violation[] {
  const found = [...unplaced(each), ...closed(each), ...oneHost(each)];
  for (const [path, source] of each.sources) {
    for (const finding of unerasable(source)) found.push({ ...finding, path, rule: 'erasable' });
    for (const use of importsOf(source)) {
      const rule = ruleBrokenBy(use, path, each);
      if (rule !== undefined) found.push({ line: use.line, what: use.what, path, rule });
    }
  }
  return found;
}

/** The first rule that an import breaks; the others would only repeat it. */
function ruleBrokenBy({ specifier }: Import, path: string, each: Package): Rule | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('/'))
    return leaves(each, path, specifier) ? 'outside' : undefined;
  const { name, isWhole } = packageNamed(specifier);
  if (isBuiltIn(specifier)) return runsInPage(each) ? 'built-in' : undefined;
  const ours = /^@warren\/(.+)$/.exec(name)?.[1];
  if (ours !== undefined && !isWhole) return 'deep-import';
  if (ours !== undefined && !mayImport(each, ours)) return 'star';
  if (ours === undefined && isPure(each) && !isListed(name)) return 'third-party';
  return each.manifest.dependencies?.[name] === undefined ? 'declared' : undefined;
}

/** The star: whether a package may import another one of ours. */
function mayImport({ folder, name }: Package, imported: string): boolean {
  const isImportedPure = Object.hasOwn(PURE, imported);
  if (Object.hasOwn(PURE, name)) return PURE[name]?.includes(imported) ?? false;
  if (name === 'peer') return isImportedPure;
  if (HOSTS.includes(name)) return isImportedPure || imported === 'peer';
  const isForApps = isImportedPure || imported === 'peer' || HOSTS.includes(imported);
  return !folder.startsWith('packages/') && (isForApps || (APP_EXTRAS[name]?.includes(imported) ?? false));
}

function unplaced({ folder, name }: Package): Violation[] {
  if (!folder.startsWith('packages/') || isPlaced(name)) return [];
  return [
    { rule: 'unknown-package', path: `${folder}/package.json`, line: 1, what: `${name} has no place in the star` },
  ];
}

function closed({ folder, manifest }: Package): Violation[] {
  const { exports } = manifest;
  const isClosed = typeof exports === 'object' && exports !== null && Object.keys(exports).join() === '.';
  if (isClosed) return [];
  return [{ rule: 'exports', path: `${folder}/package.json`, line: 1, what: 'exports something else than "."' }];
}

/** An app's uses of any host but the first that it names. */
function oneHost({ folder, sources }: Package): Violation[] {
  if (folder.startsWith('packages/')) return [];
  const uses = [...sources].flatMap(([path, source]) => importsOf(source).map(use => ({ ...use, path })));
  const hosts = HOSTS.map(host => uses.find(({ specifier }) => specifier === `@warren/${host}`));
  const [, ...others] = hosts.filter(use => use !== undefined);
  return others.map(({ path, line, what }) => ({ rule: 'one-host', path, line, what }));
}

function impure(packages: readonly Package[]): Violation[] {
  return impurities(new Map(packages.filter(isPure).flatMap(({ sources }) => [...sources])));
}

function peerSize(files: ReadonlyMap<string, string>): Violation[] {
  const path = 'packages/peer/src/peer.ts';
  const lines = files.get(path)?.trimEnd().split('\n').length ?? 0;
  return lines < PEER_LINES ? [] : [{ rule: 'peer-size', path, line: PEER_LINES, what: `has ${lines} lines` }];
}

function packagesOf(files: ReadonlyMap<string, string>): Package[] {
  const manifests = [...files].filter(([path]) => path.endsWith('/package.json'));
  return manifests.map(([path, text]) => {
    const folder = path.replace(/\/package\.json$/, '');
    const sources = new Map<string, ts.SourceFile>();
    for (const [file, content] of files) {
      const isSource = file.startsWith(`${folder}/`) && /\.[cm]?[jt]sx?$/.test(file);
      if (isSource && !/\.test\.[jt]sx?$/.test(file)) sources.set(file, parse(file, content));
    }
    return { folder, name: folder.replace(/^.*\//, ''), manifest: JSON.parse(text) as Manifest, sources };
  });
}

/** `@warren/wire/src/id.ts` -> `@warren/wire`, not whole. */
function packageNamed(specifier: string): { name: string; isWhole: boolean } {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return { name, isWhole: name === specifier };
}

/** Whether a relative path leads out of the package. */
function leaves({ folder }: Package, path: string, specifier: string): boolean {
  const target = new URL(specifier, `file:///${path}`).pathname;
  return !target.startsWith(`/${folder}/`);
}

function isBuiltIn(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

function isListed(name: string): boolean {
  return THIRD_PARTY_IN_PURE.some(listed => (listed.endsWith('/') ? name.startsWith(listed) : name === listed));
}

function isPure({ folder, name }: Package): boolean {
  return folder.startsWith('packages/') && Object.hasOwn(PURE, name);
}

function runsInPage(each: Package): boolean {
  return isPure(each) || IN_PAGE.includes(each.name);
}

function isPlaced(name: string): boolean {
  return Object.hasOwn(PURE, name) || name === 'peer' || HOSTS.includes(name);
}

/**
 * Builds the page (apps/web) and holds the Vitest projects. Vitest reads this
 * file too, with mode `test`, and then must not take the page for its root.
 */
import { defineConfig } from 'vitest/config';

/** The page: `vite build` writes apps/web/dist, which the group site serves; `vite` serves it for development. */
const page = {
  root: 'apps/web',
  // The site of development, started with `npm start`, stands behind the page's own server.
  server: { proxy: { '/api': process.env.WARREN_SITE ?? 'http://localhost:8080' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Nothing inline: the content security policy allows only files of the site.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic' as const, importSource: 'preact' } },
};

/** Tests with real browsers, network namespaces or programs: one file at a time, since they time things on two cores. */
const REAL = [
  'test/browser/**',
  'test/netns/**',
  'test/contract/browser-*',
  'test/vectors/command.test.ts',
  'packages/node/src/shelf-crash.test.ts',
];
/** Whole groups under virtual time, and what tries very many cases: minutes of computing, and nothing is timed. */
const LONG = [
  'test/stories/**',
  'apps/lab/src/draw.test.ts',
  'apps/lab/src/scenarios/ring-scenarios.test.ts',
  'apps/lab/src/scenarios/mesh-scenarios.test.ts',
  'apps/lab/src/scenarios/nat-grid.test.ts',
  'packages/overlay/src/mesh.test.ts',
];
/** What takes half a minute or more for one thing, and shorter ones look at as well: `npm run test:deep`. */
const DEEP = [
  'test/netns/bad-files.test.ts',
  'test/netns/router.test.ts',
  'test/netns/sleep.test.ts',
  'packages/session/src/collisions-deep.test.ts',
  'test/netns/full-tunnel.test.ts',
  'test/stories/relay-figures.test.ts',
  'test/stories/relay-overlap.test.ts',
  'apps/lab/src/scenarios/nat-grid-tabs.test.ts',
];
const NOT_TESTS = ['**/node_modules/**', '**/dist/**', 'test/**/planted/**'];

/** The tests: `fast` and `long` need nothing but Node, `real` needs root and a browser (see test/run.ts). */
const tests = {
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['{packages,apps,signaling,test}/**/*.test.ts'],
          exclude: [...NOT_TESTS, ...REAL, ...LONG, ...DEEP],
          // All cores: nothing in these tests is timed against the wall.
          maxWorkers: '100%',
          expect: { poll: { timeout: 20_000 } },
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'long',
          include: LONG.map(files),
          exclude: [...NOT_TESTS, ...DEEP],
          maxWorkers: '100%',
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'real',
          include: REAL.map(files),
          exclude: [...NOT_TESTS, ...DEEP],
          fileParallelism: false,
          expect: { poll: { timeout: 20_000 } },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'deep',
          include: DEEP,
          exclude: NOT_TESTS,
          fileParallelism: false,
          expect: { poll: { timeout: 20_000 } },
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
};

export default defineConfig(({ mode }) => (mode === 'test' ? tests : page));

/** The tests that a pattern of folders or files stands for. */
function files(glob: string): string {
  return glob.endsWith('.ts') ? glob : `${glob.replace(/\*+$/, '')}*.test.ts`;
}

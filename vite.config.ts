/**
 * Builds the page (apps/web) and holds the Vitest projects. Vitest reads this
 * file too, with mode `test`, and then must not take the page for its root.
 */
import { defineConfig } from 'vite';

/** The page: `vite build` writes apps/web/dist, which the group site serves; `vite` serves it for development. */
const page = {
  root: 'apps/web',
  // The site of development, started with `npm start`, stands behind the page's own server.
  server: { proxy: { '/api': process.env['WARREN_SITE'] ?? 'http://localhost:8080' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Nothing inline: the content security policy allows only files of the site.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic' as const, importSource: 'preact' } },
};

/** The tests. */
const tests = {};

export default defineConfig(({ mode }) => (mode === 'test' ? tests : page));

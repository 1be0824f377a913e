/** A page of one script for tests that need no site: bundled from a source file, given to whoever opens it. */
import { build } from 'vite';

/** Files of a page by path, `/` first. */
export type PageFiles = ReadonlyMap<string, { readonly body: string; readonly contentType: string }>;

/** Bundles a page whose only script is `entry`; workers become files beside it. */
export async function bundlePage(entry: string): Promise<PageFiles> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, rolldownOptions: { input: entry, output: { codeSplitting: false } } },
  });
  const [{ output }] = (Array.isArray(built) ? built : [built]) as [{ output: Output[] }];
  const scripts = output.map(({ fileName, code, source }) => [`/${fileName}`, code ?? String(source)] as const);
  const main = output.find(({ type, isEntry }) => type === 'chunk' && isEntry === true)?.fileName ?? '';
  const html = `<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="/${main}"></script>`;
  return new Map([
    ['/', { body: html, contentType: 'text/html; charset=utf-8' }],
    ...scripts.map(([path, body]) => [path, { body, contentType: 'text/javascript' }] as const),
  ]);
}

interface Output {
  readonly type: string;
  readonly fileName: string;
  readonly isEntry?: boolean;
  readonly code?: string;
  readonly source?: string | Uint8Array;
}

/** Runs `session-rates.ts` in the main thread of a tab: bundles it, serves it on loopback, opens it in Chromium. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'vite';
import { launch } from '../browser/chromium.ts';
import type { TabAnswer, TabQuestion } from './session-page.ts';

/** Measures in a tab, which is closed afterwards. */
export async function measureInTab(question: TabQuestion): Promise<TabAnswer> {
  const script = await bundle(join(import.meta.dirname, 'session-page.ts'));
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>bench</title><script type="module">${script}</script>`);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'measureSessions' in globalThis);
    return await page.evaluate(given => globalThis.measureSessions(given), question);
  } finally {
    await browser.close();
    server.close();
  }
}

/** The page's script in one piece. */
async function bundle(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, rolldownOptions: { input: entry, output: { codeSplitting: false } } },
  });
  const [{ output }] = (Array.isArray(built) ? built : [built]) as [{ output: { type: string; code?: string }[] }];
  const script = output.find(({ type }) => type === 'chunk')?.code ?? '';
  // The end of a script in HTML, should it be part of a text.
  return script.replaceAll('</script', '<\\/script');
}

/** Runs `session-rates.ts` in the main thread of a tab: bundles it, serves it on loopback, opens it in Chromium. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { bundlePage } from '../browser/bundle.ts';
import { launch } from '../browser/chromium.ts';
import type { TabAnswer, TabQuestion } from './session-page.ts';

/** Measures in a tab, which is closed afterwards. */
export async function measureInTab(question: TabQuestion): Promise<TabAnswer> {
  const files = await bundlePage(join(import.meta.dirname, 'session-page.ts'));
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.contentType ?? 'text/plain' });
    response.end(file?.body);
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

/**
 * The host contract, kept by the host for a tab: in headless Chromium, on a
 * page built like the real one, without anything that its content security
 * policy forbids.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { launch, whyNoChromium } from '../browser/chromium.ts';
import type { Contract } from './browser-page.ts';
import { hostContract } from './host-contract.ts';

declare global {
  var contract: Contract;
}

describe.skipIf(whyNoChromium !== undefined)(
  whyNoChromium === undefined ? 'the host for a tab' : `the host for a tab (${whyNoChromium})`,
  () => {
    let server: Server;
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;
    let origin = '';

    beforeAll(async () => {
      const [files, started] = await Promise.all([bundle(), launch()]);
      browser = started;
      server = await serve(files);
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      context = await browser.newContext();
      page = await open();
    }, 60_000);

    afterAll(async () => {
      await browser?.close();
      server?.close();
    });

    async function open(): Promise<Page> {
      const opened = await context.newPage();
      await opened.goto(origin);
      await opened.waitForFunction(() => globalThis.contract !== undefined);
      return opened;
    }

    for (const { name } of hostContract) {
      test(name, { timeout: 60_000 }, async () => {
        expect(await page.evaluate(promise => globalThis.contract.run(promise), name)).toBeUndefined();
      });
    }

    test('an identity is Ed25519, survives a reload and cannot be exported', { timeout: 30_000 }, async () => {
      const other = await open();
      const before = await other.evaluate(() => globalThis.contract.identity('group-kept'));
      expect(before).toMatchObject({ algorithm: 'ed25519', exportable: false });
      await other.reload();
      await other.waitForFunction(() => globalThis.contract !== undefined);
      expect(await other.evaluate(() => globalThis.contract.identity('group-kept'))).toEqual(before);
      await other.close();
    });

    test('two tabs that ask for a new identity at once get the same one', { timeout: 30_000 }, async () => {
      const tabs = await Promise.all([open(), open()]);
      const [a, b] = await Promise.all(tabs.map(tab => tab.evaluate(() => globalThis.contract.identity('group-race'))));
      expect(a).toEqual(b);
      await Promise.all(tabs.map(tab => tab.close()));
    });

    test('datagrams cross a WebSocket one by one, and none that is too long', { timeout: 30_000 }, async () => {
      const seen = await page.evaluate(
        url => globalThis.contract.dial(url, [1, 16_385, 0, 16_384], 3),
        `${origin.replace('http', 'ws')}/echo`,
      );
      expect(seen).toEqual(['path-up', 'datagram 1', 'datagram 16384']);
    });

    test('text, and messages that are too long, are dropped; a server that hangs up shows', {
      timeout: 30_000,
    }, async () => {
      const seen = await page.evaluate(
        url => globalThis.contract.dial(url, [], 3),
        `${origin.replace('http', 'ws')}/hostile`,
      );
      expect(seen).toEqual(['path-up', 'datagram 3', 'path-down']);
    });

    test('faults #40 a slow receiver costs dropped datagrams, not memory', { timeout: 30_000 }, async () => {
      const { arrived, works } = await page.evaluate(() => globalThis.contract.flood());
      // 64 fill the megabyte that may wait; the channel takes some more meanwhile.
      expect(arrived).toBeGreaterThanOrEqual(32);
      expect(arrived).toBeLessThan(1_024);
      expect(works).toBe(true);
    });

    test('faults #35 an alarm comes while the timers of a hidden page stand still', { timeout: 30_000 }, async () => {
      const hidden = await open();
      const tookMs = await hidden.evaluate(() => globalThis.contract.hiddenAlarm(150));
      expect(tookMs).toBeGreaterThanOrEqual(150);
      expect(tookMs).toBeLessThan(5_000);
      await hidden.close();
    });

    test('one tab leads; another takes over when the first gives way', { timeout: 30_000 }, async () => {
      const [first, second] = await Promise.all([open(), open()]);
      expect(await first.evaluate(() => globalThis.contract.lead(false))).toBe(true);
      expect(await second.evaluate(() => globalThis.contract.lead(false))).toBe(false);
      expect(await second.evaluate(() => globalThis.contract.lead(true))).toBe(true);
      expect(await first.evaluate(() => globalThis.contract.hasLost())).toBe(true);
      expect(await first.evaluate(() => globalThis.contract.lead(false))).toBe(false);
      await second.close();
      await expect.poll(() => first.evaluate(() => globalThis.contract.lead(false))).toBe(true);
      await first.close();
    });
  },
);

/** The page's script and what belongs to it, by path. */
async function bundle(): Promise<Map<string, string | Uint8Array>> {
  const entry = fileURLToPath(new URL('./browser-page.ts', import.meta.url));
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, rolldownOptions: { input: entry, output: { entryFileNames: 'page.js' } } },
  })) as Rolldown.RolldownOutput;
  const files = new Map<string, string | Uint8Array>();
  for (const file of built.output) files.set(`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source);
  files.set('/', '<!doctype html><title>contract</title><script type="module" src="/page.js"></script>');
  return files;
}

async function serve(files: ReadonlyMap<string, string | Uint8Array>): Promise<Server> {
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    const type = request.url?.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(file === undefined ? 404 : 200, {
      'content-type': type,
      'content-security-policy': "default-src 'self'; connect-src 'self' ws: wss:",
    });
    response.end(file);
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket, { url }) => {
    if (url === '/echo') socket.on('message', data => socket.send(data, { binary: true }));
    else {
      for (const message of ['text', new Uint8Array(16_385), new Uint8Array(0), new Uint8Array(3)])
        socket.send(message);
      socket.close();
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return server;
}

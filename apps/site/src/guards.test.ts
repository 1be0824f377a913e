/**
 * Cross-site requests, rebound names, headers of every answer.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostName } from './guards.ts';
import { type Browser, newGroup, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };
let group: string;
beforeAll(async () => {
  started = await siteWithAda();
  group = await newGroup(started.ada);
});
afterAll(() => started.close());

const UNSAFE: readonly (readonly ['POST' | 'PUT' | 'DELETE', string])[] = [
  ['POST', '/api/signup'],
  ['POST', '/api/signin'],
  ['POST', '/api/signout'],
  ['POST', '/api/groups'],
  ['PUT', '/api/groups/GROUP/settings'],
  ['POST', '/api/groups/GROUP/invites'],
  ['DELETE', '/api/groups/GROUP/invites/0123456789abcdef'],
  ['POST', '/api/invites/preview'],
  ['POST', '/api/invites/accept'],
  ['POST', '/api/groups/GROUP/requests/bob/approve'],
  ['POST', '/api/groups/GROUP/requests/bob/deny'],
  ['POST', '/api/groups/GROUP/devices'],
  ['DELETE', '/api/groups/GROUP/members/bob'],
  ['PUT', '/api/groups/GROUP/members/bob/teams'],
  ['DELETE', '/api/groups/GROUP/devices/0123456789abcdef0123456789abcdef01234567'],
  ['PUT', '/api/groups/GROUP/devices/0123456789abcdef0123456789abcdef01234567/rights'],
];

describe.each(UNSAFE)('%s %s', (method, path) => {
  test.each([
    ['another origin', { origin: 'https://evil.example' }, 'foreign-origin'],
    ['another port of this machine', { origin: 'http://localhost:3000' }, 'foreign-origin'],
    ['no origin', { origin: '' }, 'foreign-origin'],
    ['an opaque origin', { origin: 'null' }, 'foreign-origin'],
    ['a plain form of this site', { 'x-warren': '' }, 'no-header'],
  ])('is refused from %s', async (_, headers, code) => {
    const browser = started.browser();
    browser.cookie = started.ada.cookie;
    browser.headers = { ...browser.headers, ...headers };
    const answer = await browser.call(method, path.replace('GROUP', group), {});
    expect([answer.status, answer.body.error.code]).toEqual([403, code]);
  });
});

test('the list of guarded routes is the list of all routes that change something', () => {
  const routes = started.app.printRoutes({ commonPrefix: false });
  const changing = [...routes.matchAll(/\((?:[A-Z, ]*)(POST|PUT|PATCH|DELETE)(?:[A-Z, ]*)\)/g)];
  const proveThemselves = ['/api/enrol', '/api/renew'];
  expect(changing).toHaveLength(UNSAFE.length + proveThemselves.length);
});

test.each(['evil.example', 'localhost.evil.example:8080', 'localhost@evil.example', 'a b'])(
  'a request for the host "%s" is refused on every path',
  async host => {
    const browser = started.browser();
    browser.headers = { ...browser.headers, host };
    for (const path of ['/', '/healthz', '/api/state', '/api/nothing', `/api/groups/${group}/revocations`]) {
      const answer = await browser.get(path);
      expect([answer.status, answer.body.error.code]).toEqual([421, 'unknown-host']);
    }
  },
);

test.each(['localhost:9999', 'LOCALHOST:8080', '127.0.0.1:8080', '[::1]:8080'])(
  'a request for %s is answered',
  async host => {
    const browser = started.browser();
    browser.headers = { ...browser.headers, host };
    expect((await browser.get('/api/state')).status).toBe(200);
  },
);

test('a page under another name of this machine may change things under that very name', async () => {
  const browser = started.browser();
  browser.headers = { ...browser.headers, host: '127.0.0.1:9000', origin: 'http://127.0.0.1:9000' };
  expect((await browser.post('/api/signout')).status).toBe(200);
});

test.each(['localhost:8080:80', 'localhost:', 'http://localhost', '[::1', 'local host', 'localhost/evil'])(
  '"%s" is no host',
  host => {
    expect(hostName(host)).toBeUndefined();
  },
);

test('any page may enrol a device and read revocations, without cookies', async () => {
  const page = started.browser();
  page.headers = { host: 'localhost:8080', origin: 'https://elsewhere.example' };
  const asked = await page.call('OPTIONS', '/api/enrol');
  expect(asked.status).toBe(204);
  expect(asked.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'content-type, x-warren',
  });
  expect(asked.headers['access-control-allow-credentials']).toBeUndefined();
  const enrolled = await page.post('/api/enrol', { group, enrolment: '', csr: '' });
  expect([enrolled.status, enrolled.headers['access-control-allow-origin']]).toEqual([403, '*']);
  const list = await page.get(`/api/groups/${group}/revocations`);
  expect([list.status, list.headers['access-control-allow-origin']]).toEqual([200, '*']);
  const state = await page.get('/api/state');
  expect(state.headers['access-control-allow-origin']).toBeUndefined();
});

test('every answer forbids inline code, framing, sniffing and caching', async () => {
  for (const path of ['/', '/api/state', '/api/nothing', '/api/groups']) {
    const { headers } = await started.browser().get(path);
    expect(headers['content-security-policy']).toBe(
      "default-src 'self';connect-src 'self' ws: wss:;img-src 'self' data:;form-action 'self';" +
        "frame-ancestors 'none';base-uri 'none';object-src 'none'",
    );
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    if (path !== '/') expect(headers['cache-control']).toBe('no-store');
  }
});

/**
 * Garbage to every route, as a stranger and as an administrator: the answer is
 * always a 4xx with a reason or an ordinary 2xx, never a 5xx, and the database
 * is as it was where nothing was allowed.
 */
import { fromBase64Url, toBase64Url } from '@warren/base';
import { parseLeaf } from '@warren/trust';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, Device, newGroup, newInvite, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };
let group: string;
let file: { group: string; enrolment: string; device: string };
let leaf: string;
beforeAll(async () => {
  started = await siteWithAda();
  group = await newGroup(started.ada);
  file = (await started.ada.post(`/api/groups/${group}/devices`, { device: 'gw', kind: 'edge' })).body.file;
  const device = await Device.make();
  leaf = (await started.ada.post('/api/enrol', await device.enrolment(file as never))).body.leaf;
});
afterAll(() => started.close());

const ROUTES: readonly (readonly ['GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS', string])[] = [
  ['GET', '/api/state'],
  ['POST', '/api/signup'],
  ['POST', '/api/signin'],
  ['POST', '/api/signout'],
  ['GET', '/api/groups'],
  ['POST', '/api/groups'],
  ['GET', '/api/groups/:'],
  ['PUT', '/api/groups/:/settings'],
  ['POST', '/api/groups/:/invites'],
  ['DELETE', '/api/groups/:/invites/:'],
  ['POST', '/api/invites/preview'],
  ['POST', '/api/invites/accept'],
  ['POST', '/api/groups/:/requests/:/approve'],
  ['POST', '/api/groups/:/requests/:/deny'],
  ['POST', '/api/groups/:/devices'],
  ['DELETE', '/api/groups/:/members/:'],
  ['PUT', '/api/groups/:/members/:/teams'],
  ['DELETE', '/api/groups/:/devices/:'],
  ['PUT', '/api/groups/:/devices/:/rights'],
  ['POST', '/api/enrol'],
  ['OPTIONS', '/api/enrol'],
  ['POST', '/api/renew'],
  ['GET', '/api/groups/:/revocations'],
  ['GET', '/healthz'],
  ['GET', '/:'],
];

const FIELDS = [
  'name displayName password token subnet uses expiresHours autoApprove reason device kind key rights teams caKey postQuantum',
  'group enrolment csr leaf at signature __proto__ constructor',
]
  .join(' ')
  .split(' ');

const odd = fc.constantFrom(
  '',
  '\u0000',
  "' OR 1=1 --",
  '"; DROP TABLE users; --',
  '../../../etc/passwd',
  '<script>alert(1)</script>',
  '\ud800',
  '\u202e',
  'a'.repeat(2_000),
  '10.0.0.0/8',
  'ada',
  'browser',
);

/** Half of the time something that gets past the first check. */
const value = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    odd,
    fc.string({ maxLength: 40, unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 600 }).map(toBase64Url),
    fc.constantFrom(16, 32).chain(n => fc.uint8Array({ minLength: n, maxLength: n }).map(toBase64Url)),
    fc.double(),
    fc.integer(),
    fc.constantFrom(null, true, [], {}, Number.MAX_SAFE_INTEGER, -1),
    fc.constantFrom('GROUP', 'ENROLMENT', 'LEAF'),
    fc.jsonValue({ maxDepth: 3 }),
  );

const body = fc.oneof(
  { weight: 4, arbitrary: fc.dictionary(fc.constantFrom(...FIELDS), value()).map(object => JSON.stringify(object)) },
  {
    weight: 4,
    arbitrary: fc
      .record(Object.fromEntries(FIELDS.slice(0, 19).map(name => [name, value()])))
      .map(o => JSON.stringify(o)),
  },
  { weight: 1, arbitrary: fc.jsonValue().map(json => JSON.stringify(json)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '{', 'null', '{"__proto__":{"x":1}}', `"${'x'.repeat(70_000)}"`, '[['.repeat(9_000)),
  },
);

const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('GROUP', 'bob') },
  fc.constantFrom('ada', '.', '..', '%2e%2e', '%00', '%zz', '%c0%ae', 'a'.repeat(300), '0123456789abcdef'),
  fc.string({ unit: 'grapheme', maxLength: 30 }).map(text => encodeURIComponent(text)),
  fc.string({ maxLength: 30 }),
);

const request = fc.record({
  segments: fc.tuple(segment, segment),
  query: fc.oneof(
    fc.constant(''),
    fc.string({ maxLength: 30 }).map(text => `?${text}`),
  ),
  body,
  type: fc.oneof(
    { weight: 6, arbitrary: fc.constant('application/json') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'text/plain',
        'multipart/form-data',
        'application/xml',
        '',
        'application/json; charset=x',
      ),
    },
  ),
  cookie: fc.oneof(
    fc.constant('ADA'),
    fc.constantFrom('', 'warren-session', 'warren-session=;;=', 'warren-session=%%%'),
  ),
});

describe.each(ROUTES)('%s %s', (method, path) => {
  test('survives garbage with a clear answer', async () => {
    await fc.assert(
      fc.asyncProperty(request, async input => {
        const url = fill(path, input.segments) + (isPrintable(input.query) ? input.query.replaceAll(/[\s#]/g, '') : '');
        const payload = method === 'POST' ? real(input.body) : undefined;
        const answer = await started.app.inject({
          method,
          url: url as string,
          remoteAddress: address(),
          headers: {
            host: 'localhost:8080',
            origin: 'http://localhost:8080',
            'x-warren': '1',
            ...(payload !== undefined && input.type !== '' && { 'content-type': input.type }),
            // Ada stays signed in, or the routes after sign-out would see strangers only.
            cookie: input.cookie === 'ADA' && path !== '/api/signout' ? String(started.ada.cookie) : input.cookie,
          },
          ...(payload !== undefined && { payload }),
        });
        expect(answer.statusCode).toBeLessThan(500);
        if (answer.statusCode >= 400) {
          const { error } = answer.json();
          expect(error.code).toMatch(/^[a-z-]+$/);
          expect(error.message.length).toBeGreaterThan(5);
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('flipped bits and cut ends of a request never change what a certificate is for', async () => {
  const made = (await started.ada.post(`/api/groups/${group}/devices`, { device: 'tv', kind: 'edge' })).body.file;
  const device = await Device.make();
  const csr = await device.request('tv', made.enrolment);
  const spki = device.key.spki;
  let accepted = 0;
  for (let i = 0; i < csr.length; i++) {
    const flipped = csr.slice();
    flipped[i] = (flipped[i] ?? 0) ^ (1 << (i % 8));
    for (const bytes of [flipped, csr.slice(0, i)]) {
      const payload = { group, enrolment: made.enrolment, csr: toBase64Url(bytes) };
      const headers = { host: 'localhost' };
      const answer = await started.app.inject({
        method: 'POST',
        url: '/api/enrol',
        payload,
        headers,
        remoteAddress: address(),
      });
      expect([200, 400, 403]).toContain(answer.statusCode);
      if (answer.statusCode !== 200) continue;
      accepted++;
      const leaf = parseLeaf(fromBase64Url(answer.json().leaf) as Uint8Array);
      expect([leaf?.device, leaf?.user, leaf?.spki]).toEqual(['tv', 'ada', spki]);
    }
  }
  // The library reads the unsigned wrapper leniently; all that is signed counts to the bit.
  expect(accepted).toBeLessThan(4);
});

test('deeply nested DER does not exhaust the stack', async () => {
  const nested = new Uint8Array(6_000).fill(0x30);
  for (let i = 0; i + 3 < nested.length; i += 4)
    nested.set([0x30, 0x82, (nested.length - i - 4) >> 8, (nested.length - i - 4) & 255], i);
  const answer = await started.ada.post('/api/enrol', { group, enrolment: file.enrolment, csr: toBase64Url(nested) });
  expect([answer.status, answer.body.error.code]).toEqual([400, 'bad-csr']);
});

test('names with markup come back as they are, and only as JSON', async () => {
  const name = `<img src=x onerror=alert(1)> "' & \``;
  const made = await newGroup(started.ada, name);
  const answer = await started.ada.get(`/api/groups/${made}`);
  expect(answer.body.name).toBe(name);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
});

test('an invite that somebody guesses at stays unused', async () => {
  await newInvite(started.ada, group);
  for (let i = 0; i < 50; i++) {
    const token = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
    expect((await started.ada.post('/api/invites/accept', { token })).status).toBe(404);
  }
  const { invites } = (await started.ada.get(`/api/groups/${group}`)).body;
  expect(invites.every((invite: { used: number }) => invite.used === 0)).toBe(true);
});

function real(text: string): string {
  return text
    .replaceAll('"GROUP"', `"${group}"`)
    .replaceAll('"ENROLMENT"', `"${file.enrolment}"`)
    .replaceAll('"LEAF"', `"${leaf}"`);
}

function fill(path: string, segments: readonly string[]): string {
  let next = 0;
  const filled = path.replaceAll(':', () => segments[next++] ?? 'x').replaceAll('GROUP', group);
  return isPrintable(filled) ? filled.replaceAll(/[\s#?]/g, '') : path;
}

function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

let last = 0;
/** Each request from another address, or the rate limit would answer most of them. */
function address(): string {
  last++;
  return `10.${last >> 16}.${(last >> 8) & 255}.${last & 255}`;
}

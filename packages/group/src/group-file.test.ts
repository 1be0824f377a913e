/** Group files: whole ones are read, damaged ones are told apart, and nothing throws. */
import { sha256 } from '@noble/hashes/sha2.js';
import { fromUtf8, toBase64Url, toHex, utf8 } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  GROUP_FILE_MAX,
  type GroupFile,
  POST_QUANTUM_POLICIES,
  parseGroupFile,
  parseSubnet,
  printGroupFile,
  withoutSecret,
  withPolicy,
} from './group-file.ts';

const FILE: Omit<GroupFile, 'check'> = {
  warren: 1,
  group: 'abcdefghijklmnopqrstuvwxyz',
  name: 'Bücher & Brot',
  site: 'http://localhost:8080',
  bootstraps: ['ws://localhost:8080/bootstrap'],
  ca: toBase64Url(new Uint8Array(300)),
  rendezvous: toBase64Url(new Uint8Array(32).fill(1)),
  subnet: '10.128.0.0/16',
  user: 'ada',
  device: 'laptop',
  enrolment: toBase64Url(new Uint8Array(16).fill(2)),
  expires: '2026-01-02T03:04:05.678Z',
};
const TEXT = printGroupFile(FILE);

describe('a group file', () => {
  test('is read as it was printed', () => {
    expect(parseGroupFile(TEXT)).toMatchObject(FILE);
    const pinned = { ...FILE, site: 'https://warren.example', sitePin: toBase64Url(new Uint8Array(32)) };
    expect(parseGroupFile(printGroupFile(pinned))).toMatchObject(pinned);
  });

  test('may be laid out anew: order and white space do not count', () => {
    const entries = Object.entries(JSON.parse(TEXT)).reverse();
    expect(parseGroupFile(` ${JSON.stringify(Object.fromEntries(entries))}\r\n`)).toMatchObject(FILE);
  });

  test('has the checksum that its documentation says', () => {
    const sorted = Object.entries(FILE).sort(([a], [b]) => (a < b ? -1 : 1));
    const check = toHex(sha256(utf8(JSON.stringify(Object.fromEntries(sorted)))));
    expect(parseGroupFile(TEXT)).toMatchObject({ check });
  });

  test('with any bit of its text turned is refused or means the same', () => {
    const bytes = utf8(TEXT);
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), bit => {
        const turned = bytes.slice();
        turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
        const read = parseGroupFile(fromUtf8(turned) ?? new TextDecoder().decode(turned));
        if (!('error' in read)) expect(read).toMatchObject(FILE);
        else expect(read.error).toMatch(/^[A-Z].*\.$/);
      }),
      { numRuns: 2000 },
    );
  });

  test('cut anywhere is refused', () => {
    for (let length = 0; length < TEXT.length - 2; length++) {
      expect([length, 'error' in parseGroupFile(TEXT.slice(0, length))]).toEqual([length, true]);
    }
  });

  test('that is anything else is refused', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => 'error' in parseGroupFile(text)));
    for (const text of ['null', '[]', '1', '"x"', '{}', '{"warren":2}', `${TEXT}x`, '{"warren":1,"check":"\\ud800"}']) {
      expect(parseGroupFile(text)).toHaveProperty('error');
    }
  });

  test('that is nested deeper than any stack is refused', () => {
    const depth = 8000;
    for (const name of ['extra', 'name', 'ca']) {
      const text = `{"warren":1,"check":"","${name}":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      expect(parseGroupFile(text)).toHaveProperty('error');
    }
    expect(parseGroupFile(' '.repeat(GROUP_FILE_MAX + 1))).toHaveProperty('error');
  });

  test('with fields that we do not know is of another version', () => {
    const later = printGroupFile({ ...FILE, later: 1 } as typeof FILE);
    expect(parseGroupFile(later)).toEqual({ error: 'This is not a group file of this version of Warren.' });
  });

  const wrong: readonly (readonly [keyof GroupFile, readonly unknown[]])[] = [
    ['group', ['', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abc', 7]],
    ['name', ['', 'x'.repeat(65), 'red\u001b[31m', 'two\nlines', 7]],
    [
      'site',
      ['ftp://x', 'http://x/path', 'localhost:8080', 'http://a b', 'https://[', 'https://[1::2::3]', 'https://x?'],
    ],
    [
      'site',
      ['https://256.1.1.1', 'https://1.2.3.4.5', 'https://x:65536', 'https://a@x', 'https://x#', 'https://a..b'],
    ],
    [
      'site',
      ['https://[:::]', 'https://[1:2:3:4:5:6:7:8:9]', 'https://[1:2]', 'https://[::12345]', 'https://1.2.3.04'],
    ],
    ['sitePin', ['', toBase64Url(new Uint8Array(31)), 1]],
    ['stun', [[], ['turn:x:1'], 'stun:x:1', Array(17).fill('stun:x:1'), ['stun:']]],
    ['bootstraps', [[], ['http://x'], 'ws://x', Array(17).fill('ws://x'), [`ws://${'x'.repeat(201)}`]]],
    ['ca', ['', '!!', 5]],
    ['rendezvous', ['', toBase64Url(new Uint8Array(31)), toBase64Url(new Uint8Array(33))]],
    ['subnet', ['', '10.128.0.0', '10.128.0.1/16', '224.0.0.0/8']],
    ['postQuantum', ['', 'ON', 'yes', 1]],
    ['user', ['', 'Ada', 'a'.repeat(33), '../x']],
    ['device', ['', 'a b', 'é']],
    ['enrolment', ['', toBase64Url(new Uint8Array(15))]],
    ['expires', ['', 'tomorrow', '2026-01-02 03:04:05Z']],
  ];
  test.each(wrong.flatMap(([field, values]) => values.map(value => [field, value] as const)))(
    'with the %s %j is refused by name, though its checksum is right',
    (field, value) => {
      const text = printGroupFile({ ...FILE, [field]: value } as typeof FILE);
      expect(parseGroupFile(text)).toEqual({ error: `The group file has no valid "${field}".` });
    },
  );

  test('with another policy is whole, and keeps everything else', () => {
    const file = parseGroupFile(TEXT);
    if ('error' in file) throw new Error(file.error);
    for (const policy of POST_QUANTUM_POLICIES) {
      const changed = parseGroupFile(JSON.stringify(withPolicy(file, policy)));
      expect(changed).toMatchObject({ ...FILE, postQuantum: policy });
    }
  });

  test.each(
    'https://warren.example http://localhost:8080 https://[::1] http://[::1]:8080 https://[2001:db8::7:0] https://192.0.2.7:8443 https://[1:2:3:4:5:6:7:8] https://xn--bcher-kva.example https://a_b.lan'.split(
      ' ',
    ),
  )('may lead to a site at %s', site => {
    expect(parseGroupFile(printGroupFile({ ...FILE, site }))).toMatchObject({ site });
    expect(new URL(site).origin).toBe(site);
  });

  test('without its secret is whole, and keeps everything else', () => {
    const file = parseGroupFile(TEXT);
    if ('error' in file) throw new Error(file.error);
    const { enrolment: _, ...rest } = FILE;
    const used = parseGroupFile(JSON.stringify(withoutSecret(file)));
    expect(used).toMatchObject(rest);
    expect(used).not.toHaveProperty('enrolment');
    expect(JSON.stringify(used)).not.toContain(FILE.enrolment);
  });
});

describe('a subnet', () => {
  test.each([
    ['10.128.0.0/16', 10 * 2 ** 24 + 128 * 2 ** 16, 16],
    ['192.168.7.0/30', 192 * 2 ** 24 + 168 * 2 ** 16 + 7 * 256, 30],
    ['223.0.0.0/8', 223 * 2 ** 24, 8],
  ])('%s is read', (text, network, prefixBits) => expect(parseSubnet(text)).toEqual({ network, prefixBits }));

  test.each(
    '10.0.0.0/7 10.0.0.0/31 10.0.0.0/08 10.0.0.1/24 10.0.0.0 10.0.0.0/ /16 256.0.0.0/8 10.256.0.0/16 010.0.0.0/8 10.0.0/8 10.0.0.0.0/8 0.0.0.0/8 127.0.0.0/8 224.0.0.0/8 -1.0.0.0/8 1e1.0.0.0/8'
      .split(' ')
      .concat('', ' 10.0.0.0/8', '10.0.0.0/8\n'),
  )('%j is none', text => expect(parseSubnet(text)).toBeUndefined());
});

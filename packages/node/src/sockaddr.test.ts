import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  fromSockaddr,
  isLinkLocal,
  isLoopback,
  parseAddress,
  parseEndpoint,
  printEndpoint,
  toSockaddr,
} from './sockaddr.ts';

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Many zeros, for the `::` of IPv6.
  fc.array(fc.constantFrom(0, 0, 0, 1, 0xab), { minLength: 16, maxLength: 16 }).map(bytes => Uint8Array.from(bytes)),
);
const endpoint = fc.record({ address, port: fc.integer({ min: 1, max: 65_535 }) });
const isMapped = (bytes: Uint8Array): boolean => /^(0,){10}255,255,/.test(bytes.join());

test('what is printed is read back, and goes through a sockaddr unchanged', () => {
  fc.assert(
    fc.property(endpoint, each => {
      if (!isMapped(each.address)) expect(parseEndpoint(printEndpoint(each))).toEqual(each);
      expect(fromSockaddr(toSockaddr(each))).toEqual(each);
    }),
  );
});

test('IPv6 is printed as WHATWG URLs print it, which is RFC 5952', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const text = printEndpoint({ address: bytes.map((byte, i) => (i % 3 === 0 ? byte : 0)), port: 1 }).slice(1, -3);
      expect(isIPv6(text)).toBe(true);
      expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
    }),
  );
});

test('known forms are printed and read as in RFC 5952', () => {
  const pairs = [
    ['[2001:DB8:0:0:0:0:2:1]:7', '[2001:db8::2:1]:7'],
    ['[2001:db8:0:1:1:1:1:1]:7', '[2001:db8:0:1:1:1:1:1]:7'],
    ['[2001:0:0:1:0:0:0:1]:7', '[2001:0:0:1::1]:7'],
    ['[2001:db8:0:0:1:0:0:1]:7', '[2001:db8::1:0:0:1]:7'],
    ['[::1]:7', '[::1]:7'],
    ['[64:ff9b::192.0.2.33]:7', '[64:ff9b::c000:221]:7'],
    ['192.0.2.7:41641', '192.0.2.7:41641'],
  ];
  for (const [text = '', printed] of pairs) {
    const read = parseEndpoint(text);
    expect(read && printEndpoint(read)).toBe(printed);
  }
});

test('names, scopes, missing or impossible ports and IPv4 in IPv6 clothes are refused', () => {
  const bad = [
    ...['', 'host:1', '192.0.2.7', '192.0.2.7:0', '192.0.2.7:65536', '192.0.2.7:01', '192.0.2.256:1', '192.0.2:1'],
    ...['[192.0.2.7]:1', '2001:db8::1:1', '[fe80::1%eth0]:1', '[::ffff:192.0.2.7]:1', '[::1', '[::1]:', '[:::]:1'],
    ...['[1::2::3]:1', '192.0.2.7:1 ', ' 192.0.2.7:1', '192.0.2.7:1\n'],
  ];
  for (const text of bad) expect(parseEndpoint(text), text).toBeUndefined();
});

test('random text never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]:.0123456789abf%') }), text => void parseEndpoint(text)),
  );
});

test('loopback and link-local addresses are told from others', () => {
  const bytes = (text: string): Uint8Array => parseAddress(text) ?? new Uint8Array(4);
  for (const text of ['127.0.0.1', '127.255.0.9', '::1']) expect(isLoopback(bytes(text)), text).toBe(true);
  for (const text of ['126.0.0.1', '::', '::2', '1::1']) expect(isLoopback(bytes(text)), text).toBe(false);
  for (const text of ['169.254.1.1', 'fe80::1', 'febf::1']) expect(isLinkLocal(bytes(text)), text).toBe(true);
  for (const text of ['169.253.1.1', 'fec0::1', '::1']) expect(isLinkLocal(bytes(text)), text).toBe(false);
});

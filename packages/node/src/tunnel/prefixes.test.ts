import { expect, test } from 'vitest';
import { addresses, deviceName, prefixes } from './prefixes.ts';

test('prefixes are sorted by family, masked and named once', () => {
  const texts = ['10.1.2.3/16', '10.1.0.0/16', 'FD00:77::5/64', '192.0.2.7/32', '0.0.0.0/0', 'fd00:77:0:ff::/57'];
  expect(prefixes(texts)).toEqual({
    v4: ['10.1.0.0/16', '192.0.2.7/32', '0.0.0.0/0'],
    v6: ['fd00:77::/64', 'fd00:77:0:80::/57'],
  });
});

test('nothing else gets into a command', () => {
  for (const text of ['', '10.0.0.0', '10.0.0.0/33', '10.0.0/8', '::/129', '10.0.0.0/8 accept', '1.2.3.4/8\n', 'x/8']) {
    expect(() => prefixes([text])).toThrow(/a prefix is/);
  }
  for (const text of ['', 'host', '10.0.0.1; drop', '10.0.0.1/8', 'fe80::1%eth0']) {
    expect(() => addresses([text])).toThrow(/an address is/);
  }
  for (const name of ['', 'wr0"', 'wr0 ', 'a/b', '..', 'a'.repeat(16), 'wr0\n']) {
    expect(() => deviceName(name)).toThrow(/an interface name is/);
  }
});

test('one address of each family', () => {
  expect(addresses(['10.0.0.1', 'FD00::0:1'])).toEqual({ v4: '10.0.0.1', v6: 'fd00::1' });
  expect(addresses([])).toEqual({ v4: undefined, v6: undefined });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAssignable, parseAddress, parseSubnet, printAddress, printSubnet, serviceAddress } from './subnet.ts';

describe('addresses', () => {
  test('print and read back', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), address => {
        expect(parseAddress(printAddress(address))).toBe(address);
      }),
    );
    expect(printAddress(0xfffefd01)).toBe('255.254.253.1');
  });

  test.each([
    '',
    '10.128.3',
    '10.128.3.4.5',
    '10.128.3.256',
    '10.128.03.4',
    '10.128.3.-1',
    ' 10.128.3.4',
    '10.128.3.4\n',
    '0x0a.1.1.1',
  ])('refuse %j', text => expect(parseAddress(text)).toBeUndefined());
});

describe('subnets', () => {
  test('print and read back', () => {
    for (const text of ['10.128.0.0/16', '10.0.0.0/8', '192.168.7.4/30', '100.64.0.0/10']) {
      const subnet = parseSubnet(text);
      expect(subnet && printSubnet(subnet)).toBe(text);
    }
  });

  test.each([
    ['without a prefix length', '10.128.0.0'],
    ['with host bits', '10.128.0.1/16'],
    ['with less than 8 bits', '8.0.0.0/7'],
    ['with more than 30 bits', '10.0.0.0/31'],
    ['with a leading zero', '10.0.0.0/08'],
    ['of loopback', '127.0.0.0/8'],
    ['of multicast', '224.0.0.0/8'],
    ['of "this network"', '0.0.0.0/8'],
    ['with more behind', '10.0.0.0/8/8'],
    ['that is no address', 'ten/8'],
  ])('refuse one %s', (_, text) => expect(parseSubnet(text)).toBeUndefined());

  test('keep network, services and broadcast from members', () => {
    const subnet = parseSubnet('10.0.0.8/29');
    if (subnet === undefined) throw new Error('a good subnet');
    const assignable = Array.from({ length: 16 }, (_, i) => 0x0a000000 + i).filter(a => isAssignable(subnet, a));
    expect(assignable.map(printAddress)).toEqual(['10.0.0.10', '10.0.0.11', '10.0.0.12', '10.0.0.13', '10.0.0.14']);
    expect(printAddress(serviceAddress(subnet))).toBe('10.0.0.9');
  });
});

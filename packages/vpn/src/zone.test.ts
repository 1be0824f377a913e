/** What a group's names answer: addresses, their reverse, that there are none, and what is not ours to say. */
import { describe, expect, test } from 'vitest';
import { memberAddress6, prefixOf, printAddress6 } from './ipv6-address.ts';
import { parseAddress, parseSubnet, type Subnet } from './subnet.ts';
import { GROUP, peerOf, SUBNET } from './testbed.ts';
import { answerQuestion, type NamedMember, type Zone, type ZoneAnswer } from './zone.ts';

const LAPTOP = { peerId: peerOf(0xa1), device: 'laptop', user: 'ada', address: parseAddress('10.128.5.5') };
const PHONE = { peerId: peerOf(0xb2), device: 'phone', user: 'ada', address: undefined };
const SIX = printAddress6(memberAddress6(prefixOf(GROUP), LAPTOP.peerId));
/** fd, five bytes of a hash, two zeros: 16 digits, turned round. */
const REVERSE_SIX = `${[...Buffer.from(prefixOf(GROUP)).toString('hex')].reverse().join('.')}.ip6.arpa`;

describe('the name of a member', () => {
  test('has its addresses, in any case, and under the id of the group', () => {
    for (const name of ['laptop.ada.home.warren', 'LapTop.Ada.HOME.warren', `laptop.ada.${GROUP}.warren`]) {
      expect(data(ask(name, 'A'))).toEqual(['10.128.5.5']);
      expect(data(ask(name, 'AAAA'))).toEqual([SIX]);
      expect(data(ask(name, 'ANY'))).toEqual(['10.128.5.5', SIX]);
    }
  });

  test('exists without an address of that kind, and says so with the SOA', () => {
    expect(ask('phone.ada.home.warren', 'A')).toMatchObject({ exists: true, records: [], soa: { type: 'SOA' } });
    expect(ask('laptop.ada.home.warren', 'MX')).toMatchObject({ exists: true, records: [] });
  });

  test('that two members share by their dots is neither', () => {
    const dotted = { ...LAPTOP, peerId: peerOf(3), device: 'a.b', user: 'c' };
    const other = { ...LAPTOP, peerId: peerOf(4), device: 'a', user: 'b.c' };
    expect(ask('a.b.c.home.warren', 'A', [dotted])).toMatchObject({ exists: true, records: [{ data: '10.128.5.5' }] });
    expect(ask('a.b.c.home.warren', 'A', [dotted, other])).toMatchObject({ exists: true, records: [] });
  });
});

describe('other names of a group', () => {
  test.each([
    ['home.warren', 'SOA', true, ['dns.home.warren']],
    ['home.warren', 'NS', true, ['dns.home.warren']],
    ['home.warren', 'A', true, []],
    ['dns.home.warren', 'A', true, ['10.128.0.1']],
    ['ada.home.warren', 'A', true, []],
    ['desktop.ada.home.warren', 'A', false, []],
    ['x.laptop.ada.home.warren', 'A', false, []],
    ['bob.home.warren', 'A', false, []],
    ['laptop.ada.elsewhere.warren', 'A', false, []],
    ['warren', 'A', false, []],
  ])('%s %s', (name, type, exists, records) => {
    expect([ask(name, type)?.exists, data(ask(name, type))]).toEqual([exists, records]);
  });

  test.each(['example.org', 'homexwarren', 'org', '', '4.3.2.1.in-addr.arpa', 'in-addr.arpa', '8.ip6.arpa'])(
    '"%s" is not ours',
    name => expect(ask(name, 'A')).toBeUndefined(),
  );
});

describe('reverse names', () => {
  test('of both families name the member and the services', () => {
    expect(data(ask('5.5.128.10.in-addr.arpa', 'PTR'))).toEqual(['laptop.ada.home.warren']);
    expect(data(ask('1.0.128.10.in-addr.arpa', 'PTR'))).toEqual(['dns.home.warren']);
    const member = `${'1.a.'.repeat(8)}${REVERSE_SIX}`;
    expect(data(ask(member, 'PTR'))).toEqual(['laptop.ada.home.warren']);
    expect(data(ask(`1.${'0.'.repeat(15)}${REVERSE_SIX}`, 'PTR'))).toEqual(['dns.home.warren']);
  });

  test.each([
    ['6.5.128.10.in-addr.arpa', false],
    ['5.128.10.in-addr.arpa', true],
    ['9.128.10.in-addr.arpa', false],
    ['128.10.in-addr.arpa', true],
    ['x.5.128.10.in-addr.arpa', false],
  ])('%s: exists %s', (name, exists) => expect(ask(name, 'PTR')).toMatchObject({ exists, records: [] }));

  test('outside a subnet that does not end at a whole byte are others', () => {
    const subnet = parseSubnet('10.128.0.0/10') as Subnet;
    const zone: Zone = { domain: 'home.warren', group: GROUP, subnet, members: [LAPTOP] };
    const at = (name: string): ZoneAnswer | undefined => answerQuestion([zone], { name, type: 'PTR' });
    expect(data(at('5.5.128.10.in-addr.arpa'))).toEqual(['laptop.ada.home.warren']);
    expect(at('7.7.191.10.in-addr.arpa')).toMatchObject({ exists: false, soa: { name: '10.in-addr.arpa' } });
    for (const name of ['1.1.1.10.in-addr.arpa', '1.1.192.10.in-addr.arpa', '127.10.in-addr.arpa']) {
      expect(at(name), name).toBeUndefined();
    }
  });
});

function ask(name: string, type: string, members: readonly NamedMember[] = [LAPTOP, PHONE]): ZoneAnswer | undefined {
  return answerQuestion([{ domain: 'home.warren', group: GROUP, subnet: SUBNET, members }], { name, type });
}

function data(answer: ZoneAnswer | undefined): string[] | undefined {
  return answer?.records.map(record => record.data);
}

/** Laws of ICMPv6 messages. */
import { fromHex } from '@warren/base';
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import type { IcmpEcho } from './icmp.ts';
import {
  decodeIcmpv6Echo,
  decodeNeighbour,
  encodeIcmpv6Echo,
  encodeNeighbour,
  type NeighbourMessage,
} from './icmpv6.ts';

const one = `fd${'00'.repeat(14)}01`;
const two = `fd${'00'.repeat(14)}02`;
const ends = { source: fromHex(one) as Uint8Array, destination: fromHex(two) as Uint8Array };
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
const target = fc.uint8Array({ minLength: 16, maxLength: 16 });

codecLaws<IcmpEcho>({
  name: 'decodeIcmpv6Echo',
  decode: bytes => decodeIcmpv6Echo(bytes, ends),
  exported: decodeIcmpv6Echo,
  encode: echo => encodeIcmpv6Echo(echo, ends),
  values: fc.record({
    operation: fc.constantFrom('request', 'reply'),
    identifier: fc.nat(0xffff),
    sequence: fc.nat(0xffff),
    data: fc.uint8Array({ maxLength: 64 }),
  }),
  golden: [
    {
      value: { operation: 'request', identifier: 0x1234, sequence: 1, data: Uint8Array.of(0x61, 0x62, 0x63) },
      hex: '80 00 af1d 1234 0001 616263',
    },
  ],
  impossible: [
    { why: 'another type', hex: '82 00 ad1d 1234 0001 616263' },
    { why: 'a code', hex: '80 01 af1c 1234 0001 616263' },
    { why: 'a wrong checksum', hex: '80 00 af1e 1234 0001 616263' },
  ],
  tail: { openFrom: 8 },
});

codecLaws<NeighbourMessage>({
  name: 'decodeNeighbour',
  decode: bytes => decodeNeighbour(bytes, ends),
  exported: decodeNeighbour,
  encode: message => encodeNeighbour(message, ends),
  values: fc.oneof(
    fc.record(
      {
        kind: fc.constant('solicitation' as const),
        solicited: fc.constant(false),
        override: fc.constant(false),
        target,
        mac,
      },
      { requiredKeys: ['kind', 'solicited', 'override', 'target'] },
    ),
    fc.record(
      { kind: fc.constant('advertisement' as const), solicited: fc.boolean(), override: fc.boolean(), target, mac },
      { requiredKeys: ['kind', 'solicited', 'override', 'target'] },
    ),
  ),
  golden: [
    {
      value: {
        kind: 'advertisement',
        solicited: true,
        override: true,
        target: ends.source,
        mac: fromHex('02a1a1a1a1a1') as Uint8Array,
      },
      hex: `88 00 d8b8 60000000 ${one} 0201 02a1a1a1a1a1`,
    },
  ],
  impossible: [
    { why: 'another type', hex: `86 00 22a6 60000000 ${one}` },
    { why: 'a wrong checksum', hex: `88 00 0000 60000000 ${one}` },
    { why: 'an option without length', hex: `88 00 1f9e 60000000 ${one} 0100 000000000000` },
  ],
  tail: { openFrom: 24 },
});

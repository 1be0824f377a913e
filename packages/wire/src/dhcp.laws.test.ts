/** Laws of DHCP messages. */
import { fromHex } from '@warren/base';
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { type DhcpMessage, decodeDhcp, encodeDhcp } from './dhcp.ts';

const address = fc.nat(0xffffffff);
const code = fc.integer({ min: 1, max: 254 }).filter(number => number !== 53);
const names = '00'.repeat(10 + 64 + 128);
const head = '01 06 00 3903f326 0000 8000 00000000 00000000 00000000 00000000 020102030405';

codecLaws<DhcpMessage>({
  name: 'decodeDhcp',
  decode: decodeDhcp,
  encode: encodeDhcp,
  values: fc.record({
    type: fc.constantFrom('discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'),
    transactionId: address,
    broadcast: fc.boolean(),
    clientAddress: address,
    yourAddress: address,
    relayAddress: address,
    clientMac: fc.uint8Array({ minLength: 6, maxLength: 6 }),
    options: fc
      .array(fc.tuple(code, fc.uint8Array({ maxLength: 600, size: 'max' })), { maxLength: 5 })
      .map(pairs => new Map(pairs)),
  }),
  golden: [
    {
      value: {
        type: 'discover',
        transactionId: 0x3903f326,
        broadcast: true,
        clientAddress: 0,
        yourAddress: 0,
        relayAddress: 0,
        clientMac: fromHex('020102030405') as Uint8Array,
        options: new Map([[50, Uint8Array.of(10, 128, 0, 5)]]),
      },
      hex: `01 ${head} ${names} 63825363 350101 3204 0a800005 ff`,
    },
  ],
  impossible: [
    { why: 'hardware other than Ethernet', hex: `01 06${head.slice(2)} ${names} 63825363 350101 ff` },
    { why: 'another cookie', hex: `01 ${head} ${names} 63825364 350101 ff` },
    { why: 'BOOTP without a type', hex: `01 ${head} ${names} 63825363 ff` },
    { why: 'type 0', hex: `01 ${head} ${names} 63825363 350100 ff` },
    { why: 'type 9', hex: `01 ${head} ${names} 63825363 350109 ff` },
    { why: 'an offer from a client', hex: `01 ${head} ${names} 63825363 350102 ff` },
    { why: 'a discover from a server', hex: `02 ${head} ${names} 63825363 350101 ff` },
    { why: 'two types', hex: `01 ${head} ${names} 63825363 350101 350101 ff` },
    { why: 'an option beyond the end', hex: `01 ${head} ${names} 63825363 350101 32ff 0a800005 ff` },
  ],
  tail: 'ignored',
});

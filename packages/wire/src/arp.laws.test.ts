/** Laws of ARP messages. */
import { fromHex } from '@warren/base';
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { type ArpMessage, decodeArp, encodeArp } from './arp.ts';

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
const address = fc.nat(0xffffffff);
const rest = '020102030405 0a800005 000000000000 0a800006';

codecLaws<ArpMessage>({
  name: 'decodeArp',
  decode: decodeArp,
  encode: encodeArp,
  values: fc.record({
    operation: fc.constantFrom('request', 'reply'),
    senderMac: mac,
    senderAddress: address,
    targetMac: mac,
    targetAddress: address,
  }),
  golden: [
    {
      value: {
        operation: 'request',
        senderMac: fromHex('020102030405') as Uint8Array,
        senderAddress: 0x0a800005,
        targetMac: new Uint8Array(6),
        targetAddress: 0x0a800006,
      },
      hex: `0001 0800 06 04 0001 ${rest}`,
    },
  ],
  impossible: [
    { why: 'hardware other than Ethernet', hex: `0006 0800 06 04 0001 ${rest}` },
    { why: 'a protocol other than IPv4', hex: `0001 86dd 06 04 0001 ${rest}` },
    { why: 'other address lengths', hex: `0001 0800 06 10 0001 ${rest}` },
    { why: 'operation 0', hex: `0001 0800 06 04 0000 ${rest}` },
    { why: 'reverse ARP', hex: `0001 0800 06 04 0003 ${rest}` },
  ],
  tail: 'ignored',
});

/** Laws of Ethernet frames. */
import { fromHex } from '@warren/base';
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeEthernet, encodeEthernet } from './ethernet.ts';

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });

codecLaws({
  name: 'decodeEthernet',
  decode: decodeEthernet,
  encode: encodeEthernet,
  values: fc.record({
    destination: mac,
    source: mac,
    type: fc.integer({ min: 0x600, max: 0xffff }),
    payload: fc.uint8Array({ maxLength: 64 }),
  }),
  golden: [
    {
      value: {
        destination: fromHex('020102030405') as Uint8Array,
        source: fromHex('02a0a1a2a3a4') as Uint8Array,
        type: 0x0800,
        payload: Uint8Array.of(0x45, 0),
      },
      hex: '020102030405 02a0a1a2a3a4 0800 4500',
    },
  ],
  impossible: [{ why: 'an 802.3 length in place of a type', hex: 'ffffffffffff 020102030405 05dc 0000' }],
  tail: { openFrom: 14 },
});

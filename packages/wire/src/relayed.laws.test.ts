/** Laws of what a relay passes on. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeRelayed, encodeRelayed, REFUSALS, type Relayed } from './relayed.ts';

const peer = fc.uint8Array({ minLength: 20, maxLength: 20 });

codecLaws<Relayed>({
  name: 'decodeRelayed',
  decode: decodeRelayed,
  encode: encodeRelayed,
  values: fc.oneof(
    fc.record({
      direction: fc.constantFrom('onward' as const, 'delivered' as const),
      peer,
      datagram: fc.uint8Array({ minLength: 1, maxLength: 1500 }),
    }),
    fc.record({ direction: fc.constant('refused' as const), peer, reason: fc.constantFrom(...REFUSALS) }),
  ),
  golden: [
    {
      value: { direction: 'onward', peer: new Uint8Array(20).fill(0x11), datagram: Uint8Array.of(0xe5, 1) },
      hex: `00 ${'11'.repeat(20)} e501`,
    },
    {
      value: { direction: 'delivered', peer: new Uint8Array(20).fill(0x22), datagram: Uint8Array.of(0xe6) },
      hex: `01 ${'22'.repeat(20)} e6`,
    },
    {
      value: { direction: 'refused', peer: new Uint8Array(20).fill(0x33), reason: 'quota' },
      hex: `02 ${'33'.repeat(20)} 02`,
    },
  ],
  impossible: [
    { why: 'nothing to pass on', hex: `00 ${'11'.repeat(20)}` },
    { why: 'an unknown direction', hex: `03 ${'11'.repeat(20)} e5` },
    { why: 'an unknown reason', hex: `02 ${'33'.repeat(20)} 04` },
  ],
  tail: { openFrom: 22 },
});

/** Laws of messages that hold several datagrams. A cut between two datagrams is a shorter message. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { packDatagrams, unpackDatagrams } from './packing.ts';

codecLaws<readonly Uint8Array[]>({
  name: 'unpackDatagrams',
  decode: unpackDatagrams,
  encode: datagrams => packDatagrams(datagrams)[0] ?? new Uint8Array(0),
  values: fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 20 }),
  golden: [
    { value: [Uint8Array.of(1, 2, 3), Uint8Array.of(9)], hex: '0003 010203 0001 09' },
    { value: [new Uint8Array(16_384).fill(5)], hex: `4000 ${'05'.repeat(16_384)}` },
  ],
  impossible: [
    { why: 'an empty message', hex: '' },
    { why: 'an empty datagram', hex: '0001 09 0000' },
    { why: 'a datagram beyond the end', hex: '0001 09 0002 09' },
    { why: 'a datagram of 16,385 bytes', hex: `4001 ${'05'.repeat(16_385)}` },
  ],
  tail: { openFrom: 3 },
});

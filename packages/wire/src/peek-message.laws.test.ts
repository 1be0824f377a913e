/** Laws of a peer's view of the ring. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { HOST_KINDS } from './member-card.ts';
import { decodePeeked, encodePeeked } from './peek-message.ts';

const ids = fc.array(fc.uint8Array({ minLength: 20, maxLength: 20 }), { maxLength: 3 });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

codecLaws({
  name: 'decodePeeked',
  decode: decodePeeked,
  encode: encodePeeked,
  values: fc.record({
    hostKind: fc.constantFrom(...HOST_KINDS),
    isResting: fc.boolean(),
    links: fc.nat(0xffff),
    records: fc.nat(0xffffffff),
    successors: ids,
    predecessors: ids,
  }),
  golden: [
    {
      value: { hostKind: 'browser', isResting: true, links: 7, records: 300, successors: [], predecessors: [] },
      hex: '00 01 0007 0000012c 00 00',
    },
    {
      value: {
        hostKind: 'edge',
        isResting: false,
        links: 2,
        records: 0,
        successors: [filled(20, 1), filled(20, 2)],
        predecessors: [filled(20, 3)],
      },
      hex: `01 00 0002 00000000 02 01 ${'01'.repeat(20)} ${'02'.repeat(20)} ${'03'.repeat(20)}`,
    },
  ],
  impossible: [
    { why: 'an unknown kind of host', hex: '04 01 0007 0000012c 00 00' },
    { why: 'four successors', hex: `00 01 0007 0000012c 04 00 ${'01'.repeat(80)}` },
    { why: 'four predecessors', hex: `00 01 0007 0000012c 00 04 ${'01'.repeat(80)}` },
  ],
  tail: 'ignored',
});

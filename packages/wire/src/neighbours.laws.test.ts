/** Laws of what neighbours tell each other. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeNeighbours, encodeNeighbours, type NeighboursMessage } from './neighbours.ts';
import { PEER_IDS_MAX } from './overlay-datagram.ts';

const id = fc.uint8Array({ minLength: 20, maxLength: 20 });

codecLaws({
  name: 'decodeNeighbours',
  decode: decodeNeighbours,
  encode: encodeNeighbours,
  values: fc.oneof(
    fc.record({ kind: fc.constant('list'), ids: fc.array(id, { maxLength: PEER_IDS_MAX }) }),
    fc.record({ kind: fc.constant('digest'), digest: fc.nat(0xffffffff) }),
    fc.constant({ kind: 'ask' }),
  ) as fc.Arbitrary<NeighboursMessage>,
  golden: [
    { value: { kind: 'list', ids: [] }, hex: '00' },
    { value: { kind: 'list', ids: [new Uint8Array(20).fill(0x11)] }, hex: `01 ${'11'.repeat(20)}` },
    { value: { kind: 'digest', digest: 0xcafebabe }, hex: 'ff cafebabe' },
    { value: { kind: 'ask' }, hex: 'fe' },
  ],
  impossible: [
    { why: 'nothing', hex: '' },
    { why: '65 ids', hex: `41 ${'33'.repeat(1300)}` },
    { why: 'an unknown kind', hex: `80 ${'33'.repeat(2560)}` },
  ],
  tail: 'ignored',
});

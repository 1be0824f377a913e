/** Laws of DHT records and of the questions about them. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { LEAF_MAX_BYTES } from './constants.ts';
import {
  ANSWER_RECORDS_MAX,
  type DhtAnswer,
  type DhtRecord,
  type DhtRequest,
  decodeDhtAnswer,
  decodeDhtRequest,
  decodeRecord,
  encodeDhtAnswer,
  encodeDhtRequest,
  encodeRecord,
  RECORD_LIFETIME_MAX_S,
  RECORD_VALUE_MAX_BYTES,
  RecordKind,
} from './record.ts';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const kind = fc.constantFrom(...Object.values(RecordKind));
const id = exactly(20);

function records(valueBytes: number, leafBytes: number): fc.Arbitrary<DhtRecord> {
  return fc.record({
    kind,
    key: id,
    sequence: fc.maxSafeNat().map(n => n % 2 ** 48),
    signedAt: fc.maxSafeNat(),
    lifetimeS: fc.integer({ min: 1, max: RECORD_LIFETIME_MAX_S }),
    value: fc.uint8Array({ maxLength: valueBytes, size: 'max' }),
    noiseStatic: exactly(32),
    leaf: fc.uint8Array({ maxLength: leafBytes, size: 'max' }),
    statement: exactly(113),
    signature: exactly(64),
  });
}

const RECORD: DhtRecord = {
  kind: RecordKind.ADDRESS,
  key: filled(20, 0x0a),
  sequence: 0x010203040506,
  signedAt: 0x0198_7654_3210,
  lifetimeS: 172_800,
  value: Uint8Array.of(1, 2, 3),
  noiseStatic: filled(32, 0x0b),
  leaf: Uint8Array.of(0x30, 0x00),
  statement: filled(113, 0x0c),
  signature: filled(64, 0x0d),
};
const HEAD = `${'0a'.repeat(20)} 010203040506 0000019876543210`;
const PROOF = `${'0b'.repeat(32)} 0002 3000 ${'0c'.repeat(113)} ${'0d'.repeat(64)}`;
const RECORD_HEX = `02 ${HEAD} 0002a300 0003 010203 ${PROOF}`;
/** 1 + 20 + 6 + 8 + 4 + (2 + 3) + 32 + (2 + 2) + 113 + 64. */
const RECORD_LENGTH = '0101';

codecLaws<DhtRecord>({
  name: 'decodeRecord',
  decode: decodeRecord,
  encode: encodeRecord,
  values: records(RECORD_VALUE_MAX_BYTES, LEAF_MAX_BYTES),
  golden: [
    { value: RECORD, hex: RECORD_HEX },
    {
      value: { ...RECORD, kind: RecordKind.MEMBER, lifetimeS: 1, value: filled(4096, 7) },
      hex: `03 ${HEAD} 00000001 1000 ${'07'.repeat(4096)} ${PROOF}`,
    },
  ],
  impossible: [
    { why: 'kind 0', hex: `00 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
    { why: 'an unknown kind', hex: `04 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
    { why: 'no lifetime', hex: `02 ${HEAD} 00000000 0003 010203 ${PROOF}` },
    { why: 'a lifetime above 48 h', hex: `02 ${HEAD} 0002a301 0003 010203 ${PROOF}` },
    { why: 'a value of 4,097 bytes', hex: `02 ${HEAD} 0002a300 1001 ${'07'.repeat(4097)} ${PROOF}` },
    {
      why: 'a leaf of 589 bytes',
      hex: `02 ${HEAD} 0002a300 0000 ${'0b'.repeat(32)} 024d ${'30'.repeat(589)} ${'0c'.repeat(113)} ${'0d'.repeat(64)}`,
    },
    {
      why: 'a signing time beyond 2^53',
      hex: `02 ${'0a'.repeat(20)} 010203040506 0020000000000000 0002a300 0003 010203 ${PROOF}`,
    },
  ],
  tail: 'ignored',
});

const POSITION = '0e'.repeat(20);

codecLaws<DhtRequest>({
  name: 'decodeDhtRequest',
  decode: decodeDhtRequest,
  encode: encodeDhtRequest,
  values: fc.oneof(
    fc.record({ op: fc.constantFrom('put', 'create'), position: id, record: records(64, 64) }),
    fc.record({ op: fc.constant('get' as const), position: id, kind, key: id, after: id }),
  ),
  golden: [
    { value: { op: 'put', position: filled(20, 0x0e), record: RECORD }, hex: `01 ${POSITION} ${RECORD_HEX}` },
    { value: { op: 'create', position: filled(20, 0x0e), record: RECORD }, hex: `02 ${POSITION} ${RECORD_HEX}` },
    {
      value: {
        op: 'get',
        position: filled(20, 0x0e),
        kind: RecordKind.RENDEZVOUS,
        key: filled(20, 0x0a),
        after: filled(20, 0x0f),
      },
      hex: `03 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(20)}`,
    },
  ],
  impossible: [
    { why: 'operation 0', hex: `00 ${POSITION} ${RECORD_HEX}` },
    { why: 'an unknown operation', hex: `04 ${POSITION} ${RECORD_HEX}` },
    { why: 'a question for an unknown kind', hex: `03 ${POSITION} 04 ${'0a'.repeat(20)} ${'0f'.repeat(20)}` },
    { why: 'an impossible record', hex: `01 ${POSITION} 00 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
  ],
  tail: 'ignored',
});

codecLaws<DhtAnswer>({
  name: 'decodeDhtAnswer',
  decode: decodeDhtAnswer,
  encode: encodeDhtAnswer,
  values: fc.record({
    status: fc.constantFrom('ok', 'taken', 'refused', 'not-found'),
    more: fc.boolean(),
    records: fc.array(records(64, 64), { maxLength: ANSWER_RECORDS_MAX }),
  }),
  golden: [
    {
      value: { status: 'ok', more: true, records: [RECORD, RECORD] },
      hex: `00 01 02 ${RECORD_LENGTH} ${RECORD_HEX} ${RECORD_LENGTH} ${RECORD_HEX}`,
    },
    { value: { status: 'taken', more: false, records: [] }, hex: '01 00 00' },
    { value: { status: 'refused', more: false, records: [] }, hex: '02 00 00' },
    { value: { status: 'not-found', more: false, records: [] }, hex: '03 00 00' },
  ],
  impossible: [
    { why: 'an unknown status', hex: '04 00 00' },
    { why: 'a "more" that is neither yes nor no', hex: '00 02 00' },
    { why: 'thirteen records', hex: `00 00 0d ${`${RECORD_LENGTH} ${RECORD_HEX}`.repeat(13)}` },
    { why: 'a record fewer than announced', hex: `00 00 02 ${RECORD_LENGTH} ${RECORD_HEX}` },
    { why: 'a record shorter than it must be', hex: `00 00 01 0100 ${RECORD_HEX}` },
    { why: 'an impossible record', hex: `00 00 01 ${RECORD_LENGTH} 00 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
  ],
  tail: 'ignored',
});

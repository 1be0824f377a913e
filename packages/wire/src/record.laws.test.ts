/** Laws of DHT records, of the questions about them and of what holders say. */
import fc from 'fast-check';
import { codecLaws, type Impossible } from '../../../test/laws/codec-laws.ts';
import { LEAF_MAX_BYTES } from './constants.ts';
import {
  type BriefRecord,
  type DhtRecord,
  decodeRecord,
  encodeRecord,
  RECORD_LIFETIME_MAX_S,
  RECORD_VALUE_MAX_BYTES,
  RecordKind,
  WRITER_TAG_BYTES,
} from './record.ts';
import {
  type DhtAnswer,
  type DhtNotice,
  decodeDhtAnswer,
  decodeDhtNotice,
  encodeDhtAnswer,
  encodeDhtNotice,
} from './record-answer.ts';
import {
  ANSWER_RECORDS_MAX,
  BRIEF_RECORDS_MAX,
  type DhtRequest,
  decodeDhtRequest,
  encodeDhtRequest,
} from './record-request.ts';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const kind = fc.constantFrom(...Object.values(RecordKind));
const id = exactly(20);
const u32 = fc.integer({ min: 0, max: 0xffffffff });

function records(valueBytes: number, leafBytes: number): fc.Arbitrary<DhtRecord> {
  const fields = fc.record({
    kind,
    isDeleted: fc.boolean(),
    index: fc.integer({ min: 0, max: 255 }),
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
  return fields.map(record => (record.isDeleted ? { ...record, value: new Uint8Array(0) } : record));
}

const RECORD: DhtRecord = {
  kind: RecordKind.ADDRESS,
  isDeleted: false,
  index: 9,
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
const HEAD = `09 ${'0a'.repeat(20)} 010203040506 0000019876543210`;
const PROOF = `${'0b'.repeat(32)} 0002 3000 ${'0c'.repeat(113)} ${'0d'.repeat(64)}`;
const RECORD_HEX = `02 ${HEAD} 0002a300 0003 010203 ${PROOF}`;
/** 2 + 20 + 6 + 8 + 4 + (2 + 3) + 32 + (2 + 2) + 113 + 64. */
const RECORD_LENGTH = '0102';

codecLaws<DhtRecord>({
  name: 'decodeRecord',
  decode: decodeRecord,
  encode: encodeRecord,
  values: records(RECORD_VALUE_MAX_BYTES, LEAF_MAX_BYTES),
  golden: [
    { value: RECORD, hex: RECORD_HEX },
    {
      value: { ...RECORD, kind: RecordKind.MAILBOX, lifetimeS: 1, value: filled(4096, 7) },
      hex: `06 ${HEAD} 00000001 1000 ${'07'.repeat(4096)} ${PROOF}`,
    },
    {
      value: { ...RECORD, isDeleted: true, value: new Uint8Array(0) },
      hex: `82 ${HEAD} 0002a300 0000 ${PROOF}`,
    },
  ],
  impossible: [
    { why: 'kind 0', hex: `00 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
    { why: 'an unknown kind', hex: `07 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
    { why: 'a value of what is deleted', hex: `82 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
    { why: 'no lifetime', hex: `02 ${HEAD} 00000000 0003 010203 ${PROOF}` },
    { why: 'a lifetime above 48 h', hex: `02 ${HEAD} 0002a301 0003 010203 ${PROOF}` },
    { why: 'a value of 4,097 bytes', hex: `02 ${HEAD} 0002a300 1001 ${'07'.repeat(4097)} ${PROOF}` },
    {
      why: 'a leaf of 638 bytes',
      hex: `02 ${HEAD} 0002a300 0000 ${'0b'.repeat(32)} 027e ${'30'.repeat(638)} ${'0c'.repeat(113)} ${'0d'.repeat(64)}`,
    },
    {
      why: 'a signing time beyond 2^53',
      hex: `02 09 ${'0a'.repeat(20)} 010203040506 0020000000000000 0002a300 0003 010203 ${PROOF}`,
    },
  ],
  tail: 'ignored',
});

const POSITION = '0e'.repeat(20);
const position = filled(20, 0x0e);
const about = { position, kind: RecordKind.RENDEZVOUS, key: filled(20, 0x0a) };
const aboutAny = { position: id, kind, key: id };
const COPY_HEX = `${POSITION} 00000001 00000002 ${RECORD_LENGTH} ${RECORD_HEX}`;

codecLaws<DhtRequest>({
  name: 'decodeDhtRequest',
  decode: decodeDhtRequest,
  encode: encodeDhtRequest,
  values: fc.oneof(
    fc.record({ op: fc.constantFrom('put', 'create'), position: id, record: records(64, 64) }),
    fc.record({
      op: fc.constant('get' as const),
      ...aboutAny,
      after: exactly(21),
      most: fc.integer({ min: 1, max: ANSWER_RECORDS_MAX }),
      isBrief: fc.boolean(),
    }),
    fc.record({
      op: fc.constant('watch' as const),
      ...aboutAny,
      watcher: id,
      watch: u32,
      lifetimeS: fc.integer({ min: 0, max: 0xffff }),
    }),
    fc.record({
      op: fc.constant('copy' as const),
      copies: fc.array(fc.record({ position: id, heldS: u32, leftS: u32, record: records(64, 64) }), {
        maxLength: ANSWER_RECORDS_MAX,
      }),
    }),
  ),
  golden: [
    { value: { op: 'put', position, record: RECORD }, hex: `01 ${POSITION} ${RECORD_HEX}` },
    { value: { op: 'create', position, record: RECORD }, hex: `02 ${POSITION} ${RECORD_HEX}` },
    {
      value: { op: 'get', ...about, after: filled(21, 0x0f), most: 12, isBrief: false },
      hex: `03 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(21)} 0c`,
    },
    {
      value: { op: 'get', ...about, after: filled(21, 0x0f), most: 64, isBrief: true },
      hex: `03 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(21)} c0`,
    },
    {
      value: { op: 'watch', ...about, watcher: filled(20, 0x0f), watch: 0x01020304, lifetimeS: 0x0506 },
      hex: `04 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(20)} 01020304 0506`,
    },
    {
      value: { op: 'copy', copies: [{ position, heldS: 1, leftS: 2, record: RECORD }] },
      hex: `05 01 ${COPY_HEX}`,
    },
  ],
  impossible: [
    { why: 'operation 0', hex: `00 ${POSITION} ${RECORD_HEX}` },
    { why: 'an unknown operation', hex: `06 ${POSITION} ${RECORD_HEX}` },
    { why: 'a question for an unknown kind', hex: `03 ${POSITION} 07 ${'0a'.repeat(20)} ${'0f'.repeat(21)} 0c` },
    { why: 'a question for no record', hex: `03 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(21)} 00` },
    { why: 'a question for thirteen', hex: `03 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(21)} 0d` },
    { why: 'a question for no brief record', hex: `03 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(21)} 80` },
    { why: 'a question for 65 brief ones', hex: `03 ${POSITION} 01 ${'0a'.repeat(20)} ${'0f'.repeat(21)} c1` },
    { why: 'a watch of an unknown kind', hex: `04 ${POSITION} 00 ${'0a'.repeat(20)} ${'0f'.repeat(20)} 01020304 0506` },
    { why: 'an impossible record', hex: `01 ${POSITION} 00 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
    { why: 'thirteen copies', hex: `05 0d ${COPY_HEX.repeat(13)}` },
    { why: 'a copy fewer than announced', hex: `05 02 ${COPY_HEX}` },
  ],
  tail: 'ignored',
});

const TWO_HEX = `01 02 ${RECORD_LENGTH} ${RECORD_HEX} ${RECORD_LENGTH} ${RECORD_HEX}`;
const impossible = (head: string): [Impossible, ...Impossible[]] => [
  { why: 'a "more" that is neither yes nor no', hex: `${head} 02 00` },
  { why: 'thirteen records', hex: `${head} 00 0d ${`${RECORD_LENGTH} ${RECORD_HEX}`.repeat(13)}` },
  { why: 'a record fewer than announced', hex: `${head} 00 02 ${RECORD_LENGTH} ${RECORD_HEX}` },
  { why: 'a record shorter than it must be', hex: `${head} 00 01 0101 ${RECORD_HEX}` },
  { why: 'an impossible record', hex: `${head} 00 01 ${RECORD_LENGTH} 00 ${HEAD} 0002a300 0003 010203 ${PROOF}` },
];
const some = fc.array(records(64, 64), { maxLength: ANSWER_RECORDS_MAX });
const someBrief = fc.array(
  fc
    .tuple(records(64, 0), exactly(WRITER_TAG_BYTES))
    .map(([{ noiseStatic: _static, leaf: _leaf, statement: _statement, ...rest }, writerTag]) => ({
      ...rest,
      writerTag,
    })),
  { minLength: 1, maxLength: BRIEF_RECORDS_MAX },
);
const { noiseStatic: _static, leaf: _leaf, statement: _statement, ...HEAD_OF_RECORD } = RECORD;
const BRIEF: BriefRecord = { ...HEAD_OF_RECORD, writerTag: filled(8, 0x0e) };
const BRIEF_HEX = `42 ${HEAD} 0002a300 0003 010203 ${'0e'.repeat(8)} ${'0d'.repeat(64)}`;
/** 2 + 20 + 6 + 8 + 4 + (2 + 3) + 8 + 64. */
const BRIEF_LENGTH = '0075';

codecLaws<DhtAnswer>({
  name: 'decodeDhtAnswer',
  decode: decodeDhtAnswer,
  encode: encodeDhtAnswer,
  values: fc.oneof(
    fc.record({
      status: fc.constantFrom('ok', 'taken', 'refused', 'not-found', 'busy'),
      more: fc.boolean(),
      records: some,
    }),
    fc.record({ status: fc.constant('ok'), more: fc.boolean(), records: fc.constant([]), brief: someBrief }),
    fc.record({
      status: fc.constant('partly'),
      more: fc.boolean(),
      records: some,
      untaken: fc.integer({ min: 0, max: 0xffff }),
    }),
  ),
  golden: [
    { value: { status: 'ok', more: true, records: [RECORD, RECORD] }, hex: `00 ${TWO_HEX}` },
    {
      value: { status: 'ok', more: false, records: [], brief: [BRIEF, BRIEF] },
      hex: `00 00 02 ${BRIEF_LENGTH} ${BRIEF_HEX} ${BRIEF_LENGTH} ${BRIEF_HEX}`,
    },
    { value: { status: 'taken', more: false, records: [] }, hex: '01 00 00' },
    { value: { status: 'refused', more: false, records: [] }, hex: '02 00 00' },
    { value: { status: 'not-found', more: false, records: [] }, hex: '03 00 00' },
    { value: { status: 'busy', more: false, records: [] }, hex: '04 00 00' },
    { value: { status: 'partly', more: false, records: [], untaken: 0x0801 }, hex: '05 00 00 0801' },
  ],
  impossible: [
    { why: 'an unknown status', hex: '06 00 00' },
    { why: '65 brief records', hex: `00 00 41 ${`${BRIEF_LENGTH} ${BRIEF_HEX}`.repeat(65)}` },
    { why: 'brief and whole records', hex: `00 00 02 ${BRIEF_LENGTH} ${BRIEF_HEX} ${RECORD_LENGTH} ${RECORD_HEX}` },
    { why: 'whole and brief records', hex: `00 00 02 ${RECORD_LENGTH} ${RECORD_HEX} ${BRIEF_LENGTH} ${BRIEF_HEX}` },
    { why: 'a brief record of an unknown kind', hex: `00 00 01 ${BRIEF_LENGTH} 47${BRIEF_HEX.slice(2)}` },
    ...impossible('00'),
  ],
  tail: 'ignored',
});

codecLaws<DhtNotice>({
  name: 'decodeDhtNotice',
  decode: decodeDhtNotice,
  encode: encodeDhtNotice,
  values: fc.record({ watch: u32, more: fc.boolean(), records: some }),
  golden: [
    { value: { watch: 0x01020304, more: true, records: [RECORD, RECORD] }, hex: `01020304 ${TWO_HEX}` },
    { value: { watch: 1, more: false, records: [] }, hex: '00000001 00 00' },
  ],
  impossible: impossible('01020304'),
  tail: 'ignored',
});

/** Laws of what neighbours tell each other. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import {
  CANDIDATES_MAX,
  DIRECT_KINDS,
  decodeFragment,
  decodeLinkMessage,
  decodePathProbe,
  encodeFragment,
  encodeLinkMessage,
  encodePathProbe,
  FRAGMENTS_MAX,
  type LinkMessage,
  NAT_MAPPINGS,
  NEIGHBOURS_MAX,
  URLS_MAX,
  WILLINGNESS,
} from './link-message.ts';

const u32 = fc.nat(0xffffffff);
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
/** Printable ASCII without blanks. */
const shortText = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)),
  maxLength: 255,
});

codecLaws({
  name: 'decodePathProbe',
  decode: decodePathProbe,
  encode: encodePathProbe,
  values: fc.record({ token: exactly(8), bindingHash: exactly(32), seen: shortText }),
  golden: [
    {
      value: { token: filled(8, 0x11), bindingHash: filled(32, 0x22), seen: '' },
      hex: `${'11'.repeat(8)} ${'22'.repeat(32)} 00`,
    },
    {
      value: { token: filled(8, 0x33), bindingHash: filled(32, 0x44), seen: '192.0.2.7:9' },
      hex: `${'33'.repeat(8)} ${'44'.repeat(32)} 0b 3139322e302e322e373a39`,
    },
  ],
  impossible: [
    { why: 'a blank in the address', hex: `${'11'.repeat(40)} 01 20` },
    { why: 'a control character in the address', hex: `${'11'.repeat(40)} 01 7f` },
    { why: 'an address that is not ASCII', hex: `${'11'.repeat(40)} 02 c3a4` },
  ],
  tail: 'ignored',
});

codecLaws({
  name: 'decodeFragment',
  decode: decodeFragment,
  encode: encodeFragment,
  values: fc
    .tuple(
      fc.nat(0xffff),
      fc.integer({ min: 1, max: FRAGMENTS_MAX }),
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 1200 }),
    )
    .map(([messageId, count, n, piece]) => ({ messageId, index: n % count, count, piece })),
  golden: [
    { value: { messageId: 0x1234, index: 15, count: 16, piece: Uint8Array.of(7, 8) }, hex: '1234 0f 10 0708' },
    { value: { messageId: 1, index: 0, count: 1, piece: Uint8Array.of(9) }, hex: '0001 00 01 09' },
  ],
  impossible: [
    { why: 'no pieces', hex: '1234 00 00 0708' },
    { why: 'seventeen pieces', hex: '1234 00 11 0708' },
    { why: 'an index at the count', hex: '1234 02 02 0708' },
    { why: 'an empty piece', hex: '1234 00 01' },
  ],
  tail: { openFrom: 5 },
});

const publicId = exactly(20).filter(id => id.some(byte => byte !== 0));
const base = {
  kind: fc.constant('candidates' as const),
  id: u32,
  webrtc: fc.boolean(),
  udp: fc.boolean(),
  hostKind: fc.nat(255),
  nat: fc.record({ mapping: fc.constantFrom(...NAT_MAPPINGS), portStep: fc.integer({ min: -32_768, max: 32_767 }) }),
  willingness: fc.constantFrom(...WILLINGNESS),
  addresses: fc.array(shortText, { maxLength: CANDIDATES_MAX }),
  urls: fc.array(shortText, { maxLength: URLS_MAX }),
};
const neighbour = fc.record({
  peer: exactly(20),
  kind: fc.constantFrom(...DIRECT_KINDS),
  ageS: u32,
  rttMs: fc.option(fc.nat(0xfffe), { nil: undefined }),
});
const linkMessage: fc.Arbitrary<LinkMessage> = fc.oneof(
  fc.record({ kind: fc.constant('acknowledge' as const), id: u32 }),
  fc.record(base),
  fc.record({ ...base, publicId }),
  fc.record({
    kind: fc.constant('signal' as const),
    id: u32,
    connection: shortText,
    signal: fc.string({ unit: 'binary', maxLength: 3000 }),
  }),
  fc.record({
    kind: fc.constant('neighbours' as const),
    id: u32,
    neighbours: fc.array(neighbour, { maxLength: NEIGHBOURS_MAX }),
  }),
);

codecLaws<LinkMessage>({
  name: 'decodeLinkMessage',
  decode: decodeLinkMessage,
  encode: encodeLinkMessage,
  values: linkMessage,
  golden: [
    { value: { kind: 'acknowledge', id: 0x0a0b0c0d }, hex: '01 0a0b0c0d' },
    {
      value: {
        kind: 'candidates',
        id: 2,
        webrtc: true,
        udp: false,
        hostKind: 1,
        publicId: filled(20, 0x77),
        nat: { mapping: 'endpoint-dependent', portStep: -2 },
        willingness: 'never',
        addresses: [],
        urls: ['wss:'],
      },
      hex: `02 00000002 01 01 ${'77'.repeat(20)} 02 fffe 03 00 01 04 7773733a`,
    },
    {
      value: {
        kind: 'candidates',
        id: 3,
        webrtc: false,
        udp: true,
        hostKind: 0,
        nat: { mapping: 'unknown', portStep: 0 },
        willingness: 'always',
        addresses: ['10.0.0.1:1', '[::1]:2'],
        urls: [],
      },
      hex: `02 00000003 02 00 ${'00'.repeat(20)} 00 0000 00 02 0a 31302e302e302e313a31 07 5b3a3a315d3a32 00`,
    },
    {
      value: { kind: 'signal', id: 4, connection: 'c1', signal: 'v=0 ä' },
      hex: '03 00000004 02 6331 0006 763d3020c3a4',
    },
    {
      value: {
        kind: 'neighbours',
        id: 5,
        neighbours: [
          { peer: filled(20, 0x11), kind: 'udp', ageS: 61, rttMs: 12 },
          { peer: filled(20, 0x22), kind: 'websocket', ageS: 0, rttMs: undefined },
        ],
      },
      hex: `04 00000005 02 ${'11'.repeat(20)} 00 0000003d 000c ${'22'.repeat(20)} 02 00000000 ffff`,
    },
  ],
  impossible: [
    { why: 'an unknown kind', hex: '05 00000001 00000000' },
    { why: 'a neighbour through a relay', hex: `04 00000005 01 ${'11'.repeat(20)} 03 0000003d 000c` },
    { why: '65 neighbours', hex: `04 00000005 41 ${`${'11'.repeat(20)} 00 0000003d 000c`.repeat(65)}` },
    { why: 'an unknown mapping', hex: `02 00000002 01 01 ${'77'.repeat(20)} 03 0000 00 00 00` },
    { why: 'an unknown willingness', hex: `02 00000002 01 01 ${'77'.repeat(20)} 00 0000 04 00 00` },
    { why: 'three URLs', hex: `02 00000002 01 01 ${'77'.repeat(20)} 00 0000 00 00 03 0161 0161 0161` },
    { why: 'an unknown way to connect', hex: `02 00000002 04 01 ${'77'.repeat(20)} 00 0000 00 00 00` },
    { why: 'nine addresses', hex: `02 00000002 03 01 ${'77'.repeat(20)} 00 0000 00 09 ${'0161'.repeat(9)} 00` },
    { why: 'a blank in an address', hex: `02 00000002 03 01 ${'77'.repeat(20)} 00 0000 00 01 03 612062 00` },
    { why: 'a line end in the name of a connection', hex: '03 00000004 01 0a 0001 76' },
    { why: 'a signal that is no UTF-8', hex: '03 00000004 01 61 0002 c328' },
    { why: 'a signal of 15,001 bytes', hex: `03 00000004 01 61 3a99 ${'76'.repeat(15_001)}` },
  ],
  tail: 'ignored',
});

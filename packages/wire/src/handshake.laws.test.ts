/** Laws of the handshake datagrams and of what is inside them. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { HANDSHAKE_MAX_BYTES, LEAF_MAX_BYTES, PacketType } from './constants.ts';
import {
  decodeCookie,
  decodeHandshakePayload,
  decodeHs1,
  decodeHs1Payload,
  decodeHsReply,
  decodeNoSession,
  encodeCookie,
  encodeHandshakePayload,
  encodeHs1,
  encodeHs1Payload,
  encodeHsReply,
  encodeNoSession,
} from './handshake.ts';

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const u48 = fc.maxSafeNat().map(n => n % 2 ** 48);
const u64 = fc.maxSafeNat();
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

codecLaws({
  name: 'decodeHs1',
  decode: decodeHs1,
  encode: encodeHs1,
  values: fc.record({ senderIndex: u32, noise: exactly(48), mac1: exactly(16), mac2: exactly(16) }),
  golden: [
    {
      value: { senderIndex: 0x01020304, noise: filled(48, 0xaa), mac1: filled(16, 0xbb), mac2: filled(16, 0xcc) },
      hex: `e1 01 0000 01020304 ${'aa'.repeat(48)} ${'00'.repeat(232)} ${'bb'.repeat(16)} ${'cc'.repeat(16)}`,
    },
  ],
  impossible: [
    { why: 'another type', hex: `e2 01 0000 01020304 ${'aa'.repeat(312)}` },
    { why: 'another version', hex: `e1 02 0000 01020304 ${'aa'.repeat(312)}` },
    { why: 'a padding that is a byte short', hex: `e1 01 0000 01020304 ${'aa'.repeat(311)}` },
  ],
  tail: 'refused',
});

codecLaws({
  name: 'decodeHs1Payload',
  decode: decodeHs1Payload,
  encode: encodeHs1Payload,
  values: fc.record({ attempt: exactly(8), flags: u16, maxDatagramBytes: u16 }),
  golden: [
    {
      value: { attempt: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), flags: 0x8001, maxDatagramBytes: 1200 },
      hex: '0102030405060708 8001 04b0 00000000',
    },
  ],
  impossible: [{ why: 'a cut reserve', hex: '0102030405060708 0000 04b0 000000' }],
  tail: 'ignored',
});

codecLaws({
  name: 'decodeHsReply',
  decode: decodeHsReply,
  encode: encodeHsReply,
  values: fc.oneof(
    fc.record({
      type: fc.constant(PacketType.HS2),
      senderIndex: u32,
      receiverIndex: u32,
      noise: fc.uint8Array({ minLength: 96, maxLength: HANDSHAKE_MAX_BYTES - 12, size: 'max' }),
    }),
    fc.record({
      type: fc.constant(PacketType.HS3),
      senderIndex: u32,
      receiverIndex: u32,
      noise: fc.uint8Array({ minLength: 64, maxLength: HANDSHAKE_MAX_BYTES - 12, size: 'max' }),
    }),
  ),
  golden: [
    {
      value: { type: PacketType.HS2, senderIndex: 1, receiverIndex: 0xfffefdfc, noise: filled(96, 0x5a) },
      hex: `e2 01 0000 00000001 fffefdfc ${'5a'.repeat(96)}`,
    },
    {
      value: { type: PacketType.HS3, senderIndex: 0x80000000, receiverIndex: 2, noise: filled(64, 0x5b) },
      hex: `e3 01 0000 80000000 00000002 ${'5b'.repeat(64)}`,
    },
  ],
  impossible: [
    { why: 'HS1', hex: `e1 01 0000 00000001 00000002 ${'5a'.repeat(96)}` },
    { why: 'another version', hex: `e2 00 0000 00000001 00000002 ${'5a'.repeat(96)}` },
    { why: 'HS2 without room for keys and tags', hex: `e2 01 0000 00000001 00000002 ${'5a'.repeat(95)}` },
    { why: 'HS3 without room for a key and tags', hex: `e3 01 0000 00000001 00000002 ${'5a'.repeat(63)}` },
    { why: 'more than 1,100 bytes', hex: `e3 01 0000 00000001 00000002 ${'5a'.repeat(1089)}` },
  ],
  tail: { openFrom: 12 + 64 },
});

const SIGNED_HEAD = `060504030201 0000010203040506 ${'dd'.repeat(64)}`;

codecLaws({
  name: 'decodeHandshakePayload',
  decode: decodeHandshakePayload,
  encode: encodeHandshakePayload,
  values: fc.record({
    flags: u32,
    initiatorIndex: u32,
    responderIndex: u32,
    unixMs: u64,
    maxDatagramBytes: u16,
    revocation: fc.record({ sequence: u48, signedAt: u64, signature: exactly(64) }),
    leaf: fc.uint8Array({ maxLength: LEAF_MAX_BYTES, size: 'max' }),
    statement: exactly(113),
  }),
  golden: [
    {
      value: {
        flags: 1,
        initiatorIndex: 0x0a0b0c0d,
        responderIndex: 0xf0e0d0c0,
        unixMs: 0x0198_7654_3210,
        maxDatagramBytes: 1452,
        revocation: { sequence: 0x060504030201, signedAt: 0x010203040506, signature: filled(64, 0xdd) },
        leaf: Uint8Array.of(0x30, 0x01, 0x00),
        statement: filled(113, 0xee),
      },
      hex: `00000001 0a0b0c0d f0e0d0c0 0000019876543210 05ac ${SIGNED_HEAD} 0003 300100 ${'ee'.repeat(113)}`,
    },
  ],
  impossible: [
    {
      why: 'a leaf of 638 bytes',
      hex: `00000001 00000002 00000003 0000019876543210 05ac ${SIGNED_HEAD} 027e ${'30'.repeat(638)} ${'ee'.repeat(113)}`,
    },
    {
      why: 'a time beyond 2^53',
      hex: `00000001 00000002 00000003 0020000000000000 05ac ${SIGNED_HEAD} 0000 ${'ee'.repeat(113)}`,
    },
    {
      why: 'a revocation head signed beyond 2^53',
      hex: `00000001 00000002 00000003 0000019876543210 05ac 000000000001 ffffffffffffffff ${'dd'.repeat(64)} 0000 ${'ee'.repeat(113)}`,
    },
  ],
  tail: 'ignored',
});

codecLaws({
  name: 'decodeCookie',
  decode: decodeCookie,
  encode: encodeCookie,
  values: fc.record({ receiverIndex: u32, nonce: exactly(24), sealed: exactly(32) }),
  golden: [
    {
      value: { receiverIndex: 0x80fefdfc, nonce: filled(24, 0xaa), sealed: filled(32, 0xbb) },
      hex: `e4 01 0000 80fefdfc ${'aa'.repeat(24)} ${'bb'.repeat(32)}`,
    },
  ],
  impossible: [
    { why: 'another type', hex: `e3 01 0000 80fefdfc ${'aa'.repeat(56)}` },
    { why: 'another version', hex: `e4 02 0000 80fefdfc ${'aa'.repeat(56)}` },
    { why: 'a tag that is a byte long', hex: `e4 01 0000 80fefdfc ${'aa'.repeat(57)}` },
  ],
  tail: 'refused',
});

codecLaws({
  name: 'decodeNoSession',
  decode: decodeNoSession,
  encode: encodeNoSession,
  values: fc.record({ index: u32, counter: u64 }),
  golden: [
    { value: { index: 0xdeadbeef, counter: 0x010203040506 }, hex: 'e7 01 0000 deadbeef 0000010203040506' },
    { value: { index: 0, counter: Number.MAX_SAFE_INTEGER }, hex: 'e7 01 0000 00000000 001fffffffffffff' },
  ],
  impossible: [
    { why: 'another type', hex: 'e5 01 0000 deadbeef 0000000000000007' },
    { why: 'another version', hex: 'e7 02 0000 deadbeef 0000000000000007' },
    { why: 'a counter beyond 2^53', hex: 'e7 01 0000 deadbeef 0020000000000000' },
  ],
  tail: 'ignored',
});

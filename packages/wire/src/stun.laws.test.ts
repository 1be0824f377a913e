import { fromHex } from '@warren/base';
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeStunRequest, decodeStunSuccess, encodeStunRequest, encodeStunSuccess } from './stun.ts';

/** The transaction id of RFC 5769 sections 2.1 to 2.3. */
const ID = 'b7e7a701bc34d686fa87dfae';
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);
const id = fc.uint8Array({ minLength: 12, maxLength: 12 });

codecLaws({
  name: 'decodeStunRequest',
  decode: decodeStunRequest,
  encode: encodeStunRequest,
  values: fc.record({ transactionId: id }),
  golden: [{ value: { transactionId: bytes(ID) }, hex: `0001 0000 2112a442 ${ID}` }],
  impossible: [
    { why: 'another method', hex: `0003 0000 2112a442 ${ID}` },
    { why: 'an answer', hex: `0101 0000 2112a442 ${ID}` },
    { why: 'the cookie of RFC 3489', hex: `0001 0000 2112a443 ${ID}` },
    { why: 'a length that is not a multiple of four', hex: `0001 0002 2112a442 ${ID} 8022` },
    { why: 'a length beyond the end', hex: `0001 0008 2112a442 ${ID} 8022 0000` },
    { why: 'an attribute beyond the end', hex: `0001 0004 2112a442 ${ID} 8022 0004` },
    { why: 'CHANGE-REQUEST, which we do not honour', hex: `0001 0008 2112a442 ${ID} 0003 0004 00000006` },
  ],
  tail: 'refused',
});

codecLaws({
  name: 'decodeStunSuccess',
  decode: decodeStunSuccess,
  encode: encodeStunSuccess,
  values: fc.record({
    transactionId: id,
    address: fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
    port: fc.integer({ min: 0, max: 65_535 }),
  }),
  golden: [
    {
      // XOR-MAPPED-ADDRESS of RFC 5769 section 2.2: 192.0.2.1, port 32853.
      value: { transactionId: bytes(ID), address: Uint8Array.of(192, 0, 2, 1), port: 32_853 },
      hex: `0101 000c 2112a442 ${ID} 0020 0008 0001 a147 e112a643`,
    },
    {
      // XOR-MAPPED-ADDRESS of RFC 5769 section 2.3: 2001:db8:1234:5678:11:2233:4455:6677, port 32853.
      value: { transactionId: bytes(ID), address: bytes('20010db8123456780011223344556677'), port: 32_853 },
      hex: `0101 0018 2112a442 ${ID} 0020 0014 0002 a147 0113a9faa5d3f179bc25f4b5bed2b9d9`,
    },
  ],
  impossible: [
    { why: 'no address', hex: `0101 0000 2112a442 ${ID}` },
    {
      why: 'an IPv4 family with 16 bytes',
      hex: `0101 0018 2112a442 ${ID} 0020 0014 0001 a147 0113a9faa5d3f179bc25f4b5bed2b9d9`,
    },
    { why: 'a family that does not exist', hex: `0101 000c 2112a442 ${ID} 0020 0008 0003 a147 e112a643` },
    {
      why: 'an unknown attribute that must be understood',
      hex: `0101 0010 2112a442 ${ID} 7fff 0000 0020 0008 0001 a147 e112a643`,
    },
  ],
  tail: 'refused',
});

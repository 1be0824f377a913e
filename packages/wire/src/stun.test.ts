import { fromHex } from '@warren/base';
import { expect, test } from 'vitest';
import { decodeStunRequest, decodeStunSuccess, encodeStunRequest, encodeStunSuccess, isStun } from './stun.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex.replace(/\s/g, '')) ?? new Uint8Array(0);

/** RFC 5769 section 2.1, byte for byte: a request with software, priority, ICE role, user name, integrity, fingerprint. */
const REQUEST = bytes(`0001 0058 2112a442 b7e7a701 bc34d686 fa87dfae
  8022 0010 5354554e 20746573 7420636c 69656e74
  0024 0004 6e0001ff 8029 0008 932ff9b1 51263b36
  0006 0009 6576746a 3a683676 59202020
  0008 0014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
  8028 0004 e57a3bcf`);

/** RFC 5769 section 2.2: the answer over IPv4 with software, integrity, fingerprint. */
const ANSWER = bytes(`0101 003c 2112a442 b7e7a701 bc34d686 fa87dfae
  8022 000b 74657374 20766563 746f7220
  0020 0008 0001 a147 e112a643
  0008 0014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
  8028 0004 c07d4c96`);

test('the sample request of RFC 5769 is understood', () => {
  expect(decodeStunRequest(REQUEST)?.transactionId).toEqual(bytes('b7e7a701bc34d686fa87dfae'));
});

test('the sample answer of RFC 5769 gives its address', () => {
  const answer = decodeStunSuccess(ANSWER);
  expect(answer?.address).toEqual(Uint8Array.of(192, 0, 2, 1));
  expect(answer?.port).toBe(32_853);
});

test('no answer is more than three times its request', () => {
  const transactionId = new Uint8Array(12);
  const request = encodeStunRequest({ transactionId }).length;
  for (const address of [new Uint8Array(4), new Uint8Array(16)]) {
    expect(encodeStunSuccess({ transactionId, address, port: 1 }).length).toBeLessThanOrEqual(3 * request);
  }
});

test('session datagrams, DTLS and short bytes are not taken for STUN', () => {
  expect(isStun(REQUEST)).toBe(true);
  expect(isStun(REQUEST.subarray(0, 19))).toBe(false);
  expect(isStun(Uint8Array.from(REQUEST, (byte, i) => (i === 0 ? 0xe1 : byte)))).toBe(false);
  expect(isStun(Uint8Array.from(REQUEST, (byte, i) => (i === 7 ? 0 : byte)))).toBe(false);
});

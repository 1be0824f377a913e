import { describe, expect, test } from 'vitest';
import { fingerprintOf, parseFingerprint } from './dtls-fingerprint.ts';

const BYTES = Uint8Array.from({ length: 32 }, (_, i) => i);
const FINGERPRINT = [...BYTES].map(byte => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
const LINE = `a=fingerprint:sha-256 ${FINGERPRINT}\r\n`;

describe('the fingerprint of a description', () => {
  test('may stand on session and media level if both agree, in any case of letters', () => {
    expect(fingerprintOf(`v=0\r\n${LINE}m=application 9\r\n${LINE.toLowerCase()}`)).toEqual(BYTES);
    expect(fingerprintOf(`A=FINGERPRINT:SHA-256 ${FINGERPRINT}\n`)).toEqual(BYTES);
  });

  test.each([
    ['none', 'v=0\r\n'],
    ['two that differ', `${LINE}${LINE.replace('00', '01')}`],
    ['two that differ, one in capital letters', `${LINE}A=FINGERPRINT:SHA-256 ${FINGERPRINT.replace('00', '01')}\r\n`],
    ['a weaker hash beside', `${LINE}a=fingerprint:sha-1 ${FINGERPRINT.slice(0, 59)}\r\n`],
    ['a short one', `a=fingerprint:sha-256 ${FINGERPRINT.slice(3)}\r\n`],
  ])('%s: refused', (_what, text) => {
    expect(fingerprintOf(text)).toBeUndefined();
  });

  test('is read alone as well', () => {
    expect(parseFingerprint(FINGERPRINT)).toEqual(BYTES);
    expect(parseFingerprint(`${FINGERPRINT}:00`)).toBeUndefined();
  });
});

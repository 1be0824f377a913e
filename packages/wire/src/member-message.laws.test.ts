/** Laws of what members tell each other. */
import { utf8 } from '@warren/base';
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeMemberMessage, encodeMemberMessage, type MemberMessage, TEXT_MAX_BYTES } from './member-message.ts';

const id = fc.nat(0xffffffff);
const text = fc
  .string({ unit: 'binary', minLength: 1, maxLength: TEXT_MAX_BYTES, size: 'max' })
  .filter(each => utf8(each).length <= TEXT_MAX_BYTES);

codecLaws<MemberMessage>({
  name: 'decodeMemberMessage',
  decode: decodeMemberMessage,
  encode: encodeMemberMessage,
  values: fc.oneof(
    fc.record({ kind: fc.constant('text' as const), id, text }),
    fc.record({ kind: fc.constant('received' as const), id }),
  ),
  golden: [
    { value: { kind: 'text', id: 0x01020304, text: 'hé €' }, hex: '01 01020304 68c3a920e282ac' },
    { value: { kind: 'text', id: 1, text: 'x'.repeat(1000) }, hex: `01 00000001 ${'78'.repeat(1000)}` },
    { value: { kind: 'received', id: 0xfffffffe }, hex: '02 fffffffe' },
  ],
  impossible: [
    { why: 'an unknown kind', hex: '03 00000001 61' },
    { why: 'an empty text', hex: '01 00000001' },
    { why: 'a text of 1,001 bytes', hex: `01 00000001 ${'78'.repeat(1001)}` },
    { why: 'an overlong form', hex: '01 00000001 c080' },
    { why: 'a surrogate', hex: '01 00000001 eda080' },
  ],
  tail: { openFrom: 5 },
});

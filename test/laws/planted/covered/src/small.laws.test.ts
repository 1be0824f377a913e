/** Laws of the planted decoder. */
import fc from 'fast-check';
import { codecLaws } from '../../../codec-laws.ts';
import { decodeSmall, encodeSmall } from './index.ts';

codecLaws({
  name: 'decodeSmall',
  decode: decodeSmall,
  encode: encodeSmall,
  values: fc.integer({ min: 0, max: 127 }),
  golden: [{ value: 7, hex: '07' }],
  impossible: [{ why: 'a value above 127', hex: '80' }],
  tail: 'refused',
});

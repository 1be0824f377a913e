/** No answer to an unproven address is worth forging a request (RFC 9000 section 8: factor 3). */
import { expect, test } from 'vitest';
import { amplificationTable, worstAmplification } from './amplification.ts';

test.each(amplificationTable())('faults #49 $message gets at most three times its bytes: $answer', row => {
  expect(row.bytesOut).toBeLessThanOrEqual(3 * row.bytesIn);
});

test('faults #49 the worst is HS2 with the largest leaf, a COOKIE is less than it answers', () => {
  expect(worstAmplification()).toBe(960 / 320);
  const cookie = amplificationTable().find(({ answer }) => answer === 'COOKIE');
  expect(cookie).toMatchObject({ bytesIn: 320, bytesOut: 64 });
});

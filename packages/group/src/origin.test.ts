import fc from 'fast-check';
import { test } from 'vitest';
import { isOrigin } from './origin.ts';

test('whatever is taken for an origin can be made a URL', () => {
  const piece = fc.constantFrom(...'[ ] : :: . a b f 0 1 9 25 255 256 0x x xn-- - _ @ / ? # % 80 :80 65536'.split(' '));
  const host = fc.array(piece, { minLength: 1, maxLength: 9 }).map(pieces => pieces.join(''));
  fc.assert(
    fc.property(host, text => !isOrigin(`http://${text}`) || URL.canParse(`http://${text}`)),
    { numRuns: 2000 },
  );
});

test('the origins that browsers print are taken', () => {
  const bracketed = fc.ipV6().map(text => `[${text}]`);
  const url = fc.tuple(
    fc.constantFrom('http', 'https'),
    fc.oneof(fc.ipV4(), bracketed, fc.domain()),
    fc.integer({ min: 1, max: 65_535 }),
  );
  fc.assert(fc.property(url, ([scheme, host, port]) => isOrigin(new URL(`${scheme}://${host}:${port}`).origin)));
});

/** HMAC-SHA-256 vectors through `suite.hmac`, also cut to shorter tags, and HKDF through the one of `noise`. */
import { sameSecret } from '@warren/base';
import { hkdfWithInfo } from '@warren/noise';
import type { Implementation } from './implementations.ts';
import { bytes, number } from './json.ts';
import { ACCEPTED, type Behaviour, REFUSED } from './report.ts';
import type { Test } from './wycheproof.ts';

export function macSkip({ algorithm, group }: Test): string | undefined {
  if (algorithm !== 'HMACSHA256') return `${algorithm}: the product has HMAC-SHA-256 only`;
  return number(group, 'tagSize') % 8 === 0 ? undefined : 'tags that are not whole bytes';
}

export function macBehaviour({ group, test }: Test, { suite }: Implementation): Behaviour {
  const mac = suite.hmac(bytes(test, 'key'), bytes(test, 'msg')).subarray(0, number(group, 'tagSize') / 8);
  return sameSecret(mac, bytes(test, 'tag')) ? ACCEPTED : REFUSED;
}

export function hkdfBehaviour({ test }: Test, { suite }: Implementation): Behaviour {
  const [secret, salt, info] = [bytes(test, 'ikm'), bytes(test, 'salt'), bytes(test, 'info')];
  const derived = hkdfWithInfo(suite, salt, secret, info, number(test, 'size'));
  if (derived === undefined) return REFUSED;
  return sameSecret(derived, bytes(test, 'okm')) ? ACCEPTED : { kind: 'wrong', why: 'other bytes' };
}

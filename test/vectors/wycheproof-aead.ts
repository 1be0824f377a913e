/** AEAD vectors: sealing gives the bytes, opening gives them back, and nothing that was changed opens. */
import { concat, sameBytes } from '@warren/base';
import { type AeadSuite, TAG_BYTES } from '@warren/noise';
import type { Implementation } from './implementations.ts';
import { bytes, number } from './json.ts';
import { ABSENT, ACCEPTED, type Behaviour, REFUSED } from './report.ts';
import type { Test } from './wycheproof.ts';

const NONCE_BYTES = 12;

export function aeadSkip({ algorithm, group }: Test): string | undefined {
  switch (algorithm) {
    case 'CHACHA20-POLY1305':
    case 'XCHACHA20-POLY1305':
      return undefined;
    case 'AES-GCM': {
      const [key, nonce, tag] = [number(group, 'keySize'), number(group, 'ivSize'), number(group, 'tagSize')];
      if (key !== 128 && key !== 256) return `AES-GCM with keys of ${key} bits: we have 128 and 256`;
      if (nonce !== 96) return 'AES-GCM with other nonces than 96 bits, which the product never makes';
      return tag === 128 ? undefined : 'AES-GCM with short tags';
    }
    default:
      return `${algorithm} is not in the product`;
  }
}

export function aeadBehaviour(test: Test, implementation: Implementation): Behaviour {
  const { algorithm } = test;
  if (algorithm === 'XCHACHA20-POLY1305') return extended(test, implementation.xchacha);
  const suites = algorithm === 'AES-GCM' ? [implementation.aesGcm] : implementation.aeads;
  const behaviours = suites.map(suite => behaviour(suite, test));
  const [first = ABSENT] = behaviours;
  const odd = behaviours.find(({ kind }) => kind !== first.kind);
  return odd === undefined ? first : { kind: 'wrong', why: `${suites.map(({ name }) => name).join(' and ')} disagree` };
}

function behaviour(suite: AeadSuite, { test }: Test): Behaviour {
  const { nonce, aad, plaintext, sealed } = parts(test);
  // Nonces are always our own: another length is a bug of ours, which throws.
  if (nonce.length !== NONCE_BYTES) return throws(() => openedBy(suite, test)) ? REFUSED : ACCEPTED;
  const opened = openedBy(suite, test);
  if (opened === undefined) return REFUSED;
  const again = new Uint8Array(plaintext.length + TAG_BYTES);
  suite.key(bytes(test, 'key')).seal(nonce, aad, plaintext, again);
  return outcome(opened, plaintext, again, sealed);
}

function openedBy(suite: AeadSuite, test: Test['test']): Uint8Array | undefined {
  const { nonce, aad, sealed } = parts(test);
  const opened = new Uint8Array(Math.max(0, sealed.length - TAG_BYTES));
  return suite.key(bytes(test, 'key')).open(nonce, aad, sealed, opened) ? opened : undefined;
}

function extended({ test }: Test, xchacha: Implementation['xchacha']): Behaviour {
  if (xchacha === undefined) return ABSENT;
  const { nonce, aad, plaintext, sealed } = parts(test);
  try {
    const cipher = () => xchacha(bytes(test, 'key'), nonce, aad);
    return outcome(cipher().decrypt(sealed), plaintext, cipher().encrypt(plaintext), sealed);
  } catch {
    return REFUSED; // noble says all by throwing; its callers catch it as here
  }
}

function outcome(opened: Uint8Array, plaintext: Uint8Array, again: Uint8Array, sealed: Uint8Array): Behaviour {
  if (!sameBytes(opened, plaintext)) return { kind: 'wrong', why: 'it opens to other bytes' };
  return sameBytes(again, sealed) ? ACCEPTED : { kind: 'wrong', why: 'it seals to other bytes' };
}

function parts(test: Test['test']) {
  const sealed = concat(bytes(test, 'ct'), bytes(test, 'tag'));
  return { nonce: bytes(test, 'iv'), aad: bytes(test, 'aad'), plaintext: bytes(test, 'msg'), sealed };
}

/** Whether a call throws, or opens nothing. */
function throws(call: () => unknown): boolean {
  try {
    return call() === undefined;
  } catch {
    return true;
  }
}

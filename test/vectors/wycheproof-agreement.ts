/**
 * X25519 vectors through `suite.agree`. Raw keys are what the product has; the
 * other files wrap them in DER, PEM or JWK, which is undone here, strictly.
 */
import { fromBase64Url, fromHex, sameBytes } from '@warren/base';
import type { Implementation } from './implementations.ts';
import { bytes, hex, object, text } from './json.ts';
import { ACCEPTED, type Behaviour, REFUSED } from './report.ts';
import type { Test } from './wycheproof.ts';

/** DER before a raw key (RFC 8410 sections 4 and 7). */
const HEADS = { public: head('302a300506032b656e032100'), private: head('302e020100300506032b656e04220420') } as const;
const PEM = /^-----BEGIN [A-Z ]+-----\r?\n([A-Za-z0-9+/=\s]+)-----END [A-Z ]+-----\s*$/;

export function agreementSkip({ group }: Test): string | undefined {
  const curve = text(group, 'curve');
  return ['curve25519', 'x25519'].includes(curve.toLowerCase()) ? undefined : `${curve}: the product has X25519 only`;
}

export function agreementBehaviour({ group, test }: Test, { suite }: Implementation): Behaviour {
  const type = text(group, 'type');
  const [secret, remote] = [rawKey(type, test.private, 'private'), rawKey(type, test.public, 'public')];
  if (secret?.length !== 32 || remote === undefined) return REFUSED;
  const shared = suite.agree(secret, remote);
  if (shared === undefined) return REFUSED;
  if (shared.every(byte => byte === 0)) return { kind: 'wrong', why: 'the secret is zero' };
  return sameBytes(shared, bytes(test, 'shared')) ? ACCEPTED : { kind: 'wrong', why: 'another secret' };
}

/** The key inside its wrapping; `undefined` where the wrapping is not that of an X25519 key. */
function rawKey(type: string, value: unknown, half: keyof typeof HEADS): Uint8Array | undefined {
  switch (type) {
    case 'XdhAsnComp':
      return unwrapped(hex(value, half), half);
    case 'XdhPemComp': {
      const [, base64] = PEM.exec(typeof value === 'string' ? value : '') ?? [];
      return base64 === undefined ? undefined : unwrapped(new Uint8Array(Buffer.from(base64, 'base64')), half);
    }
    case 'XdhJwkComp': {
      const jwk = object(value);
      const isOurs = jwk.kty === 'OKP' && jwk.crv === 'X25519';
      return isOurs ? fromBase64Url(text(jwk, half === 'public' ? 'x' : 'd')) : undefined;
    }
    default:
      return hex(value, half);
  }
}

function unwrapped(der: Uint8Array, half: keyof typeof HEADS): Uint8Array | undefined {
  const { length } = HEADS[half];
  const fits = der.length === length + 32 && sameBytes(der.subarray(0, length), HEADS[half]);
  return fits ? der.slice(length) : undefined;
}

function head(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

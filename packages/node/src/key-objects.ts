/**
 * Raw keys as OpenSSL's key objects and back. A raw key needs a constant DER
 * head only (RFC 8410 sections 4 and 7, RFC 5480 section 2), yet OpenSSL takes
 * 0.1 ms to read it: the objects of keys in use are kept.
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
import { concat, fromHex } from '@warren/base';

/** A secret key as 32 bytes. */
export type SecretCurve = 'x25519' | 'ed25519';
/** A public key as 32 bytes, or 65 for P-256. */
export type Curve = SecretCurve | 'p256';

const SPKI: Readonly<Record<Curve, Uint8Array>> = {
  x25519: bytesOf('302a300506032b656e032100'),
  ed25519: bytesOf('302a300506032b6570032100'),
  p256: bytesOf('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
};
const PKCS8: Readonly<Record<SecretCurve, Uint8Array>> = {
  x25519: bytesOf('302e020100300506032b656e04220420'),
  ed25519: bytesOf('302e020100300506032b657004220420'),
};
const PUBLIC_BYTES: Readonly<Record<Curve, number>> = { x25519: 32, ed25519: 32, p256: 65 };

/** The key object of a raw public key; `undefined` for another length, or a P-256 point that is none or compressed. */
export function publicKeyObject(curve: Curve, raw: Uint8Array): KeyObject | undefined {
  // OpenSSL ignores what follows the DER, so that lengths are checked here.
  if (raw.length !== PUBLIC_BYTES[curve] || (curve === 'p256' && raw[0] !== 4)) return undefined;
  try {
    return createPublicKey({ key: concat(SPKI[curve], raw) as Buffer, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** The raw public half, 32 bytes, of a secret key. */
export function rawPublicKey(curve: SecretCurve, secret: KeyObject): Uint8Array {
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(SPKI[curve].length));
}

/**
 * Key objects of secrets, as long as the array with the secret lives. An array whose bytes have changed, as those of
 * an erased key, is another key.
 */
export class SecretKeyObjects {
  readonly #curve: SecretCurve;
  readonly #known = new WeakMap<Uint8Array, { readonly digest: Buffer; readonly key: KeyObject }>();

  constructor(curve: SecretCurve) {
    this.#curve = curve;
  }

  /** The key object of 32 bytes. Any 32 bytes are a key; another length throws. */
  of(secret: Uint8Array): KeyObject {
    const digest = hash('sha256', secret, 'buffer');
    const known = this.#known.get(secret);
    if (known?.digest.equals(digest)) return known.key;
    const der = concat(PKCS8[this.#curve], secret);
    const key = createPrivateKey({ key: der as Buffer, format: 'der', type: 'pkcs8' });
    der.fill(0);
    this.#known.set(secret, { digest, key });
    return key;
  }
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) as Uint8Array;
}

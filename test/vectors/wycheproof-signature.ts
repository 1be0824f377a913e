/**
 * Ed25519 and ECDSA P-256 vectors through the `Verifier` that checks
 * certificates and records. ECDSA signatures in DER go the way of those in
 * certificates, through `ecdsaFromDer`.
 */
import { ecdsaFromDer, type PublicKey } from '@warren/trust';
import type { Implementation } from './implementations.ts';
import { bytes, type Json, object, text } from './json.ts';
import { ACCEPTED, type Behaviour, REFUSED } from './report.ts';
import type { Test } from './wycheproof.ts';

export function signatureSkip({ group }: Test): string | undefined {
  const curve = text(keyOf(group), 'curve');
  if (text(group, 'type') === 'EddsaVerify') {
    return curve === 'edwards25519' ? undefined : `EdDSA over ${curve}: the product has Ed25519 only`;
  }
  const hash = text(group, 'sha');
  if (curve !== 'secp256r1') return `ECDSA over ${curve}: the product has P-256 only`;
  return hash === 'SHA-256' ? undefined : `ECDSA with ${hash}: the product has SHA-256 only`;
}

export function signatureBehaviour({ group, test }: Test, { verifier }: Implementation): Behaviour {
  const [signature, message] = [bytes(test, 'sig'), bytes(test, 'msg')];
  const raw = text(group, 'type') === 'EcdsaVerify' ? ecdsaFromDer(signature) : signature;
  return raw !== undefined && verifier.verify(publicKey(group), message, raw) ? ACCEPTED : REFUSED;
}

function publicKey(group: Json): PublicKey {
  const key = keyOf(group);
  return text(group, 'type') === 'EddsaVerify'
    ? { algorithm: 'ed25519', bytes: bytes(key, 'pk') }
    : { algorithm: 'p256', bytes: bytes(key, 'uncompressed') };
}

/** The older files call it `key`. */
function keyOf(group: Json): Json {
  return object(group.publicKey ?? group.key);
}

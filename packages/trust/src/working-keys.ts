/**
 * The keys of one process run: an X25519 pair for Noise and an Ed25519 pair
 * for records. They live in memory only; a working statement by the identity
 * key binds them to a certificate (decisions.md, "Keys and signing").
 */
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import type { Random } from '@warren/base';
import { nobleVerifier } from './verify.ts';

/** Two halves of 32 bytes each. */
export interface WorkingKeyPair {
  readonly secret: Uint8Array;
  readonly public: Uint8Array;
}

/** What a process agrees and signs with. */
export interface WorkingKeys {
  /** X25519: the Noise static pair. */
  readonly noise: WorkingKeyPair;
  /** Ed25519. */
  readonly signing: WorkingKeyPair;
}

/** Draws the keys of a process. */
export function newWorkingKeys(random: Random): WorkingKeys {
  const [noise, signing] = [random.bytes(32), random.bytes(32)];
  return {
    noise: new HiddenKeyPair(noise, x25519.getPublicKey(noise)),
    signing: new HiddenKeyPair(signing, ed25519.getPublicKey(signing)),
  };
}

/** Fills both secrets with zeros, when the process or the group that they were for is over. */
export function eraseWorkingKeys({ noise, signing }: WorkingKeys): void {
  noise.secret.fill(0);
  signing.secret.fill(0);
}

/** Signs with the secret half of `WorkingKeys.signing`; 64 bytes. */
export function signWorking(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, secret);
}

/** Checks a signature by a working key. */
export function verifyWorking(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return nobleVerifier.verify({ algorithm: 'ed25519', bytes: publicKey }, message, signature);
}

/** Keeps its secret out of JSON and of what consoles print. */
class HiddenKeyPair implements WorkingKeyPair {
  readonly #secret: Uint8Array;
  readonly public: Uint8Array;

  constructor(secret: Uint8Array, publicKey: Uint8Array) {
    this.#secret = secret;
    this.public = publicKey;
  }

  get secret(): Uint8Array {
    return this.#secret;
  }

  toJSON(): string {
    return 'WorkingKeyPair';
  }
}

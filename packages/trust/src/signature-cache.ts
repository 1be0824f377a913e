/**
 * Remembers signatures that proved valid, so that a rekey every five minutes
 * does not check the same certificate again. Refusals are not remembered: else
 * a stranger could fill the memory with them and push valid ones out.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex } from '@warren/base';
import type { PublicKey, Verifier } from './verify.ts';

/** A verifier in front of another, with the last `capacity` valid signatures. */
export class SignatureCache implements Verifier {
  private readonly verifier: Verifier;
  private readonly capacity: number;
  /** In the order of last use. */
  private readonly valid = new Set<string>();

  constructor(verifier: Verifier, capacity = 2_048) {
    this.verifier = verifier;
    this.capacity = capacity;
  }

  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
    // Key and signature have fixed lengths for each algorithm, so that the join is unambiguous.
    const digest = toHex(sha256(concat(Uint8Array.of(key.algorithm.length), key.bytes, signature, message)));
    const isKnown = this.valid.delete(digest);
    if (!isKnown && !this.verifier.verify(key, message, signature)) return false;
    this.valid.add(digest);
    if (this.valid.size > this.capacity) {
      const [oldest] = this.valid;
      if (oldest !== undefined) this.valid.delete(oldest);
    }
    return true;
  }
}

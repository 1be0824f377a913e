/**
 * Random secrets and how they are kept: the holder gets base64url, the database
 * only SHA-256. That is enough for secrets of 128 bits and more; passwords go
 * through argon2id instead (`accounts.ts`).
 */
import { createHash, randomBytes } from 'node:crypto';
import { fromBase64Url, toBase64Url } from '@warren/base';

/** A new secret of `length` bytes and what the database keeps of it. */
export function newSecret(length: 16 | 32): { readonly text: string; readonly hash: Uint8Array } {
  const secret = new Uint8Array(randomBytes(length));
  return { text: toBase64Url(secret), hash: sha256(secret) };
}

/** SHA-256 of a secret given as base64url; `undefined` unless it is exactly `length` bytes. */
export function secretHash(text: string, length: 16 | 32): Uint8Array | undefined {
  const secret = fromBase64Url(text);
  return secret?.length === length ? sha256(secret) : undefined;
}

/** SHA-256, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

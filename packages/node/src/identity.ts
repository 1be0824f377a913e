/**
 * Identity keys in Node: Ed25519 through WebCrypto, kept as PKCS #8 in a folder
 * of their own. Signing is all they do; the private half leaves this file only
 * to that folder, and as a key object that cannot be exported.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { IdentityKey, Storage } from '@warren/peer';

const ALGORITHM = { name: 'Ed25519' } as const;

/** Makes and keeps keys by name. */
export class IdentityKeys {
  private readonly storage: Storage;
  private readonly keys = new Map<string, Promise<IdentityKey>>();

  /** `storage` holds nothing but keys. */
  constructor(storage: Storage) {
    this.storage = storage;
  }

  /** The key of that name, made at first use. Rejects when it can be neither read nor kept. */
  key(name: string): Promise<IdentityKey> {
    const known = this.keys.get(name);
    if (known !== undefined) return known;
    const key = this.load(name);
    this.keys.set(name, key);
    // What failed, e.g. on a full disk, may be tried again.
    key.catch(() => this.keys.delete(name));
    return key;
  }

  private async load(name: string): Promise<IdentityKey> {
    const kept = await this.storage.get(name);
    if (kept !== undefined) return importKey(kept);
    const { privateKey } = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey));
    try {
      await this.storage.set(name, pkcs8);
      return await importKey(pkcs8);
    } finally {
      pkcs8.fill(0);
    }
  }
}

async function importKey(pkcs8: Uint8Array<ArrayBufferLike>): Promise<IdentityKey> {
  const der = Buffer.from(pkcs8);
  const spki = Uint8Array.from(
    createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({
      format: 'der',
      type: 'spki',
    }),
  );
  const privateKey = await crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
  const publicKey = await crypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']);
  der.fill(0);
  return {
    algorithm: 'ed25519',
    spki,
    keys: { privateKey, publicKey },
    sign: async message => new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, Uint8Array.from(message))),
  };
}

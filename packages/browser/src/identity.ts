/**
 * Long-lived signing keys of a tab: WebCrypto keys that cannot be exported,
 * kept in IndexedDB as they are. Ed25519; P-256 in browsers without it.
 */
import type { IdentityKey } from '@warren/peer';
import { get, type UseStore, update } from 'idb-keyval';
import { storageError } from './storage.ts';

type Algorithm = IdentityKey['algorithm'];

interface StoredIdentity {
  readonly algorithm: Algorithm;
  readonly keys: CryptoKeyPair;
}

const ECDSA = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** Makes the `identity` function of a host: each name's key is made at first use and kept. */
export function identities(store: UseStore): (name: string) => Promise<IdentityKey> {
  const known = new Map<string, Promise<IdentityKey>>();
  return name => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const opening = loadOrMake(store, `identity/${name}`);
    known.set(name, opening);
    opening.catch(() => known.delete(name));
    return opening;
  };
}

async function loadOrMake(store: UseStore, key: string): Promise<IdentityKey> {
  const stored = await get<StoredIdentity>(key, store).catch(cause => {
    throw storageError(cause);
  });
  if (stored !== undefined) return open(stored);
  const fresh = await make();
  // Another tab may have made one meanwhile: the first to be stored is everybody's.
  await update<StoredIdentity>(key, old => old ?? fresh, store).catch(cause => {
    throw storageError(cause);
  });
  return open((await get<StoredIdentity>(key, store)) ?? fresh);
}

async function make(): Promise<StoredIdentity> {
  try {
    const keys = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    return { algorithm: 'ed25519', keys: keys as CryptoKeyPair };
  } catch {
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    return { algorithm: 'p256', keys };
  }
}

async function open({ algorithm, keys }: StoredIdentity): Promise<IdentityKey> {
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
  const signing = algorithm === 'ed25519' ? 'Ed25519' : ECDSA;
  return {
    algorithm,
    spki,
    keys,
    async sign(message) {
      return new Uint8Array(await crypto.subtle.sign(signing, keys.privateKey, message as Uint8Array<ArrayBuffer>));
    },
  };
}

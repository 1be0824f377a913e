/**
 * The two implementations of our cryptography, exactly as hosts hand them to
 * the core: noble in tabs, OpenSSL in Node.
 */
import { gcm } from '@noble/ciphers/aes.js';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { nodeAead, nodeAesGcm, nodeCrypto } from '@warren/node';
import { type AeadSuite, nobleAead } from '@warren/noise';
import { type HostCrypto, nobleCrypto } from '@warren/peer';

export interface Implementation extends HostCrypto {
  readonly name: string;
  /** ChaCha20-Poly1305, in each way that this host may compute it. */
  readonly aeads: readonly AeadSuite[];
  readonly aesGcm: AeadSuite;
  /** As cookies and rendezvous records are sealed; OpenSSL has none, all hosts use noble's. */
  readonly xchacha?: typeof xchacha20poly1305;
}

/** AES-GCM by noble, to compare with: no tab uses it. */
const nobleAesGcm: AeadSuite = {
  name: 'noble aes-gcm',
  key: key => ({
    seal: (nonce, aad, plaintext, out) => out.set(gcm(key, nonce, aad).encrypt(plaintext)),
    open: (nonce, aad, sealed, out) => {
      try {
        out.set(gcm(key, nonce, aad).decrypt(sealed));
        return true;
      } catch {
        return false;
      }
    },
    erase: () => {},
  }),
};

/** Both, noble first. */
export async function implementations(): Promise<Implementation[]> {
  const openssl = await nodeCrypto();
  return [
    { name: 'noble', ...nobleCrypto, aeads: [nobleAead], aesGcm: nobleAesGcm, xchacha: xchacha20poly1305 },
    { name: 'openssl', ...openssl, aeads: [...new Set([openssl.suite.aead, nodeAead])], aesGcm: nodeAesGcm },
  ];
}

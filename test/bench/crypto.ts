/** Operations a second of both implementations of our cryptography, side by side in one run. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { implementations } from '../vectors/implementations.ts';
import { type Bench, type BenchOptions, type BenchResult, rounded } from './bench.ts';

/** How long each operation is repeated. */
const MEASURE_MS = 400;
const BYTES_128 = new Uint8Array(128).fill(7);

export const crypto: Bench = {
  summary: 'X25519, Ed25519, SHA-256, HMAC (128 bytes) and ChaCha20-Poly1305 (1,294 bytes), by noble and by OpenSSL',
  needs: [],
  run,
};

async function run({ step }: BenchOptions): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  for (const { name, suite, verifier, sign } of await implementations()) {
    step(name);
    const secret = new Uint8Array(32).fill(3);
    const remote = suite.publicKey(new Uint8Array(32).fill(4));
    const random = { bytes: (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length)) };
    const signature = sign(secret, BYTES_128);
    const key = { algorithm: 'ed25519', bytes: publicKey(secret) } as const;
    const aead = suite.aead.key(secret);
    const [nonce, aad, packet, sealed] = [12, 13, 1_294, 1_310].map(length => new Uint8Array(length)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const operations = {
      agree: () => suite.agree(secret, remote),
      newKeyPair: () => suite.generateKeyPair(random),
      sign: () => sign(secret, BYTES_128),
      verify: () => verifier.verify(key, BYTES_128, signature),
      hash: () => suite.hash(BYTES_128),
      hmac: () => suite.hmac(secret, BYTES_128),
      seal: () => aead.seal(nonce, aad, packet, sealed),
    };
    for (const [what, operation] of Object.entries(operations))
      figures[`${name}${upper(what)}PerSecond`] = rounded(perSecond(operation));
    if (!verifier.verify(key, BYTES_128, signature)) return { ok: false, why: `${name} refuses its own`, figures };
  }
  return { ok: true, figures };
}

function perSecond(operation: () => unknown): number {
  for (const warmUntil = performance.now() + MEASURE_MS / 2; performance.now() < warmUntil; ) operation();
  const from = performance.now();
  let done = 0;
  for (; performance.now() < from + MEASURE_MS; done++) operation();
  return (done * 1000) / (performance.now() - from);
}

function upper(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

function publicKey(secret: Uint8Array): Uint8Array {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(12));
}

/**
 * Noise once more, for tests: both sides at once, in a straight line, from the
 * specification's own notation and by node:crypto. It shares nothing with
 * `packages/noise`, so that what both agree on is the specification. Writes
 * vectors as cacophony does.
 */
import { createCipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';

/** Handshakes of the specification, revision 34, chapters 7.4, 7.5 and 18.1; `...` ends what is known beforehand. */
export const SPECIFIED: Readonly<Record<string, string>> = {
  N: '<- s ... -> e, es',
  K: '-> s <- s ... -> e, es, ss',
  X: '<- s ... -> e, es, s, ss',
  NN: '-> e <- e, ee',
  NK: '<- s ... -> e, es <- e, ee',
  NX: '-> e <- e, ee, s, es',
  XN: '-> e <- e, ee -> s, se',
  XK: '<- s ... -> e, es <- e, ee -> s, se',
  XX: '-> e <- e, ee, s, es -> s, se',
  KN: '-> s ... -> e <- e, ee, se',
  KK: '-> s <- s ... -> e, es, ss <- e, ee, se',
  KX: '-> s ... -> e <- e, ee, se, s, es',
  IN: '-> e, s <- e, ee, se',
  IK: '<- s ... -> e, es, s, ss <- e, ee, se',
  IX: '-> e, s <- e, ee, se, s, es',
  NK1: '<- s ... -> e <- e, ee, es',
  NX1: '-> e <- e, ee, s -> es',
  X1N: '-> e <- e, ee -> s <- se',
  X1K: '<- s ... -> e, es <- e, ee -> s <- se',
  XK1: '<- s ... -> e <- e, ee, es -> s, se',
  X1K1: '<- s ... -> e <- e, ee, es -> s <- se',
  X1X: '-> e <- e, ee, s, es -> s <- se',
  XX1: '-> e <- e, ee, s -> es, s, se',
  X1X1: '-> e <- e, ee, s -> es, s <- se',
  K1N: '-> s ... -> e <- e, ee -> se',
  K1K: '-> s <- s ... -> e, es <- e, ee -> se',
  KK1: '-> s <- s ... -> e <- e, ee, se, es',
  K1K1: '-> s <- s ... -> e <- e, ee, es -> se',
  K1X: '-> s ... -> e <- e, ee, s, es -> se',
  KX1: '-> s ... -> e <- e, ee, se, s -> es',
  K1X1: '-> s ... -> e <- e, ee, s -> se, es',
  I1N: '-> e, s <- e, ee -> se',
  I1K: '<- s ... -> e, es, s <- e, ee -> se',
  IK1: '<- s ... -> e, s <- e, ee, se, es',
  I1K1: '<- s ... -> e, s <- e, ee, es -> se',
  I1X: '-> e, s <- e, ee, s, es -> se',
  IX1: '-> e, s <- e, ee, se, s -> es',
  I1X1: '-> e, s <- e, ee, s -> se, es',
};

/** All that a handshake depends on, in hexadecimal. */
export interface Inputs {
  /** As in the protocol name, with psk modifiers. */
  readonly pattern: string;
  readonly prologue: string;
  readonly psks: readonly string[];
  readonly initStatic: string;
  readonly initEphemeral: string;
  readonly respStatic: string;
  readonly respEphemeral: string;
  /** Of the handshake's messages, then of transport messages. */
  readonly payloads: readonly string[];
}

/** What follows from them. */
export interface Outputs {
  readonly handshakeHash: string;
  readonly ciphertexts: readonly string[];
}

type Keys = Readonly<Record<'is' | 'ie' | 'rs' | 're', Buffer>>;

/** Computes a handshake and its transport messages. */
export function straightLine(inputs: Inputs): Outputs {
  const { known, messages } = notation(inputs.pattern);
  const name = Buffer.from(`Noise_${inputs.pattern}_25519_ChaChaPoly_SHA256`);
  const line = new Line(name);
  const keys: Keys = {
    is: hex(inputs.initStatic),
    ie: hex(inputs.initEphemeral),
    rs: hex(inputs.respStatic),
    re: hex(inputs.respEphemeral),
  };
  line.mixHash(hex(inputs.prologue));
  for (const side of known) line.mixHash(publicOf(keys[`${side}s`]));
  const psks = inputs.psks.map(hex);
  const withPsk = psks.length > 0;
  const ciphertexts: Buffer[] = messages.map(({ side, tokens }, i) => {
    const parts = tokens.map(token => {
      if (token === 'psk') return line.mixKeyAndHash(psks.shift() as Buffer);
      if (token === 'e') return line.ephemeral(publicOf(keys[`${side}e`]), withPsk);
      if (token === 's') return line.seal(publicOf(keys[`${side}s`]));
      const [ours, theirs] = [`i${token[0]}`, `r${token[1]}`] as ['is' | 'ie', 'rs' | 're'];
      return line.mixKey(agreed(keys[ours], keys[theirs]));
    });
    return Buffer.concat([...parts, line.seal(hex(inputs.payloads[i] as string))]);
  });
  const [first, second] = hkdf(line.ck, Buffer.alloc(0), 2) as [Buffer, Buffer];
  const counts = { i: 0, r: 0 };
  inputs.payloads.slice(messages.length).forEach((payload, i) => {
    const side = messages.length === 1 || (messages.length + i) % 2 === 0 ? 'i' : 'r';
    ciphertexts.push(encrypted(side === 'i' ? first : second, counts[side]++, Buffer.alloc(0), hex(payload)));
  });
  return { handshakeHash: line.h.toString('hex'), ciphertexts: ciphertexts.map(bytes => bytes.toString('hex')) };
}

/** The same as an entry of cacophony's file. */
export function cacophonyEntry(inputs: Inputs): Record<string, unknown> {
  const { known, messages } = notation(inputs.pattern);
  const { handshakeHash, ciphertexts } = straightLine(inputs);
  const shows = (side: 'i' | 'r') =>
    known.includes(side) || messages.some(message => message.side === side && message.tokens.includes('s'));
  const publicKey = (secret: string) => publicOf(hex(secret)).toString('hex');
  return {
    protocol_name: `Noise_${inputs.pattern}_25519_ChaChaPoly_SHA256`,
    init_prologue: inputs.prologue,
    init_psks: inputs.psks,
    init_ephemeral: inputs.initEphemeral,
    ...(shows('i') ? { init_static: inputs.initStatic } : {}),
    ...(known.includes('r') ? { init_remote_static: publicKey(inputs.respStatic) } : {}),
    resp_prologue: inputs.prologue,
    resp_psks: inputs.psks,
    ...(messages.length > 1 ? { resp_ephemeral: inputs.respEphemeral } : {}),
    ...(shows('r') ? { resp_static: inputs.respStatic } : {}),
    ...(known.includes('i') ? { resp_remote_static: publicKey(inputs.initStatic) } : {}),
    handshake_hash: handshakeHash,
    messages: ciphertexts.map((ciphertext, i) => ({ payload: inputs.payloads[i], ciphertext })),
  };
}

/** Who sends which tokens, and whose static keys are known before. */
function notation(pattern: string) {
  const [, base = '', modifiers = ''] = /^([A-Z1]+)(.*)$/.exec(pattern) ?? [];
  const [before, after] = `${(SPECIFIED[base] ?? '').includes('...') ? '' : '... '}${SPECIFIED[base]}`.split('...');
  const lines = (text = '') =>
    [...text.matchAll(/(->|<-) ([a-z, ]+)/g)].map(([, arrow, tokens]) => ({
      side: arrow === '->' ? ('i' as const) : ('r' as const),
      tokens: (tokens as string).trim().split(', '),
    }));
  const messages = lines(after);
  for (const [, digits] of modifiers.matchAll(/psk(\d)/g)) {
    const at = Number(digits);
    if (at === 0) messages[0]?.tokens.unshift('psk');
    else messages[at - 1]?.tokens.push('psk');
  }
  return { known: lines(before).map(({ side }) => side), messages };
}

/** h, ck and k of section 5.2. */
class Line {
  h: Buffer;
  ck: Buffer;
  k: Buffer | undefined;
  n = 0;

  constructor(name: Buffer) {
    this.h = name.length <= 32 ? Buffer.concat([name, Buffer.alloc(32 - name.length)]) : sha256(name);
    this.ck = this.h;
  }

  mixHash(data: Buffer): void {
    this.h = sha256(Buffer.concat([this.h, data]));
  }

  mixKey(input: Buffer): Buffer {
    [this.ck, this.k] = hkdf(this.ck, input, 2) as [Buffer, Buffer];
    this.n = 0;
    return Buffer.alloc(0);
  }

  mixKeyAndHash(input: Buffer): Buffer {
    const [ck, h, k] = hkdf(this.ck, input, 3) as [Buffer, Buffer, Buffer];
    [this.ck, this.k, this.n] = [ck, k, 0];
    this.mixHash(h);
    return Buffer.alloc(0);
  }

  ephemeral(key: Buffer, withPsk: boolean): Buffer {
    this.mixHash(key);
    if (withPsk) this.mixKey(key);
    return key;
  }

  seal(plaintext: Buffer): Buffer {
    const sealed = this.k === undefined ? plaintext : encrypted(this.k, this.n++, this.h, plaintext);
    this.mixHash(sealed);
    return sealed;
  }
}

function encrypted(key: Buffer, n: number, ad: Buffer, plaintext: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32LE(n, 4);
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  cipher.setAAD(ad, { plaintextLength: plaintext.length });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function hkdf(ck: Buffer, input: Buffer, count: number): Buffer[] {
  const secret = hmac(ck, input);
  const outputs: Buffer[] = [];
  for (let i = 1; i <= count; i++) {
    outputs.push(hmac(secret, Buffer.concat([outputs.at(-1) ?? Buffer.alloc(0), Buffer.of(i)])));
  }
  return outputs;
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

function hmac(key: Buffer, data: Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

function privateKey(secret: Buffer) {
  const der = Buffer.concat([hex('302e020100300506032b656e04220420'), secret]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicOf(secret: Buffer): Buffer<ArrayBuffer> {
  return Buffer.from(createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' }).subarray(12));
}

function agreed(ours: Buffer, theirs: Buffer): Buffer {
  return diffieHellman({ privateKey: privateKey(ours), publicKey: createPublicKey(privateKey(theirs)) });
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

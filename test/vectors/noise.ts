/**
 * Noise test vectors in the JSON that cacophony, snow and noise-c write (their
 * wiki page "Test vectors"): a list of handshakes with all keys, each message
 * byte for byte, then transport messages. Run through `HandshakeState` and
 * `CipherState` as they are.
 */
import { sameBytes } from '@warren/base';
import {
  CipherState,
  type HandshakeKeys,
  HandshakeState,
  hiddenKeyPair,
  type KeyPair,
  type NoiseSuite,
  patternNamed,
} from '@warren/noise';
import type { Implementation } from './implementations.ts';
import { bytes, hex, type Json, objects, optionalBytes, text } from './json.ts';
import { ACCEPTED, type Behaviour, FormatError, type Vector } from './report.ts';

/** Reads a file of vectors: `{"vectors": [...]}`, or the list alone. */
export function noiseVectors(json: unknown): Vector[] {
  const list = objects(json) ?? objects((json as Json | null)?.vectors);
  if (list === undefined) {
    throw new FormatError('it has no list `vectors`: give a file like cacophony.txt of haskell-cryptography/cacophony');
  }
  return list.map((vector, i) => {
    const name = text(vector, 'protocol_name') || text(vector, 'name') || 'unnamed';
    const skip = skipReason(name, vector);
    const behave = ({ suite }: Implementation) => (skip === undefined ? run(suite, name, vector) : ACCEPTED);
    return { id: `${i + 1} ${name}`, expected: 'accepted', behave, ...(skip === undefined ? {} : { skip }) };
  });
}

const NOTHING = new Uint8Array(0);
const SIDES = ['init', 'resp'] as const;
type Side = (typeof SIDES)[number];

/** What of a vector is not ours; `undefined` if all is. */
function skipReason(name: string, vector: Json): string | undefined {
  const [family = '', pattern = '', ...functions] = name.split('_');
  if (family !== 'Noise') return `protocol family ${family}, older than revision 32`;
  if (/fallback/.test(pattern) || vector.fallback === true || vector.fail === true) return 'fallback patterns';
  if (/hfs/.test(pattern) || functions[0]?.includes('+')) return 'hybrid forward secrecy (hfs)';
  for (const [i, [what, ours]] of FUNCTIONS.entries()) {
    if (functions[i] !== ours) return `${what} ${functions[i] ?? 'missing'}: the suite has ${ours} only`;
  }
  return patternNamed(pattern) === undefined ? `pattern ${pattern} is not in the table` : undefined;
}

const FUNCTIONS = [
  ['dh', '25519'],
  ['cipher', 'ChaChaPoly'],
  ['hash', 'SHA256'],
] as const;

function run(suite: NoiseSuite, name: string, vector: Json): Behaviour {
  const messages = objects(vector.messages) ?? [];
  const pattern = name.split('_')[1] as string;
  const handshakes = patternNamed(pattern)?.messages.length ?? 0;
  if (messages.length < handshakes) return wrong(`it has ${messages.length} messages of ${handshakes}`);
  const states = SIDES.map(side => start(suite, pattern, side, vector)) as [HandshakeState, HandshakeState];
  for (const [i, message] of messages.slice(0, handshakes).entries()) {
    const [from, to] = i % 2 === 0 ? states : ([states[1], states[0]] as const);
    const [payload, ciphertext] = [bytes(message, 'payload'), bytes(message, 'ciphertext')];
    if (!same(from.writeMessage(payload), ciphertext)) return wrong(`message ${i} is written otherwise`);
    if (!same(to.readMessage(ciphertext), payload)) return wrong(`message ${i} is read otherwise`);
  }
  const keys = states.map(state => state.split()) as [HandshakeKeys, HandshakeKeys];
  const published = optionalBytes(vector, 'handshake_hash') ?? keys[0].handshakeHash;
  if (!keys.every(({ handshakeHash }) => sameBytes(handshakeHash, published)))
    return wrong('the handshake hash differs');
  if (!sameBytes(keys[0].exporter, keys[1].exporter)) return wrong('the exporters differ');
  return transport(suite, keys, messages, handshakes);
}

/** The messages behind the handshake; in one-way patterns all come from the initiator. */
function transport(
  { aead }: NoiseSuite,
  keys: readonly [HandshakeKeys, HandshakeKeys],
  messages: readonly Json[],
  handshakes: number,
): Behaviour {
  const writers = keys.map(({ send }) => new CipherState(aead, send));
  const readers = [keys[1], keys[0]].map(({ receive }) => new CipherState(aead, receive));
  for (const [i, message] of messages.entries()) {
    if (i < handshakes) continue;
    const side = handshakes === 1 ? 0 : i % 2;
    const [payload, ciphertext] = [bytes(message, 'payload'), bytes(message, 'ciphertext')];
    if (!same(writers[side]?.encryptWithAd(NOTHING, payload), ciphertext))
      return wrong(`message ${i} is sealed otherwise`);
    if (!same(readers[side]?.decryptWithAd(NOTHING, ciphertext), payload))
      return wrong(`message ${i} is opened otherwise`);
  }
  return ACCEPTED;
}

function start(suite: NoiseSuite, pattern: string, side: Side, vector: Json): HandshakeState {
  const pair = (field: string): KeyPair | undefined => {
    const secret = optionalBytes(vector, `${side}_${field}`);
    return secret && hiddenKeyPair(secret, suite.publicKey(secret));
  };
  const [s, e, rs] = [pair('static'), pair('ephemeral'), optionalBytes(vector, `${side}_remote_static`)];
  return new HandshakeState({
    suite,
    pattern,
    role: side === 'init' ? 'initiator' : 'responder',
    prologue: optionalBytes(vector, `${side}_prologue`) ?? NOTHING,
    psks: pattern.includes('psk') ? psks(vector, side) : [],
    ...(s === undefined ? {} : { s }),
    ...(e === undefined ? {} : { e }),
    ...(rs === undefined ? {} : { rs }),
  });
}

function psks(vector: Json, side: Side): Uint8Array[] {
  const list = vector[`${side}_psks`];
  if (Array.isArray(list)) return list.map(psk => hex(psk, `${side}_psks`));
  const one = optionalBytes(vector, `${side}_psk`);
  return one === undefined ? [] : [one];
}

function same(ours: Uint8Array | undefined, published: Uint8Array): boolean {
  return ours !== undefined && sameBytes(ours, published);
}

function wrong(why: string): Behaviour {
  return { kind: 'wrong', why };
}

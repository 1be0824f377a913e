/** Published vectors, run through the same `HandshakeState` that peers use. */
import { readFileSync } from 'node:fs';
import { fromHex, toHex } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { agreementKeys, CipherState, HandshakeState, nobleSuite, patternNamed } from './index.ts';

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_psks?: string[];
  init_static?: string;
  init_ephemeral: string;
  init_remote_static?: string;
  resp_prologue: string;
  resp_psks?: string[];
  resp_static?: string;
  resp_ephemeral: string;
  resp_remote_static?: string;
  handshake_hash?: string;
  messages: { payload: string; ciphertext: string }[];
}

describe.each(['cacophony', 'snow'])('vectors of %s', file => {
  test.each(vectors(file).map(vector => [vector.protocol_name, vector] as const))(
    '%s agrees byte for byte',
    (_, vector) => {
      const initiator = start(vector, 'init');
      const responder = start(vector, 'resp');
      const handshakes = patternNamed(patternName(vector))?.messages.length ?? 0;
      vector.messages.slice(0, handshakes).forEach(({ payload, ciphertext }, i) => {
        const [from, to] = i % 2 === 0 ? [initiator, responder] : [responder, initiator];
        const message = from.writeMessage(hex(payload));
        expect(message && toHex(message)).toBe(ciphertext);
        const read = to.readMessage(hex(ciphertext));
        expect(read && toHex(read)).toBe(payload);
      });
      const ours = initiator.split();
      const theirs = responder.split();
      expect(theirs.handshakeHash).toEqual(ours.handshakeHash);
      expect(theirs.exporter).toEqual(ours.exporter);
      expect(toHex(ours.handshakeHash)).toBe(vector.handshake_hash ?? toHex(ours.handshakeHash));
      const aead = nobleSuite().aead;
      const ciphers = [ours.send, theirs.send].map(key => new CipherState(aead, key));
      const readers = [theirs.receive, ours.receive].map(key => new CipherState(aead, key));
      vector.messages.slice(handshakes).forEach(({ payload, ciphertext }, k) => {
        const side = (handshakes + k) % 2;
        expect(toHex((ciphers[side] as CipherState).encryptWithAd(new Uint8Array(0), hex(payload)))).toBe(ciphertext);
        const opened = (readers[side] as CipherState).decryptWithAd(new Uint8Array(0), hex(ciphertext));
        expect(opened && toHex(opened)).toBe(payload);
      });
    },
  );
});

test('there are vectors for all twelve interactive patterns and for psks', () => {
  const names = vectors('cacophony').map(patternName);
  expect(names).toEqual(
    expect.arrayContaining([
      'NN',
      'NK',
      'NX',
      'KN',
      'KK',
      'KX',
      'XN',
      'XK',
      'XX',
      'IN',
      'IK',
      'IX',
      'NNpsk0',
      'XXpsk3',
    ]),
  );
});

function vectors(file: string): Vector[] {
  const path = new URL(`../../../test/vectors/noise/${file}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { vectors: Vector[] }).vectors;
}

function patternName(vector: Vector): string {
  return vector.protocol_name.split('_')[1] as string;
}

function start(vector: Vector, side: 'init' | 'resp'): HandshakeState {
  const own = vector[`${side}_static`];
  const remote = vector[`${side}_remote_static`];
  const suite = nobleSuite();
  expect(vector.protocol_name.endsWith(suite.name)).toBe(true);
  return new HandshakeState({
    suite,
    pattern: patternName(vector),
    role: side === 'init' ? 'initiator' : 'responder',
    prologue: hex(vector[`${side}_prologue`]),
    e: agreementKeys(hex(vector[`${side}_ephemeral`])),
    psks: (vector[`${side}_psks`] ?? []).map(hex),
    ...(own === undefined ? {} : { s: agreementKeys(hex(own)) }),
    ...(remote === undefined ? {} : { rs: hex(remote) }),
  });
}

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

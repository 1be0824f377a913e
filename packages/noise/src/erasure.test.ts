/** What is left in memory: every array that a handshake computed with is looked at again when it is over. */
import type { Random } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { type AeadKey, agreementKeys, CipherState, HandshakeState, type NoiseSuite, nobleSuite } from './index.ts';

const noble = nobleSuite();
let drawn = 0;
const random: Random = { bytes: length => noble.hash(Uint8Array.of(++drawn)).slice(0, length) };

describe.each(['XX', 'IKpsk2', 'KK', 'X1X1', 'N'])('a handshake of the pattern %s', pattern => {
  test('leaves zeros where its secrets were, once it is split', () => {
    const { suite, secrets, keys } = spy();
    const { initiator, responder } = pair(suite, pattern);
    while (!initiator.isFinished) {
      const [from, to] = initiator.isOurTurn ? [initiator, responder] : [responder, initiator];
      to.readMessage(from.writeMessage(new Uint8Array(3)) as Uint8Array);
    }
    expect(secrets.some(isErased)).toBe(true);
    expect(secrets.every(isErased)).toBe(false);
    const [ours, theirs] = [initiator.split(), responder.split()];
    expect(secrets.filter(secret => !isErased(secret))).toEqual([]);
    expect(keys.size).toBe(0);
    expect(ours.send).toEqual(theirs.receive);
    expect(isErased(ours.send) || isErased(ours.exporter)).toBe(false);
  });

  test('leaves zeros when it is given up half-way, after a forged message too', () => {
    const { suite, secrets, keys } = spy();
    const { initiator, responder } = pair(suite, pattern);
    const message = initiator.writeMessage(new Uint8Array(3)) as Uint8Array;
    const forged = message.slice();
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1;
    responder.readMessage(forged);
    if (!responder.isFinished && !responder.isOurTurn) responder.readMessage(message);
    initiator.erase();
    responder.erase();
    expect(secrets.filter(secret => !isErased(secret))).toEqual([]);
    expect(keys.size).toBe(0);
  });
});

test('a cipher state erases the key that another replaces', () => {
  const { suite, keys } = spy();
  const state = new CipherState(suite.aead, new Uint8Array(32).fill(1));
  state.initializeKey(new Uint8Array(32).fill(2));
  expect(keys.size).toBe(1);
  state.erase();
  expect(keys.size).toBe(0);
});

test('a static key pair belongs to its owner and outlives handshakes', () => {
  const { suite } = spy();
  const s = agreementKeys(new Uint8Array(32).fill(7));
  new HandshakeState({ suite, pattern: 'XX', role: 'initiator', prologue: new Uint8Array(0), s, random }).erase();
  expect(isErased(s.secret)).toBe(false);
});

/** A suite that keeps hold of every secret array it saw, and of the AEAD keys that nobody erased. */
function spy(): { suite: NoiseSuite; secrets: Uint8Array[]; keys: Set<AeadKey> } {
  const secrets: Uint8Array[] = [];
  const keys = new Set<AeadKey>();
  const keep = <T extends Uint8Array | undefined>(bytes: T): T => {
    if (bytes !== undefined) secrets.push(bytes);
    return bytes;
  };
  const suite: NoiseSuite = {
    ...noble,
    generateKeyPair: from => {
      const made = noble.generateKeyPair({ bytes: length => keep(from.bytes(length)) });
      keep(made.secret);
      return made;
    },
    agree: (secret, remote) => keep(noble.agree(secret, remote)),
    // The salt is the chaining key.
    hmac: (key, data) => keep(noble.hmac(keep(key), data)),
    aead: {
      name: 'spy',
      key: bytes => {
        const key = noble.aead.key(keep(bytes));
        const spied: AeadKey = {
          seal: (...args) => key.seal(...args),
          open: (...args) => key.open(...args),
          erase: () => void keys.delete(spied),
        };
        keys.add(spied);
        return spied;
      },
    },
  };
  return { suite, secrets, keys };
}

function pair(suite: NoiseSuite, pattern: string): { initiator: HandshakeState; responder: HandshakeState } {
  const [a, b] = [1, 2].map(fill => agreementKeys(new Uint8Array(32).fill(fill))) as [
    ReturnType<typeof agreementKeys>,
    ReturnType<typeof agreementKeys>,
  ];
  const psks = pattern.includes('psk') ? [new Uint8Array(32).fill(9)] : [];
  const options = { suite, pattern, prologue: new Uint8Array(0), random, psks };
  return {
    initiator: new HandshakeState({ ...options, role: 'initiator', s: a, rs: b.public }),
    responder: new HandshakeState({ ...options, role: 'responder', s: b, rs: a.public }),
  };
}

function isErased(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0);
}

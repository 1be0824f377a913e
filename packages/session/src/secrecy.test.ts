/**
 * What somebody learns who has recorded everything and gets hold of keys later (faults rows 51, 59). The attacker here
 * runs the Noise handshake again from the record, with whichever secrets it was given.
 */
import { type Random, sameBytes } from '@warren/base';
import { HandshakeState, type KeyPair, type NoiseSuite, nobleSuite } from '@warren/noise';
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { decodeHs1, decodeHsReply, decodePostQuantum, Inner, PacketType } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { type PostQuantumMode, prologue, readIndex, Transport } from './index.ts';
import { type End, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const SECRET = new TextEncoder().encode('meet me at the well');

describe('a recorded session', () => {
  test('faults #51 stays closed to whoever later has all long keys and keys of the process, as ephemeral ones are gone', () => {
    for (const mode of ['off', 'required'] as const) {
      const { record, a, b } = talk(mode);
      const statics = [a.keys, b.keys];
      for (const e of [...statics, nobleSuite().generateKeyPair(new SeededRandom(9, 'guess'))]) {
        expect(replay(record, a.keys, e)).toBeUndefined();
        expect(replay(record, b.keys, e)).toBeUndefined();
      }
    }
  });

  test('faults #59 without the upgrade opens to whoever breaks all X25519 keys of the record', () => {
    const { record, a, b, ephemerals } = talk('off');
    const opened = openWithX25519(record, a.keys, b.keys, ephemerals);
    expect(opened.filter(bytes => contains(bytes))).toHaveLength(2);
  });

  test('faults #59 with the upgrade shows the breaker of all X25519 keys the key and the ciphertext, and no data', () => {
    const { record, a, b, ephemerals } = talk('required');
    const opened = openWithX25519(record, a.keys, b.keys, ephemerals);
    const kinds = opened.map(bytes => decodePostQuantum(bytes)?.kind ?? bytes[0]);
    expect(kinds).toEqual([Inner.KEEPALIVE, 'key', 'key', 'ciphertext', 'ciphertext']);
    const data = record.filter(({ bytes }) => bytes[0] === PacketType.DATA);
    expect(data.length - opened.length, 'two confirmations and two texts stay closed').toBe(4);
  });
});

interface Actor {
  readonly end: End;
  readonly keys: KeyPair;
}

/** Two who meet and tell each other a secret; with the record of all datagrams, and the ephemeral keys they used. */
function talk(postQuantum: PostQuantumMode) {
  const bed = new Testbed();
  const record: Letter[] = [];
  bed.fate = letter => {
    record.push(letter);
    return [10];
  };
  const ephemerals: KeyPair[] = [];
  const plain = nobleSuite();
  const suite: NoiseSuite = {
    ...plain,
    generateKeyPair(random: Random) {
      const pair = plain.generateKeyPair(random);
      // The handshake erases its own copy.
      ephemerals.push({ secret: pair.secret.slice(), public: pair.public.slice() });
      return pair;
    },
  };
  const actor = (name: string): Actor => {
    const party = simParty(CA, name, new SeededRandom(3, name), TESTBED_UNIX_MS);
    return { end: bed.add(name, { ...party, suite, postQuantum }), keys: party.credentials.keys.noise };
  };
  const [a, b] = [actor('a'), actor('b')];
  bed.connect(a.end, b.end, 'b/1');
  bed.run(1000);
  bed.say(a.end, b.end, 'b/1', SECRET);
  bed.say(b.end, a.end, 'a/1', SECRET);
  bed.run(1000);
  expect([bed.heard(a.end, b.end), bed.heard(b.end, a.end)].flat().filter(contains)).toHaveLength(2);
  return { record, a, b, ephemerals };
}

/** Reads HS2 as if one were the initiator with the static key `s` and the ephemeral key `e`. */
function replay(record: readonly Letter[], s: KeyPair, e: KeyPair): Uint8Array | undefined {
  const state = new HandshakeState({ suite: nobleSuite(), pattern: 'XX', role: 'initiator', prologue: bound(), s, e });
  state.writeMessage(noiseOf(record, PacketType.HS1).subarray(32));
  return state.readMessage(noiseOf(record, PacketType.HS2));
}

/** Opens what the keys of the handshake open, knowing every X25519 secret of both sides. */
function openWithX25519(
  record: readonly Letter[],
  sa: KeyPair,
  sb: KeyPair,
  ephemerals: readonly KeyPair[],
): Uint8Array[] {
  const hs1 = noiseOf(record, PacketType.HS1);
  const pairOf = (noise: Uint8Array) =>
    ephemerals.find(pair => sameBytes(pair.public, noise.subarray(0, 32))) as KeyPair;
  const ea = pairOf(hs1);
  const eb = pairOf(noiseOf(record, PacketType.HS2));
  const said = replay(record, sa, ea) as Uint8Array;
  const state = new HandshakeState({
    suite: nobleSuite(),
    pattern: 'XX',
    role: 'responder',
    prologue: bound(),
    s: sb,
    e: eb,
  });
  state.readMessage(hs1);
  expect(state.writeMessage(said)).toEqual(noiseOf(record, PacketType.HS2));
  expect(state.readMessage(noiseOf(record, PacketType.HS3))).toBeDefined();
  const { send, receive } = state.split();
  // Replay windows do not matter: one transport for each direction of the record.
  const toA = new Transport({ suite: nobleSuite(), send: receive, receive: send, localIndex: 1, remoteIndex: 1 });
  const toB = new Transport({ suite: nobleSuite(), send, receive, localIndex: 1, remoteIndex: 1 });
  return record
    .filter(({ bytes }) => bytes[0] === PacketType.DATA && readIndex(bytes, 4) !== 0)
    .flatMap(({ to, bytes }) => (to === 'a' ? toA : toB).open(bytes.slice()) ?? []);
}

function noiseOf(record: readonly Letter[], type: number): Uint8Array {
  const bytes = record.find(letter => letter.bytes[0] === type)?.bytes as Uint8Array;
  const noise = type === PacketType.HS1 ? decodeHs1(bytes)?.noise : decodeHsReply(bytes)?.noise;
  return noise as Uint8Array;
}

function bound(): Uint8Array {
  return prologue(simParty(CA, 'anybody', new SeededRandom(3), TESTBED_UNIX_MS).authority.networkKey, []);
}

function contains(bytes: Uint8Array): boolean {
  return sameBytes(bytes, SECRET);
}

/** What vectors do not show: bad messages, wrong peers, and what is left in memory. */
import { inspect } from 'node:util';
import { type Random, toHex } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HandshakeOptions, HandshakeState, nobleSuite } from './index.ts';

const suite = nobleSuite();
const PROLOGUE = Uint8Array.of(1, 2, 3);
const EMPTY = new Uint8Array(0);
const PAYLOAD = Uint8Array.of(42, 43, 44);

describe('a handshake', () => {
  test('gives both sides the same keys, crosswise, and each the other static key', () => {
    const { initiator, responder } = pair();
    const messages = run(initiator, responder);
    expect(messages.map(message => message.length)).toEqual([32 + 3, 32 + 48 + 3 + 16, 48 + 3 + 16]);
    expect(responder.remoteStatic).toEqual(keysOf('initiator').public);
    expect(initiator.remoteStatic).toEqual(keysOf('responder').public);
    expect(initiator.remoteEphemeral).toEqual(responder.ephemeral);
    const [a, b] = [initiator.split(), responder.split()];
    expect(a.send).toEqual(b.receive);
    expect(a.receive).toEqual(b.send);
    expect(a.exporter).toEqual(b.exporter);
    expect(a.handshakeHash).toEqual(b.handshakeHash);
    expect(new Set([a.send, a.receive, a.exporter, a.handshakeHash].map(toHex)).size).toBe(4);
  });

  test('knows whose turn it is, and writing or reading out of turn is our bug', () => {
    const { initiator, responder } = pair();
    expect([initiator.isOurTurn, responder.isOurTurn]).toEqual([true, false]);
    expect(() => responder.writeMessage(EMPTY)).toThrow('in turn');
    expect(() => initiator.readMessage(EMPTY)).toThrow('in turn');
    expect(() => initiator.split()).toThrow('when it is finished');
    run(initiator, responder);
    expect([initiator.isFinished, initiator.isOurTurn, responder.isOurTurn]).toEqual([true, false, false]);
    expect(() => initiator.writeMessage(EMPTY)).toThrow('in turn');
    expect(() => initiator.readMessage(EMPTY)).toThrow('in turn');
  });

  test('survives any number of bad messages before the good one', () => {
    const { initiator, responder } = pair();
    const first = written(initiator);
    for (let length = 0; length < 32; length++)
      expect(responder.readMessage(first.subarray(0, length))).toBeUndefined();
    expect(responder.readMessage(first)).toEqual(PAYLOAD);
    const second = written(responder);
    spoil(initiator, second);
    expect(initiator.readMessage(second)).toEqual(PAYLOAD);
    const third = written(initiator);
    spoil(responder, third);
    expect(responder.readMessage(third)).toEqual(PAYLOAD);
    expect(initiator.split().send).toEqual(responder.split().receive);
  });

  test('believes nothing that a bad message said', () => {
    const { initiator, responder } = pair();
    responder.readMessage(written(initiator));
    const second = written(responder);
    const hash = initiator.handshakeHash;
    const changed = second.slice();
    changed[second.length - 1] = (changed[second.length - 1] as number) ^ 1;
    expect(initiator.readMessage(changed)).toBeUndefined();
    expect(initiator.remoteStatic).toBeUndefined();
    expect(initiator.remoteEphemeral).toBeUndefined();
    expect(initiator.handshakeHash).toEqual(hash);
    expect(initiator.isFinished).toBe(false);
  });

  test('never throws at hostile bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const { initiator, responder } = pair();
        responder.readMessage(bytes);
        initiator.writeMessage(EMPTY);
        expect(initiator.readMessage(bytes)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
    const { responder } = pair();
    expect(responder.readMessage(new Uint8Array(65_536))).toBeUndefined();
  });

  test.each([
    ['prologue', { prologue: Uint8Array.of(1, 2, 4) }],
    ['suite name', { suite: { ...suite, name: '25519_ChaChaPoly_SHA512' } }],
    ['psk', { pattern: 'XXpsk3', psks: [new Uint8Array(32)] }],
  ] satisfies [string, Partial<HandshakeOptions>][])('fails between sides that differ in %s', (_, different) => {
    const { initiator } = pair();
    const { responder } = pair(different);
    // With a psk the first message is sealed already; without, the second is the first to show it.
    const isFirstRead = responder.readMessage(written(initiator)) !== undefined;
    if (isFirstRead) expect(initiator.readMessage(written(responder))).toBeUndefined();
    else expect(responder.isOurTurn).toBe(false);
  });

  test('gives up, and stays usable, when the remote ephemeral key is of low order', () => {
    const { initiator, responder } = pair();
    expect(responder.readMessage(new Uint8Array(32))).toEqual(EMPTY);
    expect(responder.writeMessage(PAYLOAD)).toBeUndefined();
    expect(responder.isOurTurn).toBe(true);
    initiator.writeMessage(EMPTY);
    expect(initiator.readMessage(new Uint8Array(200))).toBeUndefined();
    expect(initiator.isOurTurn).toBe(false);
  });

  test('draws a new ephemeral key for each handshake', () => {
    const messages = [pair(), pair()].map(({ initiator }) => toHex(written(initiator)));
    expect(messages[0]).not.toBe(messages[1]);
  });

  test('of another pattern needs the keys that the pattern presumes', () => {
    const options = { suite, role: 'initiator', prologue: PROLOGUE, s: keysOf('initiator'), random } as const;
    expect(() => new HandshakeState({ ...options, pattern: 'IK' })).toThrow('presumes');
    expect(() => new HandshakeState({ ...options, pattern: 'XY' })).toThrow('known');
    const rs = keysOf('responder').public;
    const initiator = new HandshakeState({ ...options, pattern: 'IK', rs });
    const responder = new HandshakeState({ ...options, role: 'responder', pattern: 'IK', s: keysOf('responder') });
    expect(responder.readMessage(written(initiator))).toEqual(PAYLOAD);
    expect(responder.remoteStatic).toEqual(keysOf('initiator').public);
  });

  test('is over once it is split or erased', () => {
    const { initiator, responder } = pair();
    run(initiator, responder);
    initiator.split();
    expect(() => initiator.split()).toThrow('once');
    const erased = pair().initiator;
    erased.erase();
    expect(() => erased.writeMessage(EMPTY)).toThrow('over');
  });

  test('shows nothing secret in JSON or in a console, before and after', () => {
    const { initiator, responder } = pair();
    const shown = () =>
      `${JSON.stringify({ initiator })}${inspect(initiator, { depth: 9, showHidden: true })}${initiator}`;
    const bytes = /\d+,\s*\d+/;
    expect(shown()).not.toMatch(bytes);
    run(initiator, responder);
    expect(shown()).not.toMatch(bytes);
    expect(inspect({ key: keysOf('initiator').public })).toMatch(bytes);
  });
});

let drawn = 0;
/** Different bytes each time. */
const random: Random = { bytes: length => suite.hash(Uint8Array.of(++drawn, drawn >> 8)).slice(0, length) };

const STATIC = {
  initiator: suite.generateKeyPair({ bytes: length => new Uint8Array(length).fill(0x11) }),
  responder: suite.generateKeyPair({ bytes: length => new Uint8Array(length).fill(0x22) }),
};

function keysOf(role: 'initiator' | 'responder') {
  return STATIC[role];
}

function pair(more: Partial<HandshakeOptions> = {}): { initiator: HandshakeState; responder: HandshakeState } {
  const options = { suite, pattern: 'XX', prologue: PROLOGUE, random, ...more };
  return {
    initiator: new HandshakeState({ ...options, role: 'initiator', s: keysOf('initiator') }),
    responder: new HandshakeState({ ...options, role: 'responder', s: keysOf('responder') }),
  };
}

function run(initiator: HandshakeState, responder: HandshakeState): Uint8Array[] {
  return [[initiator, responder] as const, [responder, initiator] as const, [initiator, responder] as const].map(
    ([from, to]) => {
      const message = written(from);
      expect(to.readMessage(message)).toEqual(PAYLOAD);
      return message;
    },
  );
}

function written(state: HandshakeState): Uint8Array {
  const message = state.writeMessage(PAYLOAD);
  if (message === undefined) throw new Error('the remote key is of low order');
  return message;
}

/** Every truncation, a bit of every byte, and more than there was: none is read. */
function spoil(reader: HandshakeState, message: Uint8Array): void {
  for (let at = 0; at < message.length; at++) {
    expect(reader.readMessage(message.subarray(0, at))).toBeUndefined();
    const changed = message.slice();
    changed[at] = (changed[at] as number) ^ 0x10;
    expect(reader.readMessage(changed), `byte ${at}`).toBeUndefined();
  }
  expect(reader.readMessage(Uint8Array.of(...message, 0))).toBeUndefined();
}

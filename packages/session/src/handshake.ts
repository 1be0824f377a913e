/**
 * One handshake as seen from one side: Noise XX with leaf certificate and
 * working statement in the sealed payloads (session.md 2.3, 2.7; decisions.md
 * "Keys and signing"). No timers, no tables: `sessions.ts` drives it.
 */
import { assert, concat, type Instant, type Random, utf8, type WallClock } from '@warren/base';
import { HandshakeState, type KeyPair, type NoiseSuite } from '@warren/noise';
import {
  type Authority,
  type Credentials,
  decodeStatement,
  encodeStatement,
  type Identity,
  type Rejection,
} from '@warren/trust';
import {
  decodeHandshakePayload,
  decodeHs1Payload,
  encodeHandshakePayload,
  encodeHs1,
  encodeHs1Payload,
  encodeHsReply,
  type HandshakePayload,
  HS1_MAC1_OFFSET,
  type Hs1,
  MAC_BYTES,
  PacketType,
  UDP_PATH_BYTES,
} from '@warren/wire';
import { type Disagreement, flagsOf, type PostQuantumMode } from './agreement.ts';
import { mac1Key } from './macs.ts';

/** Why a handshake gave no session. Nothing of it is told to the remote. */
export type HandshakeFailure =
  | Rejection
  | 'malformed'
  | 'wrong-peer'
  | 'own-identity'
  /** The same identity runs elsewhere, started later, and is alive. */
  | 'older-instance'
  | 'timed-out'
  | Disagreement
  /** The session came about, and the post-quantum keys that it needs did not. */
  | 'post-quantum-timed-out'
  /** This process has no session index left. */
  | 'no-room';

/** What both roles need. */
export interface HandshakeContext {
  readonly suite: NoiseSuite;
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly random: Random;
  readonly wallClock: WallClock;
  /** Hears by how much the clock of somebody with a good certificate is ahead of ours: a hint, nothing rests on it. */
  readonly heardClock?: (aheadMs: number) => void;
  /** Hears why somebody who answered or called is not accepted, before anything is made of it: a hint as well. */
  readonly heardRefusal?: (reason: Rejection) => void;
  /** `off` by default. */
  readonly postQuantum?: PostQuantumMode;
}

/** A finished handshake: who it is, and the keys in our direction of view. */
export interface HandshakeResult {
  readonly identity: Identity;
  /** What the remote can and needs: `PayloadFlag`. */
  readonly flags: number;
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
  /** Further keys are derived from it. 32 bytes. */
  readonly exporter: Uint8Array;
  readonly remoteIndex: number;
}

/** Erases the keys of a result of which no session comes. */
export function eraseKeys({ send, receive, exporter }: HandshakeResult): void {
  for (const key of [send, receive, exporter]) key.fill(0);
}

/** What an initiator has after a good HS2. */
export interface FinishedInitiator {
  readonly result: HandshakeResult;
  readonly hs3: Uint8Array;
}

/** `"warren-session/1"` then the network key, and for end-to-end sessions initiator and responder ids. */
export function prologue(networkKey: Uint8Array, ends: readonly Uint8Array[]): Uint8Array {
  return concat(utf8('warren-session/1'), networkKey, ...ends);
}

/** mac1 over all bytes of HS1 before it, keyed by the network and the same with every suite: scanners get no answer. */
export function mac1(networkKey: Uint8Array, hs1: Uint8Array): Uint8Array {
  return mac1Key(networkKey).mac(hs1.subarray(0, HS1_MAC1_OFFSET));
}

/** The initiator between HS1 and HS3. */
export class Initiator {
  readonly hs1: Uint8Array;
  /** Decides who stays initiator when both begin at once. 32 bytes. */
  readonly ephemeral: Uint8Array;
  private readonly context: HandshakeContext;
  private readonly bound: Uint8Array;
  private readonly payload: Uint8Array;
  private readonly localIndex: number;
  readonly #pair: KeyPair;

  constructor(context: HandshakeContext, boundPrologue: Uint8Array, localIndex: number) {
    this.context = context;
    this.bound = boundPrologue;
    this.localIndex = localIndex;
    const attempt = context.random.bytes(8);
    this.payload = encodeHs1Payload({ attempt, flags: 0, maxDatagramBytes: UDP_PATH_BYTES });
    this.#pair = context.suite.generateKeyPair(context.random);
    this.ephemeral = this.#pair.public;
    const { state, noise } = this.call();
    state.erase();
    const zeros = new Uint8Array(MAC_BYTES);
    this.hs1 = encodeHs1({ senderIndex: localIndex, noise, mac1: zeros, mac2: zeros });
    this.hs1.set(mac1(context.authority.networkKey, this.hs1), HS1_MAC1_OFFSET);
  }

  /**
   * Reads HS2 and writes HS3. `undefined` for a message that is not from whoever got our HS1. Anybody may have got it:
   * whatever comes of one HS2, another can be read after it.
   */
  finish(noise: Uint8Array, remoteIndex: number, now: Instant): FinishedInitiator | HandshakeFailure | undefined {
    const { state } = this.call();
    const finished = this.read(state, noise, remoteIndex, now);
    state.erase();
    return finished;
  }

  erase(): void {
    this.#pair.secret.fill(0);
  }

  /** A state of its own for each HS2, as one that has read a message does not read another in its place. */
  private call(): { readonly state: HandshakeState; readonly noise: Uint8Array } {
    const e = { secret: this.#pair.secret.slice(), public: this.#pair.public };
    const state = newState(this.context, 'initiator', this.bound, e);
    const noise = state.writeMessage(this.payload);
    assert(noise !== undefined, 'the first message of XX needs no remote key');
    return { state, noise };
  }

  private read(
    state: HandshakeState,
    noise: Uint8Array,
    remoteIndex: number,
    now: Instant,
  ): FinishedInitiator | HandshakeFailure | undefined {
    const sealed = state.readMessage(noise);
    if (sealed === undefined) return undefined;
    const indices = { initiator: this.localIndex, responder: remoteIndex };
    const checked = checkPayload(this.context, state, sealed, indices, now);
    if (typeof checked === 'string') return checked;
    const reply = state.writeMessage(ownPayload(this.context, indices, now));
    if (reply === undefined) return 'malformed';
    const hs3 = encodeHsReply({
      type: PacketType.HS3,
      senderIndex: this.localIndex,
      receiverIndex: remoteIndex,
      noise: reply,
    });
    return { result: { ...checked, ...takeKeys(state), remoteIndex }, hs3 };
  }
}

/** The responder between HS2 and HS3. */
export class Responder {
  readonly hs2: Uint8Array;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly startedAt: Instant;
  private readonly context: HandshakeContext;
  private readonly state: HandshakeState;

  private constructor(
    context: HandshakeContext,
    state: HandshakeState,
    indices: Indices,
    startedAt: Instant,
    noise: Uint8Array,
  ) {
    this.context = context;
    this.state = state;
    this.localIndex = indices.responder;
    this.remoteIndex = indices.initiator;
    this.startedAt = startedAt;
    const [senderIndex, receiverIndex] = [indices.responder, indices.initiator];
    this.hs2 = encodeHsReply({ type: PacketType.HS2, senderIndex, receiverIndex, noise });
  }

  /** Answers an HS1 whose mac1 is right; `undefined` when the message is impossible. */
  static answer(
    context: HandshakeContext,
    boundPrologue: Uint8Array,
    hs1: Hs1,
    localIndex: number,
    now: Instant,
  ): Responder | undefined {
    const state = newState(context, 'responder', boundPrologue);
    const payload = state.readMessage(hs1.noise);
    if (payload === undefined || decodeHs1Payload(payload) === undefined) return undefined;
    const indices = { initiator: hs1.senderIndex, responder: localIndex };
    const noise = state.writeMessage(ownPayload(context, indices, now));
    return noise && new Responder(context, state, indices, now, noise);
  }

  /**
   * Reads HS3. `undefined` for a message that is not from whoever got our HS2, which changes nothing; after a
   * failure or a result the handshake is over.
   */
  finish(noise: Uint8Array, now: Instant): HandshakeResult | HandshakeFailure | undefined {
    const sealed = this.state.readMessage(noise);
    if (sealed === undefined) return undefined;
    const indices = { initiator: this.remoteIndex, responder: this.localIndex };
    const checked = checkPayload(this.context, this.state, sealed, indices, now);
    if (typeof checked === 'string') return checked;
    return { ...checked, ...takeKeys(this.state), remoteIndex: this.remoteIndex };
  }

  erase(): void {
    this.state.erase();
  }
}

/** `e`, where it is given, is erased with the state. */
function newState(
  { suite, random, credentials }: HandshakeContext,
  role: 'initiator' | 'responder',
  prologue: Uint8Array,
  e?: KeyPair,
): HandshakeState {
  return new HandshakeState({
    suite,
    pattern: 'XX',
    role,
    prologue,
    s: credentials.keys.noise,
    random,
    ...(e && { e }),
  });
}

function takeKeys(state: HandshakeState): Pick<HandshakeResult, 'send' | 'receive' | 'exporter'> {
  const { send, receive, exporter } = state.split();
  return { send, receive, exporter };
}

interface Indices {
  readonly initiator: number;
  readonly responder: number;
}

function ownPayload(context: HandshakeContext, indices: Indices, now: Instant): Uint8Array {
  return encodeHandshakePayload({
    flags: flagsOf(context.postQuantum ?? 'off'),
    initiatorIndex: indices.initiator,
    responderIndex: indices.responder,
    unixMs: context.wallClock.at(now),
    maxDatagramBytes: UDP_PATH_BYTES,
    revocation: context.authority.revocations.head,
    leaf: context.credentials.leaf.der,
    statement: encodeStatement(context.credentials.statement),
  });
}

/** The checks of session.md 2.7 after the AEAD, in its order; fails closed. */
function checkPayload(
  context: HandshakeContext,
  state: HandshakeState,
  sealed: Uint8Array,
  indices: Indices,
  now: Instant,
): Pick<HandshakeResult, 'identity' | 'flags'> | HandshakeFailure {
  const payload: HandshakePayload | undefined = decodeHandshakePayload(sealed);
  const statement = payload && decodeStatement(payload.statement);
  const remoteStatic = state.remoteStatic;
  if (payload === undefined || statement === undefined || remoteStatic === undefined) return 'malformed';
  if (payload.initiatorIndex !== indices.initiator || payload.responderIndex !== indices.responder) return 'malformed';
  const checked = context.authority.check(payload.leaf, statement, remoteStatic, context.wallClock.at(now));
  if (!checked.ok) {
    context.heardRefusal?.(checked.reason);
    return checked.reason;
  }
  context.authority.revocations.learnHead(payload.revocation);
  context.heardClock?.(payload.unixMs - context.wallClock.at(now));
  return { identity: checked.identity, flags: payload.flags };
}

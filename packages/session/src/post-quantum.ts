/**
 * The key upgrade inside a session (session.md 2.8): ML-KEM-768 after the
 * handshake, under its keys, so that whoever records today and breaks X25519
 * later reads nothing. It protects against records, not against impostors:
 * who it is stays proved by the handshake alone. No tables of sessions here:
 * `sessions.ts` installs the new keys.
 *
 * ```text
 * initiator of the handshake                       responder
 *   | PQ_KEY, two halves, new index          --->     |   encapsulates, new keys receive
 *   | PQ_CIPHERTEXT, two halves, new index   <---     |
 *   | new keys send;  PQ_CONFIRM under them  --->     |   new keys send
 *   | PQ_CONFIRM under them                  <---     |
 * ```
 * The initiator repeats what is unanswered; a repeated half of the key gets
 * the same half of the ciphertext. One upgrade per handshake.
 */
import { concat, earliest, type Instant, jitter, NextDeadline, type Random } from '@warren/base';
import { hkdf, type NoiseSuite } from '@warren/noise';
import { decodePostQuantum, encodePostQuantum, type PostQuantumMessage } from '@warren/wire';
import { HANDSHAKE_TIMEOUT_MS } from './attempts.ts';
import { ENCAPSULATION_SEED_BYTES, KEYGEN_SEED_BYTES, type Kem } from './kem.ts';
import type { Session } from './secured-peer.ts';

/** A session that is not upgraded by then stays as it is, or ends where that is required. */
export const UPGRADE_TIMEOUT_MS = HANDSHAKE_TIMEOUT_MS;

/** Waits between repetitions, +-20 %: as of a handshake at first, then steady, since both are known to be there. */
const REPEAT_MS: readonly number[] = [500, 1000, 2000];

/** New keys of 32 bytes in our direction of view, with both new indices. */
export interface UpgradedKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
  readonly localIndex: number;
  readonly remoteIndex: number;
}

export interface UpgradesOptions {
  readonly suite: NoiseSuite;
  readonly random: Random;
  readonly kem: Kem;
  /** A new session index of ours; `undefined` when there is none. */
  readonly allocate: () => number | undefined;
  readonly release: (index: number) => void;
  /** Seals under a session and sends to its peer. */
  readonly send: (session: Session, plaintext: Uint8Array) => void;
  /** Makes a session of keys that came of upgrading `carrier`. */
  readonly install: (carrier: Session, keys: UpgradedKeys, now: Instant) => Session;
}

type Half = Extract<PostQuantumMessage, { kind: 'key' | 'ciphertext' }>;

type State =
  /** Ours, and the peer has not shown yet that it has the keys of the handshake. */
  | { readonly kind: 'waiting'; readonly exporter: Uint8Array }
  /** Ours: the key is repeated until the ciphertext is there. */
  | {
      readonly kind: 'asking';
      readonly exporter: Uint8Array;
      readonly localIndex: number;
      readonly encapsulationKey: Uint8Array;
      readonly decapsulationKey: Uint8Array;
      readonly ciphertext: Halves;
    }
  /** Ours: new keys send; the confirmation is repeated until something comes under them. */
  | { readonly kind: 'confirming'; readonly upgraded: Session }
  /** Theirs: the key is not whole. */
  | { readonly kind: 'listening'; readonly exporter: Uint8Array; readonly key: Halves }
  /** Theirs: new keys receive; halves of the ciphertext are repeated when asked for. */
  | {
      readonly kind: 'answered';
      readonly upgraded: Session;
      readonly askedBy: number;
      readonly ciphertext: readonly [Uint8Array, Uint8Array];
    };

interface Upgrade {
  readonly carrier: Session;
  readonly giveUpAt: Instant;
  state: State;
  step: number;
  /** When something is repeated. */
  sendAt: Instant | undefined;
}

/** All upgrades under way in one session table, one at most for each session. */
export class Upgrades {
  private readonly options: UpgradesOptions;
  /** Private to the last: states hold keys. */
  readonly #byCarrier = new Map<Session, Upgrade>();
  private readonly deadline = new NextDeadline(() =>
    earliest(...[...this.#byCarrier.values()].flatMap(({ giveUpAt, sendAt }) => [giveUpAt, sendAt])),
  );

  constructor(options: UpgradesOptions) {
    this.options = options;
  }

  /** Notes a new session that is to be upgraded, with the exporter of its handshake, 32 bytes. */
  add(carrier: Session, exporter: Uint8Array, now: Instant): void {
    const state: State =
      carrier.role === 'initiator' ? { kind: 'waiting', exporter } : { kind: 'listening', exporter, key: new Halves() };
    const giveUpAt = now + UPGRADE_TIMEOUT_MS;
    this.#byCarrier.set(carrier, { carrier, giveUpAt, state, step: 0, sendAt: undefined });
    this.deadline.moved();
  }

  /** The peer has the keys of the handshake: our side begins. */
  confirmed(carrier: Session, now: Instant): void {
    const upgrade = this.#byCarrier.get(carrier);
    if (upgrade?.state.kind !== 'waiting') return;
    const { random, kem, allocate } = this.options;
    const localIndex = allocate();
    if (localIndex === undefined) return;
    const seed = random.bytes(KEYGEN_SEED_BYTES);
    const keys = kem.generate(seed);
    seed.fill(0);
    const { exporter } = upgrade.state;
    upgrade.state = { kind: 'asking', exporter, localIndex, ...keys, ciphertext: new Halves() };
    this.transmit(upgrade, now);
  }

  /** Takes a plaintext with inner byte 5 to 7 that came under `session`; false for what is none, or nobody waits for. */
  receive(session: Session, plaintext: Uint8Array, now: Instant): boolean {
    const message = decodePostQuantum(plaintext);
    const upgrade = this.#byCarrier.get(session);
    switch (message?.kind) {
      case undefined:
        return false;
      case 'confirm':
        return this.receiveConfirm(session);
      case 'key':
        return upgrade !== undefined && this.receiveKey(upgrade, message, now);
      case 'ciphertext':
        return upgrade !== undefined && this.receiveCiphertext(upgrade, message, now);
    }
  }

  /** A session is gone, and with it its upgrade; keys that came of it live on. */
  retire(session: Session): void {
    const upgrade = this.#byCarrier.get(session);
    if (upgrade !== undefined) this.end(upgrade);
  }

  get wakeAt(): Instant | undefined {
    return this.deadline.at;
  }

  /** Repeats what is due; returns sessions that could not be upgraded, with the new keys that were never confirmed. */
  tick(now: Instant): { readonly carrier: Session; readonly upgraded: Session | undefined }[] {
    const failed: { carrier: Session; upgraded: Session | undefined }[] = [];
    for (const upgrade of this.#byCarrier.values()) {
      const { carrier, state, giveUpAt, sendAt } = upgrade;
      const upgraded = 'upgraded' in state ? state.upgraded : undefined;
      if (upgraded?.confirmed) this.end(upgrade);
      else if (now >= giveUpAt) {
        this.end(upgrade);
        failed.push({ carrier, upgraded });
      } else if (sendAt !== undefined && now >= sendAt) this.transmit(upgrade, now);
    }
    return failed;
  }

  toJSON(): string {
    return 'Upgrades';
  }

  private receiveKey(upgrade: Upgrade, message: Half, now: Instant): boolean {
    const { carrier, state } = upgrade;
    if (state.kind === 'answered' && message.receiverIndex === state.askedBy) {
      this.answer(carrier, state.upgraded, message.half, state.ciphertext[message.half]);
      return true;
    }
    if (state.kind !== 'listening') return false;
    const encapsulationKey = state.key.add(message);
    return encapsulationKey === undefined || this.encapsulate(upgrade, state.exporter, encapsulationKey, message, now);
  }

  private encapsulate(
    upgrade: Upgrade,
    exporter: Uint8Array,
    encapsulationKey: Uint8Array,
    { receiverIndex: remoteIndex }: Half,
    now: Instant,
  ): boolean {
    const { random, kem, allocate, install } = this.options;
    const seed = random.bytes(ENCAPSULATION_SEED_BYTES);
    const made = kem.encapsulate(encapsulationKey, seed);
    seed.fill(0);
    const localIndex = made && allocate();
    if (made === undefined || localIndex === undefined) return false;
    const [receive, send] = this.derive(exporter, made.secret, encapsulationKey, made.ciphertext);
    const upgraded = install(upgrade.carrier, { send, receive, localIndex, remoteIndex }, now);
    const ciphertext = halves(made.ciphertext);
    upgrade.state = { kind: 'answered', upgraded, askedBy: remoteIndex, ciphertext };
    for (const half of [0, 1] as const) this.answer(upgrade.carrier, upgraded, half, ciphertext[half]);
    return true;
  }

  private receiveCiphertext(upgrade: Upgrade, message: Half, now: Instant): boolean {
    const { state, carrier } = upgrade;
    if (state.kind !== 'asking') return state.kind === 'confirming';
    const ciphertext = state.ciphertext.add(message);
    if (ciphertext === undefined) return true;
    const { exporter, localIndex, encapsulationKey, decapsulationKey } = state;
    const secret = this.options.kem.decapsulate(ciphertext, decapsulationKey);
    decapsulationKey.fill(0);
    const [send, receive] = this.derive(exporter, secret, encapsulationKey, ciphertext);
    const keys = { send, receive, localIndex, remoteIndex: message.receiverIndex };
    upgrade.state = { kind: 'confirming', upgraded: this.options.install(carrier, keys, now) };
    upgrade.step = 0;
    this.transmit(upgrade, now);
    return true;
  }

  /** The initiator has the new keys; it hears that we know. Its own confirmation came to its end with that answer. */
  private receiveConfirm(session: Session): boolean {
    if (!session.isPostQuantum) return false;
    if (session.role === 'responder') this.options.send(session, encodePostQuantum({ kind: 'confirm' }));
    return true;
  }

  private answer(carrier: Session, upgraded: Session, half: 0 | 1, bytes: Uint8Array): void {
    const receiverIndex = upgraded.transport.localIndex;
    this.options.send(carrier, encodePostQuantum({ kind: 'ciphertext', half, receiverIndex, bytes }));
  }

  private transmit(upgrade: Upgrade, now: Instant): void {
    const { state, carrier } = upgrade;
    const wait = REPEAT_MS[Math.min(upgrade.step++, REPEAT_MS.length - 1)] as number;
    upgrade.sendAt = now + jitter(this.options.random, wait, 0.2);
    this.deadline.moved();
    if (state.kind === 'confirming') this.options.send(state.upgraded, encodePostQuantum({ kind: 'confirm' }));
    if (state.kind !== 'asking') return;
    const [first, second] = halves(state.encapsulationKey);
    const common = { kind: 'key', receiverIndex: state.localIndex } as const;
    this.options.send(carrier, encodePostQuantum({ ...common, half: 0, bytes: first }));
    this.options.send(carrier, encodePostQuantum({ ...common, half: 1, bytes: second }));
  }

  /**
   * The keys from initiator and from responder. Neither secret alone gives them: the exporter is the salt, the secret
   * is the input. Key and ciphertext are bound, as ML-KEM alone does not promise for both.
   */
  private derive(
    exporter: Uint8Array,
    secret: Uint8Array,
    encapsulationKey: Uint8Array,
    ciphertext: Uint8Array,
  ): [Uint8Array, Uint8Array] {
    const { suite } = this.options;
    const input = concat(secret, suite.hash(concat(encapsulationKey, ciphertext)));
    const keys = hkdf(suite, exporter, input, 2) as [Uint8Array, Uint8Array];
    for (const used of [exporter, secret, input]) used.fill(0);
    return keys;
  }

  private end(upgrade: Upgrade): void {
    const { carrier, state } = upgrade;
    this.#byCarrier.delete(carrier);
    this.deadline.moved();
    if ('exporter' in state) state.exporter.fill(0);
    if (state.kind !== 'asking') return;
    state.decapsulationKey.fill(0);
    this.options.release(state.localIndex);
  }
}

/** Two halves on their way, in any order; halves under different indices do not belong together. */
class Halves {
  private readonly parts: [Uint8Array | undefined, Uint8Array | undefined] = [undefined, undefined];
  private index = 0;

  /** The whole once both halves are there. */
  add({ half, receiverIndex, bytes }: Half): Uint8Array | undefined {
    if (receiverIndex !== this.index) this.parts.fill(undefined);
    this.index = receiverIndex;
    this.parts[half] = bytes;
    const [first, second] = this.parts;
    return first && second && concat(first, second);
  }
}

function halves(whole: Uint8Array): [Uint8Array, Uint8Array] {
  return [whole.subarray(0, whole.length / 2), whole.subarray(whole.length / 2)];
}

/**
 * One handshake (Noise specification, section 5.3): interprets a pattern's
 * tokens. It knows no datagrams, retransmission, certificates nor time; the
 * driver is in `session`. A message that cannot be read leaves the state as
 * it was, so that a forged one does not spoil the handshake.
 */
import { assert, concat, type Random } from '@warren/base';
import { type Pattern, patternNamed, type Token } from './patterns.ts';
import { KEY_BYTES, type KeyPair, type NoiseSuite } from './suite.ts';
import { SymmetricState } from './symmetric-state.ts';

/** The longest Noise message (section 3). */
export const MAX_MESSAGE_BYTES = 65_535;

/** What a handshake starts from, in the words of the specification. Both sides need the same pattern, prologue and psks. */
export interface HandshakeOptions {
  readonly suite: NoiseSuite;
  /** `XX`, `IK`, `XXpsk3` ...: see `patternNamed`. */
  readonly pattern: string;
  readonly role: 'initiator' | 'responder';
  /** Any bytes; both sides' must be equal. */
  readonly prologue: Uint8Array;
  /** Own static pair, where the pattern has one. */
  readonly s?: KeyPair;
  /** The remote static public key, where the pattern presumes it known. */
  readonly rs?: Uint8Array;
  /** Own ephemeral pair, for vectors; else one is drawn from `random`. */
  readonly e?: KeyPair;
  readonly random?: Random;
  /** 32 bytes each, one for each `psk` token. */
  readonly psks?: readonly Uint8Array[];
}

/** What a finished handshake leaves, 32 bytes each. */
export interface HandshakeKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
  /** Public and the same on both sides: names this handshake. */
  readonly handshakeHash: Uint8Array;
  /** Secret and the same on both sides: further keys are derived from it. */
  readonly exporter: Uint8Array;
}

/** What a message changes beside the symmetric state. */
interface Progress {
  readonly rs: Uint8Array | undefined;
  readonly re: Uint8Array | undefined;
  readonly psksUsed: number;
  readonly messagesDone: number;
}

/** One side of one handshake. */
export class HandshakeState {
  readonly #options: HandshakeOptions;
  readonly #pattern: Pattern;
  readonly #isInitiator: boolean;
  readonly #symmetric: SymmetricState;
  #e: KeyPair | undefined;
  #progress: Progress;
  #erased = false;

  constructor(options: HandshakeOptions) {
    const { suite, prologue, s, rs } = options;
    const pattern = patternNamed(options.pattern);
    assert(pattern !== undefined, 'the pattern is known');
    this.#options = options;
    this.#pattern = pattern;
    this.#isInitiator = options.role === 'initiator';
    this.#e = options.e;
    this.#progress = { rs, re: undefined, psksUsed: 0, messagesDone: 0 };
    this.#symmetric = new SymmetricState(suite, `Noise_${pattern.name}_${suite.name}`);
    this.#symmetric.mixHash(prologue);
    if (pattern.initiatorKnown) this.#mixKnown(this.#isInitiator ? s?.public : rs);
    if (pattern.responderKnown) this.#mixKnown(this.#isInitiator ? rs : s?.public);
  }

  /** Whether all messages have been written and read. */
  get isFinished(): boolean {
    return this.#progress.messagesDone === this.#pattern.messages.length;
  }

  /** Whether the next message is ours to write. */
  get isOurTurn(): boolean {
    return !this.isFinished && (this.#progress.messagesDone % 2 === 0) === this.#isInitiator;
  }

  /** 32 bytes, as soon as it is known. It is authenticated only once the message that brought it has been read. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#progress.rs?.slice();
  }

  /** 32 bytes, as soon as it is known. */
  get remoteEphemeral(): Uint8Array | undefined {
    return this.#progress.re?.slice();
  }

  /** Our own ephemeral public key, 32 bytes, once it exists. */
  get ephemeral(): Uint8Array | undefined {
    return this.#e?.public.slice();
  }

  /** The transcript hash so far, 32 bytes. */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.handshakeHash;
  }

  /** The next message with `payload` inside; `undefined` when the remote key is of low order: give the handshake up. */
  writeMessage(payload: Uint8Array): Uint8Array | undefined {
    assert(this.isOurTurn, 'messages are written in turn');
    return this.#step(tokens => {
      const parts: Uint8Array[] = [];
      for (const token of tokens) if (!this.#writeToken(token, parts)) return undefined;
      parts.push(this.#symmetric.encryptAndHash(payload));
      const message = concat(...parts);
      assert(message.length <= MAX_MESSAGE_BYTES, 'a Noise message fits 65,535 bytes');
      return message;
    });
  }

  /** The payload of the remote side's next message; `undefined` when it is not that, which changes nothing. */
  readMessage(message: Uint8Array): Uint8Array | undefined {
    assert(!this.isFinished && !this.isOurTurn, 'messages are read in turn');
    if (message.length > MAX_MESSAGE_BYTES) return undefined;
    return this.#step(tokens => {
      let rest: Uint8Array | undefined = message;
      for (const token of tokens) {
        rest = this.#readToken(token, rest);
        if (rest === undefined) return undefined;
      }
      return this.#symmetric.decryptAndHash(rest);
    });
  }

  /** The keys of a finished handshake; afterwards nothing secret is left in here. Call it once. */
  split(): HandshakeKeys {
    assert(this.isFinished && !this.#erased, 'a handshake is split once, when it is finished');
    const [first, second, exporter] = this.#symmetric.split();
    const { handshakeHash } = this.#symmetric;
    this.erase();
    const [send, receive] = this.#isInitiator ? [first, second] : [second, first];
    return { send, receive, handshakeHash, exporter };
  }

  /** Forgets keys as far as the platform allows. The static pair belongs to the caller and stays. */
  erase(): void {
    this.#erased = true;
    this.#symmetric.erase();
    this.#e?.secret.fill(0);
    this.#e = undefined;
  }

  toJSON(): string {
    return 'HandshakeState';
  }

  /** Runs one message; takes everything back when `run` answers `undefined`. */
  #step(run: (tokens: readonly Token[]) => Uint8Array | undefined): Uint8Array | undefined {
    assert(!this.#erased, 'an erased handshake is over');
    const symmetric = this.#symmetric.moment();
    const progress = this.#progress;
    const result = run(this.#pattern.messages[progress.messagesDone] as readonly Token[]);
    if (result === undefined) {
      this.#symmetric.restore(symmetric);
      this.#progress = progress;
    } else {
      this.#symmetric.commit(symmetric);
      this.#progress = { ...this.#progress, messagesDone: progress.messagesDone + 1 };
    }
    return result;
  }

  #writeToken(token: Token, parts: Uint8Array[]): boolean {
    switch (token) {
      case 'e': {
        this.#e ??= this.#generate();
        parts.push(this.#e.public);
        this.#mixEphemeral(this.#e.public);
        return true;
      }
      case 's': {
        parts.push(this.#symmetric.encryptAndHash(this.#own('s').public));
        return true;
      }
      default:
        return this.#mixToken(token);
    }
  }

  /** What is left of `message` behind the token; `undefined` when the token is not there. */
  #readToken(token: Token, message: Uint8Array): Uint8Array | undefined {
    switch (token) {
      case 'e': {
        if (message.length < KEY_BYTES) return undefined;
        const re = message.slice(0, KEY_BYTES);
        this.#progress = { ...this.#progress, re };
        this.#mixEphemeral(re);
        return message.subarray(KEY_BYTES);
      }
      case 's': {
        const length = KEY_BYTES + this.#symmetric.overhead;
        if (message.length < length) return undefined;
        const rs = this.#symmetric.decryptAndHash(message.subarray(0, length));
        if (rs === undefined) return undefined;
        this.#progress = { ...this.#progress, rs };
        return message.subarray(length);
      }
      default:
        return this.#mixToken(token) ? message : undefined;
    }
  }

  /** Tokens that send nothing; false when the remote key is of low order. */
  #mixToken(token: Exclude<Token, 'e' | 's'>): boolean {
    if (token === 'psk') {
      const psk = this.#options.psks?.[this.#progress.psksUsed];
      assert(psk?.length === KEY_BYTES, 'every psk token has its 32-byte key');
      this.#symmetric.mixKeyAndHash(psk);
      this.#progress = { ...this.#progress, psksUsed: this.#progress.psksUsed + 1 };
      return true;
    }
    // The first letter is the initiator's key, the second the responder's.
    const [initiators, responders] = [token[0] as 'e' | 's', token[1] as 'e' | 's'];
    const own = this.#isInitiator ? initiators : responders;
    const remote = this.#isInitiator ? responders : initiators;
    const shared = this.#options.suite.agree(this.#own(own).secret, this.#remote(remote));
    if (shared === undefined) return false;
    this.#symmetric.mixKey(shared);
    shared.fill(0);
    return true;
  }

  /** With psks an ephemeral key also goes into the chaining key, so that each handshake's keys differ (section 9.2). */
  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    if (this.#options.psks !== undefined && this.#options.psks.length > 0) this.#symmetric.mixKey(publicKey);
  }

  #mixKnown(publicKey: Uint8Array | undefined): void {
    assert(publicKey?.length === KEY_BYTES, 'the pattern presumes this static key');
    this.#symmetric.mixHash(publicKey);
  }

  #own(which: 'e' | 's'): KeyPair {
    const keys = which === 'e' ? this.#e : this.#options.s;
    assert(keys !== undefined, 'the pattern needs this key pair');
    return keys;
  }

  #remote(which: 'e' | 's'): Uint8Array {
    const key = which === 'e' ? this.#progress.re : this.#progress.rs;
    assert(key !== undefined, 'the pattern sends this key before it is used');
    return key;
  }

  #generate(): KeyPair {
    assert(this.#options.random !== undefined, 'an ephemeral pair is given, or chance to draw one');
    return this.#options.suite.generateKeyPair(this.#options.random);
  }
}

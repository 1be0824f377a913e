/**
 * How much one pair of keys may do before it is replaced (session.md 2.5).
 * The hard stop, 2^40 datagrams, is in `transport.ts`.
 */

export interface KeyLimits {
  /** Datagrams sealed under one key; then a rekey begins, and this key goes on until it is done. */
  readonly rekeyAfterMessages: number;
  /** Datagrams with a wrong tag under one key; then the session ends and a handshake begins (RFC 9001 section 6.6). */
  readonly closeAfterForged: number;
}

/** What the specification says. Neither is reached within the 540 s that a key lives, short of 100 Gbit/s. */
export const KEY_LIMITS: KeyLimits = { rekeyAfterMessages: 2 ** 32, closeAfterForged: 2 ** 36 };

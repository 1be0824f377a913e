/**
 * Handshake patterns as a table (Noise specification, chapters 7, 9 and 18):
 * each row reads like the specification. One loop in `handshake-state.ts`
 * interprets the tokens. Warren itself speaks XX only; the others are here
 * because published vectors of all of them prove the interpreter.
 */

/** One step within a message. */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

/** Who sends what in which order; the initiator writes message 0. */
export interface Pattern {
  /** As in the protocol name, with modifiers, e.g. `XXpsk3`. */
  readonly name: string;
  /** Whether the responder knows the initiator's static key beforehand. */
  readonly initiatorKnown: boolean;
  /** Whether the initiator knows the responder's static key beforehand. */
  readonly responderKnown: boolean;
  readonly messages: readonly (readonly Token[])[];
}

/**
 * Messages of each pattern, `|` between them. Letters say the rest: whose static key the other side knows
 * beforehand has a K, as has the responder's in one-way patterns.
 */
const PATTERNS: Readonly<Record<string, string>> = {
  // One-way (7.4): the initiator writes one message, and all that follows.
  N: 'e es',
  K: 'e es ss',
  X: 'e es s ss',
  // Interactive (7.5).
  NN: 'e | e ee',
  NK: 'e es | e ee',
  NX: 'e | e ee s es',
  KN: 'e | e ee se',
  KK: 'e es ss | e ee se',
  KX: 'e | e ee se s es',
  XN: 'e | e ee | s se',
  XK: 'e es | e ee | s se',
  XX: 'e | e ee s es | s se',
  IN: 'e s | e ee se',
  IK: 'e es s ss | e ee se',
  IX: 'e s | e ee se s es',
  // Deferred (18.1): a 1 puts off the agreement that authenticates the letter before it.
  NK1: 'e | e ee es',
  NX1: 'e | e ee s | es',
  X1N: 'e | e ee | s | se',
  X1K: 'e es | e ee | s | se',
  XK1: 'e | e ee es | s se',
  X1K1: 'e | e ee es | s | se',
  X1X: 'e | e ee s es | s | se',
  XX1: 'e | e ee s | es s se',
  X1X1: 'e | e ee s | es s | se',
  K1N: 'e | e ee | se',
  K1K: 'e es | e ee | se',
  KK1: 'e | e ee se es',
  K1K1: 'e | e ee es | se',
  K1X: 'e | e ee s es | se',
  KX1: 'e | e ee se s | es',
  K1X1: 'e | e ee s | se es',
  I1N: 'e s | e ee | se',
  I1K: 'e es s | e ee | se',
  IK1: 'e s | e ee se es',
  I1K1: 'e s | e ee es | se',
  I1X: 'e s | e ee s es | se',
  IX1: 'e s | e ee se s | es',
  I1X1: 'e s | e ee s | se es',
};

/**
 * The pattern of that name: one-way, interactive or deferred, with any `psk`
 * modifiers (`XXpsk3`, `NNpsk0+psk2`). `undefined` for any other name.
 */
export function patternNamed(name: string): Pattern | undefined {
  const [, base = '', initiator, responder, modifiers = ''] =
    /^(([NKXI])1?(?:([NKX])1?)?)((?:psk\d(?:\+psk\d)*)?)$/.exec(name) ?? [];
  const row = PATTERNS[base];
  if (row === undefined) return undefined;
  let messages: Pattern['messages'] | undefined = row.split(' | ').map(tokens => tokens.split(' ') as Token[]);
  for (const [digit] of modifiers.matchAll(/\d/g)) messages = messages && withPsk(messages, Number(digit));
  const isOneWay = responder === undefined;
  return (
    messages && { name, initiatorKnown: initiator === 'K', responderKnown: isOneWay || responder === 'K', messages }
  );
}

/** `psk0` goes before the first message's tokens, `pskN` after those of the N-th message (section 9.4). */
function withPsk(messages: Pattern['messages'], at: number): Pattern['messages'] | undefined {
  if (at > messages.length) return undefined;
  return messages.map((tokens, i): readonly Token[] => {
    if (at === 0 && i === 0) return ['psk', ...tokens];
    return i === at - 1 ? [...tokens, 'psk'] : tokens;
  });
}

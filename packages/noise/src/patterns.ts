/**
 * Handshake patterns as tables (Noise specification, chapters 7.5 and 9):
 * each reads like the specification. One loop in `handshake-state.ts`
 * interprets the tokens. Warren itself speaks XX only; the others are here
 * because published vectors of all twelve prove the interpreter.
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

type Table = Omit<Pattern, 'name'>;

const INTERACTIVE: Readonly<Record<string, Table>> = {
  NN: table([['e'], ['e', 'ee']]),
  NK: table(
    [
      ['e', 'es'],
      ['e', 'ee'],
    ],
    'responder',
  ),
  NX: table([['e'], ['e', 'ee', 's', 'es']]),
  KN: table([['e'], ['e', 'ee', 'se']], 'initiator'),
  KK: table(
    [
      ['e', 'es', 'ss'],
      ['e', 'ee', 'se'],
    ],
    'initiator',
    'responder',
  ),
  KX: table([['e'], ['e', 'ee', 'se', 's', 'es']], 'initiator'),
  XN: table([['e'], ['e', 'ee'], ['s', 'se']]),
  XK: table(
    [
      ['e', 'es'],
      ['e', 'ee'],
      ['s', 'se'],
    ],
    'responder',
  ),
  XX: table([['e'], ['e', 'ee', 's', 'es'], ['s', 'se']]),
  IN: table([
    ['e', 's'],
    ['e', 'ee', 'se'],
  ]),
  IK: table(
    [
      ['e', 'es', 's', 'ss'],
      ['e', 'ee', 'se'],
    ],
    'responder',
  ),
  IX: table([
    ['e', 's'],
    ['e', 'ee', 'se', 's', 'es'],
  ]),
};

/**
 * The pattern of that name: one of the twelve interactive patterns, with any
 * `psk` modifiers (`XXpsk3`, `NNpsk0+psk2`). `undefined` for any other name.
 */
export function patternNamed(name: string): Pattern | undefined {
  const [, base, modifiers] = /^([NKXI]{2})((?:psk\d(?:\+psk\d)*)?)$/.exec(name) ?? [];
  const found = base === undefined ? undefined : INTERACTIVE[base];
  if (found === undefined) return undefined;
  let messages: Table['messages'] | undefined = found.messages;
  for (const [digit] of (modifiers ?? '').matchAll(/\d/g)) messages = messages && withPsk(messages, Number(digit));
  return messages && { name, ...found, messages };
}

/** `psk0` goes before the first message's tokens, `pskN` after those of the N-th message (section 9.4). */
function withPsk(messages: Table['messages'], at: number): Table['messages'] | undefined {
  if (at > messages.length) return undefined;
  return messages.map((tokens, i): readonly Token[] => {
    if (at === 0 && i === 0) return ['psk', ...tokens];
    return i === at - 1 ? [...tokens, 'psk'] : tokens;
  });
}

function table(messages: Table['messages'], ...known: ('initiator' | 'responder')[]): Table {
  return { messages, initiatorKnown: known.includes('initiator'), responderKnown: known.includes('responder') };
}

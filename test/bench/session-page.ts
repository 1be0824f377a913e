/** What a tab computes for the benchmark of sessions: noble, as pages have it. */
import type { Random } from '@warren/base';
import { nobleCrypto } from '@warren/peer';
import { type EndText, type HandshakeRates, handshakeRates, type SealRates, sealRates } from './session-rates.ts';

export interface TabQuestion {
  readonly ends: readonly [EndText, EndText];
  readonly startUnixMs: number;
  readonly handshakesMs: number;
  readonly bytes: number;
  readonly count: number;
}

export interface TabAnswer {
  readonly handshakes: HandshakeRates;
  readonly seals: SealRates;
}

declare global {
  function measureSessions(question: TabQuestion): TabAnswer;
}

const random: Random = { bytes: length => crypto.getRandomValues(new Uint8Array(length)) };

globalThis.measureSessions = ({ ends, startUnixMs, handshakesMs, bytes, count }) => ({
  handshakes: handshakeRates(nobleCrypto, ends, startUnixMs, random, handshakesMs),
  seals: sealRates(nobleCrypto, random, bytes, count),
});

export type { Identity } from '@warren/trust';
export { GROUP_RATE, HALF_OPEN_LOAD, PROVEN_RATE, UNPROVEN_RATE } from './admission.ts';
export type { Disagreement, PostQuantumMode } from './agreement.ts';
export { HANDSHAKE_TIMEOUT_MS, type PathId, RETRANSMIT_MS } from './attempts.ts';
export { COOKIE_LATENCY_MS, COOKIE_REFRESH_MS } from './cookies.ts';
export { HALF_OPEN_MAX, HALF_OPEN_MS } from './half-opens.ts';
export { type HandshakeContext, type HandshakeFailure, Initiator, mac1, prologue, Responder } from './handshake.ts';
export { readIndex, SessionIndices } from './indices.ts';
export { ENCAPSULATION_SEED_BYTES, KEYGEN_SEED_BYTES, type Kem, mlKem768 } from './kem.ts';
export type { Opened, Origin, Scope } from './keyring.ts';
export { KEY_LIMITS, type KeyLimits } from './limits.ts';
export { UPGRADE_TIMEOUT_MS } from './post-quantum.ts';
export { RESUMED_AT_ONCE, resumedAt } from './resumed.ts';
export { PREVIOUS_KEPT_MS, REJECT_AFTER_MS, REKEY_AFTER_MS, REKEY_RESPONDER_DELAY_MS } from './secured-peer.ts';
export {
  Sessions,
  type SessionsOptions,
  type SessionsOutput,
} from './sessions.ts';
export type { SessionsStats } from './stats.ts';
export { REJECT_AFTER_MESSAGES, Transport, type TransportKeys, type TransportStats } from './transport.ts';

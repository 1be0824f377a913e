export type { Identity } from '@warren/trust';
export { Initiator, Responder, type HandshakeContext, type HandshakeFailure, mac1, prologue } from './handshake.ts';
export { SessionIndices, readIndex } from './indices.ts';
export {
  HANDSHAKE_TIMEOUT_MS,
  type Opened,
  PREVIOUS_KEPT_MS,
  type PathId,
  REJECT_AFTER_MS,
  REKEY_AFTER_MS,
  Sessions,
  type SessionsOptions,
  type SessionsOutput,
  type SessionsStats,
} from './sessions.ts';
export { REJECT_AFTER_MESSAGES, Transport, type TransportKeys, type TransportStats } from './transport.ts';

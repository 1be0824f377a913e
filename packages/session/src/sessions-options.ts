/** What a session table is made of and what it says: types alone, the table is in `sessions.ts`. */
import type { Identity } from '@warren/trust';
import type { PeerKey } from '@warren/wire';
import type { PathId } from './attempts.ts';
import type { HandshakeContext, HandshakeFailure } from './handshake.ts';
import type { SessionIndices } from './indices.ts';
import type { Kem } from './kem.ts';
import type { Scope } from './keyring.ts';
import type { KeyLimits } from './limits.ts';
import type { Sessions } from './sessions.ts';

/** What a table asks of its driver, or tells it. */
export type SessionsOutput =
  | { readonly kind: 'send'; readonly path: PathId; readonly bytes: Uint8Array }
  /** Keys are there to send under: the first with this peer, after a rekey, an upgrade, or a restart of the peer. */
  | { readonly kind: 'established'; readonly peer: PeerKey; readonly identity: Identity; readonly path: PathId }
  | { readonly kind: 'failed'; readonly to: PeerKey | undefined; readonly reason: HandshakeFailure };

/** What a table needs. */
export interface SessionsOptions extends HandshakeContext {
  readonly indices: SessionIndices<Sessions>;
  readonly self: PeerKey;
  /** `point-to-point` by default. */
  readonly scope?: Scope;
  /** The prologue for a handshake over `path` in which we have `role`. */
  readonly prologueFor: (path: PathId, role: 'initiator' | 'responder') => Uint8Array;
  /**
   * Whom a flood of first messages is charged to, by their path and the neighbour who passed them on; by default that
   * neighbour, else the path. Nobody who receives at one address may be able to choose among many.
   */
  readonly groupOf?: (path: PathId, via: string | undefined) => string;
  /**
   * Where a path names a peer, the path to that peer: whoever passes its datagrams on may name another, which counts
   * only until we know from the keys whose they are. Absent where peers move from path to path.
   */
  readonly pathTo?: (peer: PeerKey) => PathId;
  /** For the upgrade of keys; ML-KEM-768 by default. */
  readonly kem?: Kem;
  /** Tests make them small. */
  readonly limits?: KeyLimits;
}

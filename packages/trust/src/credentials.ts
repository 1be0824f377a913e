/**
 * What a process shows and signs with in one network. The identity key stays
 * with the host: it signed the statement, asynchronously, before this exists.
 */
import type { Leaf } from './certificate.ts';
import type { WorkingStatement } from './statement.ts';
import type { WorkingKeys } from './working-keys.ts';

/** Own certificate, the statement that goes with it, and the keys that the statement binds. */
export interface Credentials {
  readonly leaf: Leaf;
  readonly statement: WorkingStatement;
  readonly keys: WorkingKeys;
}

export {
  Authority,
  type AuthorityOptions,
  type CheckResult,
  CLOCK_SKEW_MS,
  type Identity,
  REVOCATIONS_STALE_MS,
  type Rejection,
} from './authority.ts';
export {
  type AuthorityCertificate,
  type Certificate,
  type CertificateFault,
  isGroupId,
  isLabel,
  LEAF_LIFETIME_MAX_MS,
  type Leaf,
  PUBLIC_COMMON_NAME,
  PUBLIC_GROUP,
  parseLeaf,
  publicKeyFromSpki,
  readAuthority,
  readLeaf,
} from './certificate.ts';
export type { Credentials } from './credentials.ts';
export { encodeLeaf, encodeLeafText, type LeafText } from './leaf-writer.ts';
export {
  decodeRevocationList,
  encodeRevocationList,
  NO_REVOCATIONS,
  REVOKED_MAX,
  type Revocation,
  type RevocationHead,
  type RevocationList,
  RevocationSet,
  revocationHeadText,
  revocationListText,
} from './revocation.ts';
export { encodeRights, RIGHTS, type Right } from './rights.ts';
export {
  decodeStatement,
  encodeStatement,
  STATEMENT_LIFETIME_MAX_MS,
  statementText,
  type WorkingStatement,
} from './statement.ts';
export { areTeams, encodeTeams, isTeam, TEAMS_CHARACTERS_MAX, TEAMS_MAX } from './teams.ts';
export {
  ecdsaFromDer,
  type KeyAlgorithm,
  nobleVerifier,
  type PublicKey,
  SIGNATURE_BYTES,
  type Verifier,
} from './verify.ts';
export {
  eraseWorkingKeys,
  newWorkingKeys,
  signWorking,
  verifyWorking,
  type WorkingKeyPair,
  type WorkingKeys,
} from './working-keys.ts';

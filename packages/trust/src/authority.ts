/**
 * Who is accepted in one network: in a group whoever its CA certifies, in the
 * public overlay whoever holds the key that his peer id is made of. Checks
 * certificate, dates, revocation and working statement in the order of
 * session.md 2.7, and fails closed. Not in here: whether it is the peer one
 * dialled, which `session` compares.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type UnixMs, utf8 } from '@warren/base';
import {
  type AuthorityCertificate,
  type CertificateFault,
  type Leaf,
  PUBLIC_GROUP,
  readAuthority,
  readLeaf,
} from './certificate.ts';
import { RevocationSet } from './revocation.ts';
import { SignatureCache } from './signature-cache.ts';
import { isWellFormed, statementText, type WorkingStatement } from './statement.ts';
import { nobleVerifier, type Verifier } from './verify.ts';

/** Who somebody is, proved. */
export interface Identity {
  readonly leaf: Leaf;
  readonly statement: WorkingStatement;
  /** 32 bytes: the Noise static key that the statement binds. */
  readonly noiseStatic: Uint8Array;
}

/** Why somebody is not accepted. */
export type Rejection =
  | CertificateFault
  | 'wrong-group'
  | 'bad-signature'
  | 'authority-not-yet-valid'
  | 'authority-expired'
  | 'not-yet-valid'
  | 'expired'
  | 'revoked'
  | 'revocations-stale'
  | 'statement-malformed'
  | 'statement-not-yet-valid'
  | 'statement-expired'
  | 'statement-bad-signature';

export type CheckResult =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: Rejection };

/** How an authority may differ from the default. */
export interface AuthorityOptions {
  /** Defaults to noble; `sim` gives a cheap one. */
  readonly verifier?: Verifier;
  /** `strict` accepts nobody while the newest revocation head is older than 48 h; `open`, the default, does. */
  readonly staleness?: 'open' | 'strict';
}

/** By how much clocks may differ. */
export const CLOCK_SKEW_MS = 5 * 60_000;

/** From this age a revocation head counts as stale. */
export const REVOCATIONS_STALE_MS = 48 * 3_600_000;

/** The trust of one network. */
export class Authority {
  /** Group id, or `public`. */
  readonly group: string;
  /** 32 bytes: SHA-256 of the CA's SPKI, or of `warren-public/1`, where it hides nothing. */
  readonly networkKey: Uint8Array;
  readonly revocations: RevocationSet;
  /** Checks signatures and remembers the valid ones; for records too. */
  readonly verifier: Verifier;
  private readonly certificate: AuthorityCertificate | undefined;
  private readonly staleness: 'open' | 'strict';

  private constructor(certificate: AuthorityCertificate | undefined, options: AuthorityOptions) {
    this.certificate = certificate;
    this.staleness = options.staleness ?? 'open';
    this.verifier = new SignatureCache(options.verifier ?? nobleVerifier);
    this.group = certificate?.group ?? PUBLIC_GROUP;
    this.networkKey = sha256(certificate?.spki ?? utf8('warren-public/1'));
    this.revocations = new RevocationSet(this.group, certificate?.publicKey, this.verifier);
  }

  /** The authority of a group from its CA certificate; `undefined` outside the profile or with a wrong signature of its own. */
  static group(caDer: Uint8Array, options: AuthorityOptions = {}): Authority | undefined {
    const certificate = readAuthority(caDer);
    if (typeof certificate === 'string') return undefined;
    const { publicKey, tbs, signature, signatureAlgorithm } = certificate;
    const verifier = options.verifier ?? nobleVerifier;
    if (signatureAlgorithm !== publicKey.algorithm || !verifier.verify(publicKey, tbs, signature)) return undefined;
    return new Authority(certificate, options);
  }

  /** The public overlay: everybody certifies himself. */
  static public(options: AuthorityOptions = {}): Authority {
    return new Authority(undefined, options);
  }

  /**
   * Decides about a participant who showed this leaf (DER) and statement, and
   * uses this Noise static key (32 bytes). For a stored record pass the time at
   * which it was signed.
   */
  check(leafDer: Uint8Array, statement: WorkingStatement, noiseStatic: Uint8Array, now: UnixMs): CheckResult {
    const leaf = readLeaf(leafDer);
    if (typeof leaf === 'string') return { ok: false, reason: leaf };
    const reason = this.leafRejection(leaf, now) ?? this.statementRejection(leaf, statement, noiseStatic, now);
    return reason === undefined ? { ok: true, identity: { leaf, statement, noiseStatic } } : { ok: false, reason };
  }

  /** Whether a leaf alone is acceptable at `now`, before any statement exists. */
  certifies(leaf: Leaf, now: UnixMs): boolean {
    return this.leafRejection(leaf, now) === undefined;
  }

  private leafRejection(leaf: Leaf, now: UnixMs): Rejection | undefined {
    if (leaf.group !== this.group) return 'wrong-group';
    const issuer = this.certificate?.publicKey ?? leaf.publicKey;
    if (leaf.signatureAlgorithm !== issuer.algorithm) return 'bad-signature';
    if (!this.verifier.verify(issuer, leaf.tbs, leaf.signature)) return 'bad-signature';
    if (this.certificate !== undefined && now < this.certificate.notBefore - CLOCK_SKEW_MS)
      return 'authority-not-yet-valid';
    if (this.certificate !== undefined && now > this.certificate.notAfter + CLOCK_SKEW_MS) return 'authority-expired';
    if (!(now >= leaf.notBefore - CLOCK_SKEW_MS)) return 'not-yet-valid';
    if (!(now <= leaf.notAfter + CLOCK_SKEW_MS)) return 'expired';
    if (this.revocations.isRevoked(leaf)) return 'revoked';
    const isStale = this.certificate !== undefined && this.revocations.ageMs(now) > REVOCATIONS_STALE_MS;
    return isStale && this.staleness === 'strict' ? 'revocations-stale' : undefined;
  }

  private statementRejection(
    leaf: Leaf,
    statement: WorkingStatement,
    noiseStatic: Uint8Array,
    now: UnixMs,
  ): Rejection | undefined {
    if (!isWellFormed(statement) || noiseStatic.length !== 32) return 'statement-malformed';
    if (statement.algorithm !== leaf.publicKey.algorithm) return 'statement-malformed';
    if (now < statement.notBefore - CLOCK_SKEW_MS) return 'statement-not-yet-valid';
    if (now > statement.notAfter + CLOCK_SKEW_MS) return 'statement-expired';
    const text = statementText(leaf.tbsHash, noiseStatic, statement);
    return this.verifier.verify(leaf.publicKey, text, statement.signature) ? undefined : 'statement-bad-signature';
  }
}

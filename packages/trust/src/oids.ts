/**
 * The object identifiers and fixed values of our certificate profile, as DER
 * elements: they are compared, never interpreted.
 */
import { fromHex } from '@warren/base';

/** id-at-commonName 2.5.4.3. */
export const OID_COMMON_NAME = hex('0603550403');
/** id-at-organizationalUnitName 2.5.4.11. */
export const OID_ORGANIZATIONAL_UNIT = hex('060355040b');
/** id-ce-subjectDirectoryAttributes 2.5.29.9. */
export const OID_SUBJECT_DIRECTORY_ATTRIBUTES = hex('0603551d09');
/** id-ce-subjectKeyIdentifier 2.5.29.14. */
export const OID_SUBJECT_KEY_ID = hex('0603551d0e');
/** id-ce-keyUsage 2.5.29.15. */
export const OID_KEY_USAGE = hex('0603551d0f');
/** id-ce-subjectAltName 2.5.29.17. */
export const OID_SUBJECT_ALT_NAME = hex('0603551d11');
/** id-ce-basicConstraints 2.5.29.19. */
export const OID_BASIC_CONSTRAINTS = hex('0603551d13');
/** id-ce-authorityKeyIdentifier 2.5.29.35. */
export const OID_AUTHORITY_KEY_ID = hex('0603551d23');

/**
 * Our rights extension: 2.25.111428385103394236410241794686194303838, that is the UUID
 * 53d4538b-d6f4-4ef8-833e-cd4d1ed8435e, drawn at random for this purpose. Anybody may name things below 2.25 by a UUID
 * of his own, without a registry (ITU-T X.667 section 7).
 */
export const OID_RIGHTS = hex('06146981a7d4a9e2faefa2bbf1839fb3a9d1f6e1865e');

/** AlgorithmIdentifier id-Ed25519 1.3.101.112, no parameters (RFC 8410 section 3). */
export const ALGORITHM_ED25519 = hex('300506032b6570');
/** AlgorithmIdentifier ecdsa-with-SHA256 1.2.840.10045.4.3.2, no parameters (RFC 5758 section 3.2). */
export const ALGORITHM_ECDSA_SHA256 = hex('300a06082a8648ce3d040302');

/** All of an Ed25519 SubjectPublicKeyInfo before its 32-byte key (RFC 8410 section 4). */
export const SPKI_ED25519_HEAD = hex('302a300506032b6570032100');
/** All of an uncompressed P-256 SubjectPublicKeyInfo before its 65-byte point (RFC 5480 section 2). */
export const SPKI_P256_HEAD = hex('3059301306072a8648ce3d020106082a8648ce3d030107034200');

/** BasicConstraints with cA FALSE, which DER leaves out. */
export const BASIC_CONSTRAINTS_LEAF = hex('3000');
/** BasicConstraints cA TRUE, pathLenConstraint 0. */
export const BASIC_CONSTRAINTS_AUTHORITY = hex('30060101ff020100');
/** KeyUsage digitalSignature. */
export const KEY_USAGE_LEAF = hex('03020780');
/** KeyUsage keyCertSign, cRLSign. */
export const KEY_USAGE_AUTHORITY = hex('03020106');

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

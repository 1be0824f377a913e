/**
 * x509-limbo test cases (C2SP/x509-limbo, limbo-schema.json) through the trust
 * of a group: `Authority.group` for each trusted certificate, then the leaf at
 * the time of the case. Our profile is narrow, so nearly all foreign cases that
 * should succeed are outside it; none that should fail may pass. Cases with the
 * feature `warren-profile`, ours, are inside, and must get what they expect.
 */
import { type UnixMs, utf8 } from '@warren/base';
import { Authority, readAuthority, readLeaf, type WorkingStatement } from '@warren/trust';
import type { Implementation } from './implementations.ts';
import { type Json, object, objects, text } from './json.ts';
import { ACCEPTED, type Behaviour, FormatError, type Vector } from './report.ts';

/** Marks a case that our profile has an opinion about. */
export const PROFILE_FEATURE = 'warren-profile';

const EXPECTED = { SUCCESS: 'accepted', FAILURE: 'refused' } as const;
const PEM = /^-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----\s*$/;

/** Reads `limbo.json`, or a part of it. */
export function limboVectors(json: unknown): Vector[] {
  const cases = objects(object(json).testcases);
  if (cases === undefined) throw new FormatError('it has no list `testcases`: give limbo.json of C2SP/x509-limbo');
  return cases.map(testcase => {
    const id = text(testcase, 'id') || 'unnamed';
    const result = text(testcase, 'expected_result');
    if (!Object.hasOwn(EXPECTED, result)) throw new FormatError(`${id} expects ${JSON.stringify(result)}`);
    const expected = EXPECTED[result as keyof typeof EXPECTED];
    return { id, expected, behave: implementation => behaviour(testcase, expected, implementation) };
  });
}

function behaviour(testcase: Json, expected: Vector['expected'], { verifier }: Implementation): Behaviour {
  const why = refusal(testcase, verifier);
  if (why === undefined) return ACCEPTED;
  const isOurs = Array.isArray(testcase.features) && testcase.features.includes(PROFILE_FEATURE);
  return expected === 'accepted' && !isOurs
    ? { kind: 'outside', why: `outside our profile: ${why}` }
    : { kind: 'refused', why };
}

/** Why nobody who trusts these certificates accepts the leaf; `undefined` if somebody does. */
function refusal(testcase: Json, verifier: Implementation['verifier']): string | undefined {
  const now = timeOf(testcase);
  const leaf = certificate(testcase.peer_certificate);
  const trusted = Array.isArray(testcase.trusted_certs) ? testcase.trusted_certs : [];
  if (leaf === undefined) return 'leaf is no PEM';
  // The leaf first: what is wrong with it says more than what is wrong with a foreign CA.
  const read = readLeaf(leaf);
  if (typeof read === 'string') return `leaf ${read}`;
  let why = 'no trusted certificate';
  for (const pem of trusted) {
    const reason = underAuthority(certificate(pem), leaf, now, verifier);
    if (reason === undefined) return undefined;
    why = reason;
  }
  return why;
}

function underAuthority(
  ca: Uint8Array | undefined,
  leaf: Uint8Array,
  now: UnixMs,
  verifier: Implementation['verifier'],
): string | undefined {
  if (ca === undefined) return 'authority is no PEM';
  const authority = Authority.group(ca, { verifier });
  if (authority === undefined) {
    const fault = readAuthority(ca);
    return `authority ${typeof fault === 'string' ? fault : 'bad-signature'}`;
  }
  const read = readLeaf(leaf);
  if (typeof read !== 'string' && authority.certifies(read, now)) return undefined;
  // The same check names its reason; it comes to the statement only behind an accepted leaf.
  const checked = authority.check(leaf, NO_STATEMENT, new Uint8Array(32), now);
  const reason = checked.ok ? 'statement' : checked.reason;
  return reason.startsWith('statement') ? 'certified and refused at once' : reason;
}

const NO_STATEMENT: WorkingStatement = {
  workingKey: utf8(''),
  notBefore: 0,
  notAfter: 0,
  algorithm: 'ed25519',
  signature: utf8(''),
};

/** Without a time, a case is about now. */
function timeOf(testcase: Json): UnixMs {
  const given = text(testcase, 'validation_time');
  return given === '' ? Date.now() : Date.parse(given);
}

function certificate(pem: unknown): Uint8Array | undefined {
  const [, base64] = PEM.exec(typeof pem === 'string' ? pem.trim() : '') ?? [];
  return base64 === undefined ? undefined : new Uint8Array(Buffer.from(base64, 'base64'));
}

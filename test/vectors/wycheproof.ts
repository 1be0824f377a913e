/**
 * Wycheproof vectors (C2SP/wycheproof; folder testvectors_v1 and the older
 * testvectors): groups of one type each, tests with `valid`, `invalid` or
 * `acceptable`. Each goes through the function that the product calls; what it
 * does not use is left out, with the reason.
 */

import type { Implementation } from './implementations.ts';
import { type Json, number, object, objects, text } from './json.ts';
import { type Behaviour, FormatError, type Vector } from './report.ts';
import { aeadBehaviour, aeadSkip } from './wycheproof-aead.ts';
import { agreementBehaviour, agreementSkip } from './wycheproof-agreement.ts';
import { hkdfBehaviour, macBehaviour, macSkip } from './wycheproof-derivation.ts';
import { signatureBehaviour, signatureSkip } from './wycheproof-signature.ts';

/** One test with the group and the file around it. */
export interface Test {
  readonly algorithm: string;
  readonly group: Json;
  readonly test: Json;
}

/** How one type of group is run. */
interface GroupType {
  /** Why a test is not run; `undefined` if it is. */
  readonly skip: (test: Test) => string | undefined;
  readonly behave: (test: Test, implementation: Implementation) => Behaviour;
}

const SIGNATURE: GroupType = { skip: signatureSkip, behave: signatureBehaviour };
const AGREEMENT: GroupType = { skip: agreementSkip, behave: agreementBehaviour };
const TYPES: Readonly<Record<string, GroupType>> = {
  AeadTest: { skip: aeadSkip, behave: aeadBehaviour },
  XdhComp: AGREEMENT,
  XdhAsnComp: AGREEMENT,
  XdhPemComp: AGREEMENT,
  XdhJwkComp: AGREEMENT,
  EddsaVerify: SIGNATURE,
  EcdsaVerify: SIGNATURE,
  EcdsaP1363Verify: SIGNATURE,
  HkdfTest: { skip: notOurs('HKDF-SHA-256'), behave: hkdfBehaviour },
  MacTest: { skip: macSkip, behave: macBehaviour },
};

const EXPECTED = { valid: 'accepted', invalid: 'refused', acceptable: 'either' } as const;

/** Reads one file. */
export function wycheproofVectors(json: unknown): Vector[] {
  const groups = objects(object(json).testGroups);
  if (groups === undefined) {
    throw new FormatError('it has no list `testGroups`: give a file of testvectors_v1 of C2SP/wycheproof');
  }
  const algorithm = text(object(json), 'algorithm');
  return groups.flatMap(group =>
    (objects(group.tests) ?? []).map(test => vectorOf({ algorithm: algorithm || 'unnamed', group, test })),
  );
}

function vectorOf(test: Test): Vector {
  const name = text(test.group, 'type');
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  const result = text(test.test, 'result');
  const expected = Object.hasOwn(EXPECTED, result) ? EXPECTED[result as keyof typeof EXPECTED] : undefined;
  const id = `tcId ${number(test.test, 'tcId')} ${text(test.test, 'comment')}`.trim();
  if (expected === undefined) throw new FormatError(`${id} has the result ${JSON.stringify(result)}`);
  const skip = type === undefined ? `${test.algorithm} (${name || 'no type'}) is not in the product` : type.skip(test);
  const behave = (implementation: Implementation): Behaviour =>
    type === undefined ? { kind: 'absent' } : type.behave(test, implementation);
  return { id, expected, behave, ...(skip === undefined ? {} : { skip }) };
}

function notOurs(ours: string): GroupType['skip'] {
  return ({ algorithm }) => (algorithm === ours ? undefined : `${algorithm}: the product has ${ours} only`);
}

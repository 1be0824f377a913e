/** Simulated certificates are inside the profile, and follow from their seed. */
import { Authority, parseLeaf } from '@warren/trust';
import { expect, test } from 'vitest';
import { simAuthority, simCredentials, simMember, simStranger } from './certificates.ts';
import { SeededRandom } from './random.ts';
import { cheapCrypto } from './sim-crypto.ts';
import { EPOCH_UNIX_MS } from './world.ts';

const random = () => new SeededRandom(4, 'certificates');
const CA = simAuthority(random(), EPOCH_UNIX_MS);

test('a member is accepted by its group, and by no other', () => {
  const member = simMember(CA, { user: 'ada', device: 'laptop' }, random(), EPOCH_UNIX_MS);
  const credentials = simCredentials(member, random(), EPOCH_UNIX_MS);
  const check = (authority: Authority | undefined) =>
    authority?.check(member.leaf, credentials.statement, credentials.keys.noise.public, EPOCH_UNIX_MS);
  expect(check(Authority.group(CA.der))).toMatchObject({
    ok: true,
    identity: { leaf: { user: 'ada', device: 'laptop' } },
  });
  const other = simAuthority(new SeededRandom(5), EPOCH_UNIX_MS);
  expect(check(Authority.group(other.der))).toEqual({ ok: false, reason: 'wrong-group' });
});

test('a stranger is accepted by the public overlay', () => {
  const stranger = simStranger(random(), EPOCH_UNIX_MS);
  const credentials = simCredentials(stranger, random(), EPOCH_UNIX_MS);
  const { statement, keys } = credentials;
  expect(Authority.public().check(stranger.leaf, statement, keys.noise.public, EPOCH_UNIX_MS)).toMatchObject({
    ok: true,
  });
});

test('two runs of one identity have one peer id and other working keys', () => {
  const member = simMember(CA, { user: 'ada', device: 'laptop' }, random(), EPOCH_UNIX_MS);
  const [first, second] = [1, 2].map(run => simCredentials(member, new SeededRandom(run), EPOCH_UNIX_MS));
  expect(first?.leaf.peerId).toEqual(second?.leaf.peerId);
  expect(first?.keys.noise.public).not.toEqual(second?.keys.noise.public);
});

test('the same seed gives the same certificate, with the peer id that was asked for', () => {
  const peerId = new Uint8Array(20).fill(9);
  const [one, two] = [1, 2].map(() => simMember(CA, { user: 'ada', device: 'x', peerId }, random(), EPOCH_UNIX_MS));
  expect(one).toEqual(two);
  expect(parseLeaf(one?.leaf ?? new Uint8Array(0))?.peerId).toEqual(peerId);
});

test('certificates and statements of cheap cryptography pass the same checks, and not those of the real one', () => {
  const random = new SeededRandom(3);
  const authority = simAuthority(random, EPOCH_UNIX_MS, cheapCrypto);
  const credentials = simCredentials(
    simMember(authority, { user: 'carol', device: 'tablet' }, random, EPOCH_UNIX_MS),
    random,
    EPOCH_UNIX_MS,
  );
  const { leaf, statement, keys } = credentials;
  const trust = Authority.group(authority.der, { verifier: cheapCrypto.verifier() });
  expect(trust?.check(leaf.der, statement, keys.noise.public, EPOCH_UNIX_MS).ok).toBe(true);
  expect(
    trust?.check(leaf.der, { ...statement, notAfter: statement.notAfter - 1 }, keys.noise.public, EPOCH_UNIX_MS).ok,
  ).toBe(false);
  expect(trust?.check(leaf.der, statement, keys.signing.public, EPOCH_UNIX_MS).ok).toBe(false);
  expect(Authority.group(authority.der)).toBeUndefined();
});

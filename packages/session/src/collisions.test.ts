/** Whatever a network does to two who call each other at once, they end with one session (faults row 43). */
import { nobleSuite } from '@warren/noise';
import { SeededRandom, simAuthority, simCredentials, simMember, simVerifier } from '@warren/sim';
import { Authority } from '@warren/trust';
import { expect, test } from 'vitest';
import { cheapSuite, explore, faultOf, type Mishaps } from './collisions.ts';
import { type EndOptions, TESTBED_UNIX_MS } from './testbed.ts';

const verifier = simVerifier();
const CA = simAuthority(new SeededRandom(1, 'collisions'), TESTBED_UNIX_MS);
const AUTHORITY = Authority.group(CA.der, { verifier }) as Authority;
const MEMBERS = { a: member('a'), b: member('b') };
const SUITE = cheapSuite(nobleSuite(), [MEMBERS.a.keys.noise, MEMBERS.b.keys.noise]);

const NOTHING: Mishaps = { losses: 0, duplicates: 0, alarms: 0 };

test.each([
  ['in any order', NOTHING, [1, 2, 3]],
  ['with one lost', { ...NOTHING, losses: 1 }, [1, 2, 3]],
  ['with one twice', { ...NOTHING, duplicates: 1 }, [1]],
])(
  'faults #43 both calling at once, datagrams %s: one session, on which both agree, and data flows',
  (_, mishaps, seeds) => {
    for (const seed of seeds) {
      const faults: string[] = [];
      const runs = explore(
        name => options(name, seed),
        mishaps,
        20,
        run => {
          const fault = faultOf(run);
          if (fault !== undefined) faults.push(fault);
        },
      );
      expect(runs).toBeGreaterThan(3);
      expect(faults).toEqual([]);
    }
  },
);

function member(name: string) {
  const identity = simMember(CA, { user: name, device: name }, new SeededRandom(7, name), TESTBED_UNIX_MS);
  return simCredentials(identity, new SeededRandom(8, name), TESTBED_UNIX_MS);
}

function options(name: 'a' | 'b', seed: number): EndOptions {
  const random = new SeededRandom(seed, name);
  return { suite: SUITE, authority: AUTHORITY, credentials: MEMBERS[name], random };
}

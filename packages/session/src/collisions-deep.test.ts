/** The same as `collisions.test.ts` with several mishaps in one run (faults row 43): a minute or two, so in the project `real`. */
import { nobleSuite } from '@warren/noise';
import { SeededRandom, simAuthority, simCredentials, simMember, simVerifier } from '@warren/sim';
import { Authority } from '@warren/trust';
import { expect, test } from 'vitest';
import { cheapSuite, explore, faultOf } from './collisions.ts';
import { type EndOptions, TESTBED_UNIX_MS } from './testbed.ts';

const verifier = simVerifier();
const CA = simAuthority(new SeededRandom(1, 'collisions'), TESTBED_UNIX_MS);
const AUTHORITY = Authority.group(CA.der, { verifier }) as Authority;
const MEMBERS = { a: member('a'), b: member('b') };
const SUITE = cheapSuite(nobleSuite(), [MEMBERS.a.keys.noise, MEMBERS.b.keys.noise]);

// After the first datagrams, as many as the depth says, all others arrive in order.
test.each([
  [{ losses: 1, duplicates: 1, alarms: 0 }, 11],
  [{ losses: 0, duplicates: 1, alarms: 1 }, 8],
  [{ losses: 1, duplicates: 0, alarms: 1 }, 13],
  [{ losses: 0, duplicates: 0, alarms: 2 }, 10],
])(
  'faults #43 both calling at once, at most %o among the first %i datagrams: one session in the end',
  (mishaps, depth) => {
    for (const seed of [1, 2]) {
      const faults: string[] = [];
      const runs = explore(
        name => options(name, seed),
        mishaps,
        depth,
        run => {
          const fault = faultOf(run);
          if (fault !== undefined) faults.push(fault);
        },
      );
      expect(runs).toBeGreaterThan(10);
      expect(faults.slice(0, 3)).toEqual([]);
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

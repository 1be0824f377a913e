/** A table asks for no tick later than all its deadlines, looked at one by one, would have it. */
import { earliest, type NextDeadline, utf8 } from '@warren/base';
import { cheapCrypto, SeededRandom, simAuthority, simParty } from '@warren/sim';
import { expect, test } from 'vitest';
import type { Keyring } from './keyring.ts';
import type { Upgrades } from './post-quantum.ts';
import { type End, type EndOptions, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'deadlines'), TESTBED_UNIX_MS, cheapCrypto);
const NAMES = ['a', 'b', 'c', 'd'] as const;

test('is never later than the true one, and the true one after a tick, whatever happens', () => {
  for (let seed = 0; seed < 4; seed++) {
    const chance = new SeededRandom(seed, 'deadlines');
    const bed = new Testbed();
    const scope = seed % 2 === 0 ? 'end-to-end' : 'point-to-point';
    const postQuantum = seed % 3 === 0 ? 'off' : 'on';
    const ends = NAMES.map(name => bed.add(name, { ...options(name, seed), scope, postQuantum }));
    bed.fate = () => (chance.unit() < 0.2 ? [] : [5 + chance.unit() * 100]);
    for (let step = 0; step < 250; step++) {
      act(bed, ends, chance);
      for (const end of ends) expect(asked(end), `seed ${seed}, step ${step}`).toBeLessThanOrEqual(naive(end));
      bed.run(chance.unit() * (chance.unit() < 0.1 ? 200_000 : 3000));
      for (const end of ends) {
        expect(asked(end), `seed ${seed}, step ${step}`).toBeLessThanOrEqual(naive(end));
        end.sessions.tick(bed.now);
        bed.drain(end);
        expect(asked(end), `seed ${seed}, step ${step}, after a tick`).toBe(naive(end));
      }
    }
  }
});

function act(bed: Testbed, ends: readonly End[], chance: SeededRandom): void {
  const pick = () => ends[Math.floor(chance.unit() * ends.length)] as End;
  const [from, to] = [pick(), pick()];
  if (from === to) return;
  const kind = chance.unit();
  if (kind < 0.3) bed.connect(from, to, `${to.name}/1`);
  else if (kind < 0.9) bed.say(from, to, `${to.name}/1`, utf8('hello'));
  else if (kind < 0.95) from.sessions.forget(to.peer);
  else from.sessions.resume(bed.now);
}

/** What the sessions of an end ask for, without its calls. */
function asked(end: End): number {
  return keyringOf(end).wakeAt ?? Number.POSITIVE_INFINITY;
}

/** The same, by looking at all of them. */
function naive(end: End): number {
  const keyring = keyringOf(end);
  const upgrades = Reflect.get(keyring, 'upgrades') as Upgrades;
  return earliest(lookAtAll(keyring), lookAtAll(upgrades)) ?? Number.POSITIVE_INFINITY;
}

function keyringOf({ sessions }: End): Keyring {
  return Reflect.get(sessions, 'keyring') as Keyring;
}

function lookAtAll(machine: Keyring | Upgrades): number | undefined {
  const deadline = Reflect.get(machine, 'deadline') as NextDeadline;
  return (Reflect.get(deadline, 'find') as () => number | undefined)();
}

function options(name: string, seed: number): EndOptions {
  return simParty(CA, name, new SeededRandom(seed, name), TESTBED_UNIX_MS);
}

/**
 * Wrong clocks and certificates that run out, in virtual time (session.md 2.2,
 * 2.7). A failing story names its seed.
 */
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { describe, expect, test } from 'vitest';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const HOURS_PER_DAY = 24;

describe('a clock that is wrong', () => {
  test('faults #33 by less than five minutes harms nothing; by more it is named, and all is well once it is set', () => {
    const table = ['clock      linked  problem named         linked once set'];
    for (const [name, wrongByMs] of [
      ['+1 min', MINUTE_MS],
      ['-1 min', -MINUTE_MS],
      ['+4 min', 4 * MINUTE_MS],
      ['-4 min', -4 * MINUTE_MS],
      ['+11 min', 11 * MINUTE_MS],
      ['-11 min', -11 * MINUTE_MS],
      ['+1 day', DAY_MS],
      ['-1 day', -DAY_MS],
      ['+10 years', 3652 * DAY_MS],
      ['-10 years', -3652 * DAY_MS],
    ] as const) {
      const { village, members } = meet(401, ['edge', 'edge']);
      const wrong = village.edge('wrong');
      wrong.host.clock.wrongByMs = wrongByMs;
      wrong.join();
      village.world.run(45 * SECOND_MS);
      const isLinked = wrong.friends.length === members.length;
      const { problem = '-' } = wrong.view;
      for (const member of members)
        expect(member.view.problem, `${name}: those whose clocks are right`).toBe(undefined);
      wrong.host.clock.wrongByMs = 0;
      const isMended = until(village, 90 * SECOND_MS, () => wrong.friends.length === members.length);
      expect(wrong.view.problem ?? '-', name).toBe('-');
      table.push([name.padEnd(10), yes(isLinked).padEnd(7), problem.padEnd(21), yes(isMended)].join(' '));
    }
    expect(`\n${table.join('\n')}\n`).toMatchInlineSnapshot(`
      "
      clock      linked  problem named         linked once set
      +1 min     yes     -                     yes
      -1 min     yes     -                     yes
      +4 min     yes     -                     yes
      -4 min     yes     -                     yes
      +11 min    no      clock                 yes
      -11 min    no      clock                 yes
      +1 day     no      clock                 yes
      -1 day     no      clock                 yes
      +10 years  no      certificate-expired   yes
      -10 years  no      clock                 yes
      "
    `);
  });
});

describe('a certificate', () => {
  test('faults #10 #27 renewed in time, twice, costs no datagram of a steady flow', () => {
    const { village, members } = meet(402, ['edge', 'edge']);
    const [a, b] = members as [Resident, Resident];
    // For an hour, certificates are good for half an hour and renewed after twenty minutes.
    const hours = 0.5;
    for (const member of members) member.renew(member.certificate(hours / HOURS_PER_DAY));
    let sent = 0;
    const before = a.pongs.length;
    for (let second = 1; second <= 3600; second++) {
      if (second % 1200 === 0) for (const member of members) member.renew(member.certificate(hours / HOURS_PER_DAY));
      if (a.ping(b)) sent++;
      village.world.run(SECOND_MS);
    }
    village.world.run(SECOND_MS);
    expect(a.pongs.length - before, 'seed 402').toBe(sent);
    expect(sent).toBe(3600);
  });

  test('faults #10 #33 that runs out cuts its holder off within ten minutes, who says so, and is back once it is renewed', () => {
    const { village, members } = meet(403, ['edge', 'edge', 'edge']);
    const [a, b, c] = members as [Resident, Resident, Resident];
    c.renew(c.certificate(20 / 60 / HOURS_PER_DAY));
    // The site is down: nobody renews, and nobody minds while certificates are good.
    village.world.run(19 * MINUTE_MS);
    expect(c.friends).toEqual([a.name, b.name]);
    // Five minutes of skew, and at most as long as keys live.
    village.world.run(16 * MINUTE_MS);
    expect(c.friends).toEqual([]);
    expect(c.view.problem).toBe('certificate-expired');
    expect([a.friends, b.friends]).toEqual([[b.name], [a.name]]);
    const pongs = a.pongs.length;
    a.ping(b);
    village.world.run(SECOND_MS);
    expect(a.pongs.length).toBe(pongs + 1);
    // Setting its own clock back helps nobody.
    c.host.clock.wrongByMs = -30 * MINUTE_MS;
    village.world.run(2 * MINUTE_MS);
    expect(c.friends).toEqual([]);
    c.host.clock.wrongByMs = 0;
    c.renew(c.certificate(30));
    expect(
      until(village, MINUTE_MS, () => c.friends.length === 2),
      'seed 403: linked again',
    ).toBe(true);
    expect(c.view.problem).toBe(undefined);
  });
});

function yes(is: boolean): string {
  return is ? 'yes' : 'no';
}

/** A village whose members have met: names are kinds with numbers. */
function meet(seed: number, kinds: readonly ('edge' | 'browser')[]) {
  const village = new Village(seed, {}, cheapCrypto);
  village.bootstrap('well');
  const members = kinds.map((kind, i) => village[kind](`${kind}${i}`));
  for (const member of members) member.join();
  const isWhole = () => members.every(member => member.friends.length === members.length - 1);
  expect(until(village, 20 * SECOND_MS, isWhole), `seed ${seed}: a whole mesh`).toBe(true);
  village.world.run(10 * SECOND_MS);
  return { village, members };
}

/** Runs until `condition` holds, at most `ms`; tells whether it did. */
function until(village: Village, ms: number, condition: () => boolean): boolean {
  const end = village.world.now + ms;
  while (!condition() && village.world.now < end) village.world.run(100);
  return condition();
}

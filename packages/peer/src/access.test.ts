/** Rules about users and teams, one by one and together. */
import { describe, expect, test } from 'vitest';
import { type Access, hasRules, letsIn, type RuledMember } from './access.ts';

const ADA: RuledMember = { user: 'ada', teams: ['ops', 'staff'] };
const BOB: RuledMember = { user: 'bob', teams: ['staff'] };
const EVE: RuledMember = { user: 'eve', teams: [] };
/** Her certificate is older than the last change of her teams. */
const OLD_EVE: RuledMember = { user: 'eve', teams: undefined };

describe('rules let in', () => {
  test.each<[string, Access, readonly RuledMember[]]>([
    ['everybody where there are none', {}, [ADA, BOB, EVE, OLD_EVE]],
    ['everybody where all are empty', { onlyUsers: [], onlyTeams: [] }, [ADA, BOB, EVE, OLD_EVE]],
    ['some users only', { onlyUsers: ['bob'] }, [BOB]],
    ['all but some users', { notUsers: ['bob'] }, [ADA, EVE, OLD_EVE]],
    ['some teams only', { onlyTeams: ['ops', 'none'] }, [ADA]],
    ['all but some teams, and those whose teams are not known', { notTeams: ['ops'] }, [BOB, EVE]],
    ['who is among the users or in the teams', { onlyUsers: ['eve'], onlyTeams: ['ops'] }, [ADA, EVE, OLD_EVE]],
    ['a team but for some of its users', { onlyTeams: ['staff'], notUsers: ['ada'] }, [BOB]],
    ['a team but for who is in another', { onlyTeams: ['staff'], notTeams: ['ops'] }, [BOB]],
    ['no user of a team that is out', { onlyUsers: ['ada', 'eve'], notTeams: ['ops'] }, [EVE]],
  ])('%s', (_, access, expected) => {
    expect([ADA, BOB, EVE, OLD_EVE].filter(member => letsIn(access, member))).toEqual(expected);
  });
});

test('an empty list is no rule', () => {
  expect([{}, { onlyUsers: [], notTeams: [] }].some(hasRules)).toBe(false);
  expect([{ notUsers: ['eve'] }, { onlyTeams: ['ops'] }].every(hasRules)).toBe(true);
});

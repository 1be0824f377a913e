/** Which relays are tried, dropped and left: the search alone, without links (faults rows 23, 77). */
import { describe, expect, test } from 'vitest';
import { type RelayCandidate, type RelayPathState, RelaySearch, TRIAL_MS } from './relay-search.ts';

const CANDIDATE: RelayCandidate = { peer: 'c', willingness: 'always', since: 0, rttMs: 10 };

describe('a relay that has not answered', () => {
  test('is dropped where we chose it and its time is over', () => {
    const search = new RelaySearch(0);
    expect(plan(search, undefined, 0).tries).toEqual(['c']);
    const ours = { proven: false, leastRttMs: undefined, isGuest: false };
    expect(plan(search, ours, TRIAL_MS - 1).drops).toEqual([]);
    expect(plan(search, ours, TRIAL_MS)).toEqual({ tries: [], drops: ['c'], leaves: [] });
  });

  test('is tried where the neighbour uses it, however long ago we tried it last', () => {
    const search = new RelaySearch(0);
    expect(plan(search, undefined, 0).tries).toEqual(['c']);
    plan(search, { proven: true, leastRttMs: 20, isGuest: false }, 500);
    // The path was lost, and a datagram of the neighbour's comes through the relay.
    const guest = { proven: false, leastRttMs: undefined, isGuest: true };
    expect(plan(search, guest, 60_000)).toEqual({ tries: ['c'], drops: [], leaves: [] });
  });
});

/** What is to be done where the path through the one candidate is as given; `undefined`: there is none. */
function plan(search: RelaySearch, path: RelayPathState | undefined, now: number) {
  const paths = new Map(path === undefined ? [] : [[CANDIDATE.peer, path] as const]);
  return search.plan([CANDIDATE], paths, undefined, 'latency', now);
}

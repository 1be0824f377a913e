import { describe, expect, test } from 'vitest';
import type { CrawledPeerView, CrawlView, GroupView, LinkView, MemberView } from './mesh.ts';
import { mainRole, placeWords, ringScene, stepped } from './ring-scene.ts';

const ids = ['0', '4', '8', 'c'].map(digit => digit.repeat(40)) as [string, string, string, string];
const [self, right, across, left] = ids;

describe('what the ring map shows', () => {
  test('without a walk: members who are there, in the order of the ring, and our own links by what they are for', () => {
    const members = [member(across), member(self, { self: true }), member(right, { online: false }), member(left)];
    const scene = ringScene(group(members, [link(across, ['far']), link(left, ['leaf', 'near'])]));
    expect(scene.places.map(({ peerId }) => peerId)).toEqual([self, across, left]);
    expect(scene.lines).toEqual([
      { from: self, to: across, role: 'far', kind: 'udp' },
      { from: self, to: left, role: 'near', kind: 'udp' },
    ]);
  });

  test('after a walk: everybody who was asked, and the near links of others, each once and ours not twice', () => {
    const peers = [
      crawled(self, [right], [left]),
      crawled(right, [across], [self]),
      crawled(across, [left], [right]),
      crawled(left, [self], [across]),
    ];
    const scene = ringScene(group([member(self, { self: true })], [link(right, ['near'])]), walk(peers));
    expect(scene.places.map(({ name }) => name)).toEqual(['m0.ada', 'm4.ada', 'm8.ada', 'mc.ada']);
    expect(scene.lines).toEqual([
      { from: right, to: across, role: 'near' },
      { from: across, to: left, role: 'near' },
      { from: self, to: right, role: 'near', kind: 'udp' },
    ]);
  });

  test('who sleeps is dimmed, and who was named but does not answer is shown as silent', () => {
    const peers = [crawled(self, [right], []), { ...crawled(right, [], []), resting: true }];
    const silent = { kind: 'silent', at: across, expected: right, text: '' } as const;
    const scene = ringScene(group([member(self, { self: true })], []), { ...walk(peers), inconsistencies: [silent] });
    expect(scene.places.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'm0.ada awake',
      'm4.ada asleep',
      '88888888… silent',
    ]);
  });

  test('a member is told in words: what it is, how we reach it, what it carries', () => {
    const members = [member(self, { self: true }), member(right, { kind: 'browser' }), member(left)];
    const peers = [crawled(right, [], []), { ...crawled(left, [], []), resting: true, rttMs: 41.6, links: 1 }];
    const scene = ringScene(group(members, [link(right, ['on-demand'])]), walk(peers));
    expect(scene.places.map(place => placeWords(place).join(' · '))).toEqual([
      'Linux machine · this tab',
      'browser tab · direct (UDP), 3.2 ms · for traffic · 4 links, 7 records',
      'Linux machine · in the background · no link to this tab · 42 ms over others · 1 link, 7 records',
    ]);
    expect(mainRole([])).toBe('leaf');
  });

  test('by keyboard: arrows go round the ring, Home to this tab, Escape to nobody', () => {
    const scene = ringScene(group([member(self, { self: true }), member(right), member(left)], []));
    const after = (...keys: string[]) =>
      keys.reduce<string | undefined>((at, key) => (stepped(scene, at, key) ?? { to: at }).to, undefined);
    expect([after('ArrowRight'), after('Home', 'ArrowUp'), after('Home', 'ArrowDown')]).toEqual([self, left, right]);
    expect([after('Home', 'x'), after('Home', 'ArrowDown', 'Escape')]).toEqual([self, undefined]);
    // Whatever the map stands in may have a use for it.
    expect(stepped(scene, undefined, 'Escape')).toBeUndefined();
  });
});

function member(peerId: string, more: Partial<MemberView> = {}): MemberView {
  const [device, user] = [`m${peerId[0]}`, 'ada'];
  const name = `${device}.${user}`;
  return { peerId, name, device, user, kind: 'edge', rights: [], self: false, online: true, ...more };
}

function link(peerId: string, roles: LinkView['roles']): LinkView {
  return { peerId, kind: 'udp', rttMs: 3.2, roles, pq: false, sentBytes: 0, receivedBytes: 0 };
}

function crawled(peerId: string, successors: string[], predecessors: string[]): CrawledPeerView {
  const counts = { links: 4, recordsHeld: 7, resting: false };
  return { peerId, name: `m${peerId[0]}.ada`, kind: 'edge', ...counts, successors, predecessors };
}

function walk(peers: readonly CrawledPeerView[]): CrawlView {
  return { peers, inconsistencies: [], complete: true, tookMs: 1 };
}

function group(members: readonly MemberView[], links: readonly LinkView[]): GroupView {
  const view = { group: 'g', name: 'Home', subnet: '', postQuantum: 'on', state: 'connected' } as const;
  const self = members.find(each => each.self) as MemberView;
  return { ...view, self, members, links, recordsHeld: 0, forwarded: 0 };
}

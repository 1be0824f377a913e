import { expect, test } from 'vitest';
import { isConnected, msText, statusLines, wayText } from './status-text.ts';
import { group, member, OTHER_GROUP, status } from './testing.ts';

const self = member('laptop.ada', { self: true, address: '10.128.3.4' });

test('each member has a line with address, name, kind and state, ourselves first and those away last', () => {
  const members = [
    member('attic.ada', { online: false, address: '10.128.9.9' }),
    member('phone.bob', {
      kind: 'browser',
      address: '10.128.200.17',
      link: { kind: 'webrtc', rttMs: 3.14 },
      resting: true,
    }),
    member('server.ada', { address: '10.128.1.2', link: { kind: 'udp', rttMs: 1.2 }, pq: true }),
    member('tower.cy', { address: '10.128.1.3', link: { kind: 'relay', via: 'server.ada', rttMs: 45.2 }, pq: false }),
    member('far.cy', { address: '10.128.1.4', pq: true }),
    member('stiff.cy', { address: '10.128.1.5', disagreement: 'peer-requires-post-quantum' }),
    member('new.cy'),
    self,
  ];
  expect(statusLines(status([{ ...group(members), self }]))).toEqual([
    'Home  10.128.0.0/16  connected  post-quantum on',
    'ADDRESS        NAME        KIND     STATE',
    '10.128.3.4     laptop.ada  edge     this device, wr0',
    '10.128.200.17  phone.bob   browser  active; direct webrtc 3.1 ms; in the background',
    '10.128.1.2     server.ada  edge     active; direct udp 1.2 ms; post-quantum',
    '10.128.1.3     tower.cy    edge     active; relay via server.ada 45.2 ms',
    '10.128.1.4     far.cy      edge     active; carried by other members; post-quantum',
    '10.128.1.5     stiff.cy    edge     refused; it requires post-quantum keys, which are off here',
    '-              new.cy      edge     active; carried by other members',
    '10.128.9.9     attic.ada   edge     offline',
  ]);
});

test('teams have a column where somebody is in one, or may be', () => {
  const { teams: _, ...outdated } = member('new.cy', { address: '10.128.1.3' });
  const members = [self, member('nas.bob', { address: '10.128.1.2', teams: ['family', 'ops'] }), outdated];
  expect(statusLines(status([group(members)]))).toEqual([
    'Home  10.128.0.0/16  connected  post-quantum on',
    'ADDRESS     NAME        KIND  TEAMS       STATE',
    '10.128.3.4  laptop.ada  edge  -           this device, wr0',
    '10.128.1.2  nas.bob     edge  family,ops  active; carried by other members',
    '10.128.1.3  new.cy      edge  ?           active; carried by other members',
  ]);
});

test('what is not well comes first, groups follow with a line between', () => {
  const health = [{ code: 'no-bootstrap', message: 'No way out.', hint: 'Plug it in.' }];
  const groups = [group([self]), group([self], { group: OTHER_GROUP, name: 'Work', state: 'searching' })];
  const lines = statusLines(status(groups, { health }));
  expect(lines[0]).toBe('# Health: No way out. Plug it in.');
  expect([lines[1], lines[2]]).toEqual(['', 'Home  10.128.0.0/16  connected  post-quantum on']);
  expect([lines[5], lines[6]]).toEqual(['', 'Work  10.128.0.0/16  searching for members  post-quantum on']);
});

test('connected means every group, and at least one', () => {
  expect(isConnected(status([group([self])]))).toBe(true);
  expect(isConnected(status([group([self]), group([self], { state: 'starting' })]))).toBe(false);
  expect(isConnected(status([]))).toBe(false);
});

test('members that are away are dim, and trouble stands out', () => {
  const away = member('attic.ada', { online: false });
  const health = [{ code: 'x', message: 'Bad.' }];
  const lines = statusLines(status([group([self, away])], { health }), (style, text) => `${style}:${text}`);
  expect(lines.map(line => line.split(':')[0])).toEqual(['warning', '', 'bold', 'bold', 'plain', 'dim']);
});

test('times have three digits or so, ways say whether others carry', () => {
  expect([0.4217, 1.24, 12.34, 123.4].map(msText)).toEqual(['0.42 ms', '1.2 ms', '12.3 ms', '123 ms']);
  const ways = [
    { kind: 'udp' },
    { kind: 'websocket' },
    { kind: 'relay', via: 'server.ada' },
    { kind: 'overlay' },
  ] as const;
  expect(ways.map(wayText)).toEqual(['direct udp', 'direct websocket', 'relay via server.ada', 'carried overlay']);
});

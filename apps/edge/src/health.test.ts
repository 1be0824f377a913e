import { expect, test } from 'vitest';
import { Failure } from './failure.ts';
import { type Facts, healthOf } from './health.ts';
import { GROUP, group, member, peerView } from './testing.ts';

const facts: Facts = { deviceErrors: new Map(), missingDevices: new Map(), problems: [], canWebRtc: true };
const home = group([member('laptop.ada', { self: true })]);
const url = 'wss://site.example/bootstrap';

test('all well is no line', () => {
  expect(healthOf(peerView([home]), facts)).toEqual([]);
});

test('an unreachable bootstrap node is told, with what it means when there is no other way', () => {
  const bootstraps = [{ url, state: 'failed' as const }];
  const [linked] = healthOf(peerView([home], { bootstraps }), facts);
  expect(linked).toMatchObject({ code: 'no-bootstrap', message: `Cannot reach the bootstrap node ${url}.` });
  const [alone] = healthOf(peerView([home], { bootstraps, state: 'connecting' }), facts);
  expect(alone?.message).toMatch(/new ones are not found/);
});

test('faults #39 a disk that takes no records is told once, with why', () => {
  const problem = 'No room is left for /state/shelf-public.db: free some space.';
  const full = { ...home, storage: { state: 'off', entries: 0, bytes: 0, problem } as const };
  const health = healthOf(peerView([full], { storage: full.storage }), facts);
  expect(health).toMatchObject([{ code: 'storage-off', message: expect.stringContaining(problem) }]);
});

test('devices, certificates and WebRTC are told, the worst first', () => {
  const problems = [new Failure('not-renewed', 'The certificate for Home ends soon.', 'Look at the site.')];
  const health = healthOf(peerView([home]), {
    deviceErrors: new Map([[GROUP, 'The command `ip` is missing.']]),
    missingDevices: new Map([[GROUP, 'wr0']]),
    problems,
    canWebRtc: false,
  });
  expect(health.map(({ code }) => code)).toEqual(['device-failed', 'device-gone', 'not-renewed', 'no-webrtc']);
  expect(health[0]?.message).toBe('The network device of Home has no address: The command `ip` is missing.');
  expect(health[2]).toEqual({
    code: 'not-renewed',
    message: 'The certificate for Home ends soon.',
    hint: 'Look at the site.',
  });
});

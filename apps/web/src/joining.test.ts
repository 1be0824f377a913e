import { describe, expect, test } from 'vitest';
import { isIn, type Joining, steps } from './joining.ts';
import type { GroupView, MemberView, PeerView } from './mesh.ts';

const FRESH: Joining = { hasCertificate: false, peer: undefined, group: undefined, problem: undefined, stalledMs: 0 };

describe('the steps of joining', () => {
  test('each is done only after those before it', () => {
    expect(states(FRESH)).toEqual(['active', 'waiting', 'waiting', 'waiting', 'waiting']);
    const certified = { ...FRESH, hasCertificate: true, peer: peer('connecting', 'connecting') };
    expect(states(certified)).toEqual(['done', 'active', 'waiting', 'waiting', 'waiting']);
    const reached = { ...certified, peer: peer('connected', 'connecting') };
    expect(states(reached)).toEqual(['done', 'done', 'active', 'waiting', 'waiting']);
    const inPublic = { ...certified, peer: peer('failed', 'connected'), group: group('searching') };
    expect(states(inPublic)).toEqual(['done', 'done', 'done', 'active', 'waiting']);
    const connected = { ...inPublic, group: group('connected') };
    expect(states(connected)).toEqual(['done', 'done', 'done', 'done', 'active']);
    const all = { ...inPublic, group: group('connected', '10.128.3.4') };
    expect(states(all)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(steps(all).map(step => step.note)).toEqual([undefined, undefined, undefined, 'phone.bob', '10.128.3.4']);
    expect(isIn(connected.group)).toBe(false);
    expect(isIn(all.group)).toBe(true);
  });

  test('the first member is told so', () => {
    const alone = group('connected');
    const found = steps({
      ...FRESH,
      hasCertificate: true,
      peer: peer('connected', 'connected'),
      group: { ...alone, members: [] },
    });
    expect(found[3]?.note).toBe('You are the first one here.');
  });

  test('a failure stands at the step that failed, with what to do', () => {
    const problem = { code: 'x', message: 'The name is taken.', hint: 'Choose another.' };
    const [first, second] = steps({ ...FRESH, problem });
    expect(first).toMatchObject({ state: 'failed', note: 'The name is taken. Choose another.' });
    expect(second?.state).toBe('waiting');
  });

  test('a step that takes long says what may be in the way, and names the bootstrap node', () => {
    const slow = { ...FRESH, hasCertificate: true, peer: peer('failed', 'connecting') };
    expect(steps(slow)[1]?.note).toBeUndefined();
    expect(steps({ ...slow, stalledMs: 60_000 })[1]?.note).toContain('wss://example.org/bootstrap');
  });
});

function states(joining: Joining): string[] {
  return steps(joining).map(step => step.state);
}

function peer(bootstrap: 'connecting' | 'connected' | 'failed', state: 'connecting' | 'connected'): PeerView {
  return {
    public: {
      peerId: '0'.repeat(40),
      state,
      bootstraps: [{ url: 'wss://example.org/bootstrap', state: bootstrap }],
      links: [],
      recordsHeld: 0,
      forwarded: 0,
    },
    groups: [],
  };
}

function group(state: GroupView['state'], address?: string): GroupView {
  const self = member('ada', true, address);
  return {
    group: 'a'.repeat(26),
    name: 'Hikers',
    subnet: '10.128.0.0/16',
    postQuantum: 'on',
    state,
    self,
    members: [self, member('bob', false)],
    links: [],
    recordsHeld: 0,
    forwarded: 0,
  };
}

function member(user: string, self: boolean, address?: string): MemberView {
  const device = 'phone';
  const name = `${device}.${user}`;
  return {
    peerId: '1'.repeat(40),
    name,
    device,
    user,
    kind: 'browser',
    rights: ['relay'],
    self,
    online: true,
    ...(address === undefined ? {} : { address }),
  };
}

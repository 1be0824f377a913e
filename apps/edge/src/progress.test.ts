import { expect, test } from 'vitest';
import { type Beside, Progress, stepText } from './progress.ts';
import { GROUP, group, member, OTHER_GROUP, peerView } from './testing.ts';

const laptop = member('laptop.ada', { self: true });
const placed = { ...laptop, address: '10.128.3.4' };
const beside: Beside = { interfaces: new Map([[GROUP, 'wr0']]), deviceErrors: new Map() };
const url = 'wss://site.example/bootstrap';

test('a start is told step by step, each step once', () => {
  const progress = new Progress('/run/warren/warren.sock');
  const lines: string[] = [];
  const show = (view: Parameters<Progress['update']>[0]) =>
    lines.push(...progress.update(view, beside).map(stepText), '.');
  show(peerView([group([laptop], { state: 'searching' })], { bootstraps: [{ url, state: 'connecting' }] }));
  show(peerView([group([laptop], { state: 'searching' })]));
  show(peerView([group([laptop, member('server.ada')], { state: 'starting' })]));
  show(peerView([group([placed, member('server.ada')], { self: placed })]));
  show(peerView([group([placed, member('server.ada')], { self: placed })]));
  expect(lines).toEqual([
    '.',
    `bootstrap node ${url} connected`,
    '.',
    'Home: 1 other member is online',
    '.',
    'Home: address 10.128.3.4 on wr0',
    'ready',
    '.',
    '.',
  ]);
});

test('a bootstrap node that stays away is told once, and again when it is back', () => {
  const progress = new Progress('');
  const states = ['failed', 'connecting', 'failed', 'connecting', 'connected', 'failed'] as const;
  const steps = states.flatMap(state =>
    progress.update(peerView([], { bootstraps: [{ url, state }] }), beside).map(step => 'state' in step && step.state),
  );
  expect(steps).toEqual(['failed', 'connected', 'failed']);
});

test('an address that moves is told, the end of the start is not told again', () => {
  const progress = new Progress('');
  progress.update(peerView([group([placed])]), beside);
  expect(progress.ready).toBe(true);
  const moved = { ...laptop, address: '10.128.5.5' };
  expect(progress.update(peerView([group([moved])]), beside)).toEqual([
    { step: 'address', group: 'Home', address: '10.128.5.5', interface: 'wr0' },
  ]);
});

test('it is ready when all groups are connected and all devices have their address', () => {
  const progress = new Progress('');
  const other = group([laptop], { group: OTHER_GROUP, name: 'Work', state: 'searching' });
  progress.update(peerView([group([placed]), other]), beside);
  expect(progress.ready).toBe(false);
  const broken = { ...beside, deviceErrors: new Map([[OTHER_GROUP, 'no ip command']]) };
  const work = group([placed], { group: OTHER_GROUP, name: 'Work' });
  const steps = progress.update(peerView([group([placed]), work]), broken);
  expect(steps).toContainEqual({ step: 'device-failed', group: 'Work', message: 'no ip command' });
  expect(steps.map(({ step }) => step)).not.toContain('ready');
  expect(progress.update(peerView([group([placed]), work]), beside).map(({ step }) => step)).toContain('ready');
});

test('nobody there is said as well', () => {
  const [step] = new Progress('')
    .update(peerView([group([placed, member('x.y', { online: false })])]), beside)
    .slice(1);
  expect(step && stepText(step)).toBe('Home: no other member is online');
});

test('a problem is told with what comes next', () => {
  const problem = { step: 'problem', code: 'waiting-for-site', message: 'The site is away.' } as const;
  expect(stepText(problem)).toBe('The site is away.');
  expect(stepText({ ...problem, hint: 'It is asked again.' })).toBe('The site is away. It is asked again.');
});

import { expect, test } from 'vitest';
import { group, member, status } from '../testing.ts';
import { type Facts, findings } from './findings.ts';

const laptop = member('laptop.ada', { self: true, address: '10.128.3.4' });
const well: Facts = {
  platform: 'linux x64',
  nodeVersion: '24.0.0',
  missingPrograms: [],
  stateDir: '/s',
  daemon: status([group([laptop])]),
  localAddresses: [{ interface: 'eth0', address: '192.168.1.5' }],
  sites: new Map([['https://site', { aheadS: 1 }]]),
};

const verdicts = (more: Partial<Facts>) =>
  findings({ ...well, ...more })
    .filter(({ verdict }) => verdict === 'warning' || verdict === 'failed')
    .filter(({ check }) => check !== 'udp')
    .map(({ check, verdict }) => `${check} ${verdict}`);

test('a machine that is well has nothing to complain of', () => {
  expect(verdicts({})).toEqual([]);
});

test.each<[string, Partial<Facts>, string[]]>([
  ['no root', { deviceObstacle: { message: 'needs root' } }, ['device failed']],
  ['no ip', { missingPrograms: ['ip', 'nft'] }, ['program-ip failed', 'program-nft warning']],
  ['a state folder of somebody else', { stateProblem: 'no permission to write' }, ['state failed']],
  ['a bad setting', { configProblem: 'x' }, ['config failed']],
  ['no daemon', { daemon: { code: 'not-running', message: 'x' } }, ['daemon warning']],
  ['a daemon of others', { daemon: { code: 'no-access', message: 'x' } }, ['daemon failed']],
  ['not connected', { daemon: status([group([laptop], { state: 'searching' })]) }, ['daemon warning']],
  ['no site', { sites: new Map([['https://s', { problem: 'ECONNREFUSED' }]]) }, ['site warning']],
  ['a clock two minutes off', { sites: new Map([['https://s', { aheadS: -120 }]]) }, ['clock warning']],
  ['a clock an hour off', { sites: new Map([['https://s', { aheadS: 3600 }]]) }, ['clock failed']],
  [
    'a local network with the same addresses',
    { localAddresses: [{ interface: 'eth0', address: '10.128.9.9' }] },
    ['overlap failed'],
  ],
])('%s', (_, more, expected) => {
  expect(verdicts(more)).toEqual(expected);
});

test('whatever is not well says what to do, or is a sentence of its own', () => {
  for (const { verdict, message, hint } of findings({
    ...well,
    missingPrograms: ['ip'],
    sites: new Map([['s', { aheadS: 9999 }]]),
  })) {
    expect(message.length).toBeGreaterThan(5);
    if (verdict === 'failed') expect(hint).toBeDefined();
  }
});

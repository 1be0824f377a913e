import { expect, test } from 'vitest';
import { deviceObstacle, type Machine, thisMachine } from './privilege.ts';

const machine = (more: Partial<Machine>): Machine => ({
  platform: 'linux',
  processStatus: 'Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000001000\n',
  hasTun: true,
  ...more,
});

test('CAP_NET_ADMIN and /dev/net/tun are enough', () => {
  expect(deviceObstacle(machine({}), '`sudo x`')).toBeUndefined();
});

test.each(['0000000000000000', '000001ffffffefff'])('capabilities %s are not, and the line to run is named', caps => {
  const failure = deviceObstacle(machine({ processStatus: `CapEff:\t${caps}\n` }), '`sudo warren up`');
  expect(failure).toMatchObject({ code: 'not-root', exit: 4, hint: 'Run `sudo warren up`.' });
});

test('a machine without TAP devices, or without Linux, is told so', () => {
  expect(deviceObstacle(machine({ hasTun: false }), '')).toMatchObject({ code: 'no-tun', exit: 4 });
  expect(deviceObstacle(machine({ platform: 'darwin' }), '')).toMatchObject({ code: 'not-linux', exit: 1 });
});

test.runIf(process.platform === 'linux')('the kernel tells of this process', () => {
  expect(thisMachine().processStatus).toMatch(/^CapEff:\t[0-9a-f]{16}$/m);
});

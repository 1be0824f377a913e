import { expect, test } from 'vitest';
import { installService, type ServiceHost, uninstallService } from './install.ts';

/** A machine that notes what is done to it. */
function machine(more: Partial<ServiceHost> = {}): { host: ServiceHost; done: string[] } {
  const done: string[] = [];
  const host: ServiceHost = {
    isRoot: true,
    hasSystemd: true,
    run: async (...words) => {
      done.push(words.join(' '));
      if (words[0] === 'getent') throw new Error('no such user');
      return '';
    },
    write: async file => void done.push(`write ${file}`),
    remove: async file => void done.push(`remove ${file}`),
    ...more,
  };
  return { host, done };
}

test('an installation makes the user, writes the unit and starts it, in this order', async () => {
  const { host, done } = machine();
  await installService(host, () => {});
  expect(done.map(step => step.split(' ').slice(0, 2).join(' '))).toEqual([
    'getent passwd',
    'useradd --system',
    'write /etc/systemd/system/warren.service',
    'systemctl daemon-reload',
    'systemctl enable',
    'systemctl restart',
  ]);
});

test('removing keeps state, and works where nothing is installed', async () => {
  const { host, done } = machine({
    run: async (...words) => {
      if (words.includes('disable')) throw new Error('not loaded');
      return '';
    },
  });
  await uninstallService(host, () => {});
  expect(done).toEqual(['remove /etc/systemd/system/warren.service']);
});

test.each([
  [{ hasSystemd: false }, 'not started by systemd'],
  [{ isRoot: false }, 'need root'],
])('%j: nothing is touched, and it says what to do', async (more, said) => {
  const { host, done } = machine(more);
  await expect(installService(host, () => {})).rejects.toThrow(said);
  expect(done).toEqual([]);
});

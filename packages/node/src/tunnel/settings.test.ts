import type { Storage } from '@warren/peer';
import { expect, test } from 'vitest';
import { Settings } from './settings.ts';
import { type System, thisSystem } from './system.ts';

test('what was changed is put back, the last first, also by another process', async () => {
  const machine = new Machine({ a: '0', b: '1', c: '7' });
  const settings = machine.settings();
  await settings.change('a', '1');
  await settings.change('b', '2');
  await settings.change('a', '3');
  await settings.change('c', '7');
  await settings.change('none', '1');
  expect(machine.values).toMatchObject({ a: '3', b: '2', c: '7' });
  machine.log.length = 0;
  expect(await machine.settings().restore()).toBe(2);
  expect(machine.log).toEqual(['a=0', 'b=1']);
  expect(await machine.settings().restore()).toBe(0);
});

test('it is written down before it is done', async () => {
  const machine = new Machine({ a: '0' });
  machine.full = true;
  await expect(machine.settings().change('a', '1')).rejects.toThrow('disk full');
  expect(machine.values.a).toBe('0');
});

test('what somebody else has changed since is left', async () => {
  const machine = new Machine({ a: '0' });
  await machine.settings().change('a', '1');
  expect(await machine.settings().isOurs('a')).toBe(true);
  machine.values.a = '5';
  expect(await machine.settings().isOurs('a')).toBe(false);
  await machine.settings().restore();
  expect(machine.values.a).toBe('5');
});

test('after a new start of the machine nothing is put back', async () => {
  const machine = new Machine({ a: '0' });
  await machine.settings().change('a', '1');
  machine.values['kernel/random/boot_id'] = 'second';
  expect(await machine.settings().restore()).toBe(0);
  expect(machine.values.a).toBe('1');
});

/** Settings and a disk that outlive those who use them. */
class Machine {
  readonly values: Record<string, string>;
  readonly log: string[] = [];
  full = false;
  private readonly kept = new Map<string, Uint8Array>();

  constructor(values: Record<string, string>) {
    this.values = { 'kernel/random/boot_id': 'first', ...values };
  }

  settings(): Settings {
    const system: System = {
      ...thisSystem,
      setting: async name => this.values[name],
      changeSetting: async (name, value) => {
        this.values[name] = value;
        this.log.push(`${name}=${value}`);
      },
    };
    const storage: Storage = {
      get: async key => this.kept.get(key),
      set: async (key, value) => {
        if (this.full) throw new Error('disk full');
        this.kept.set(key, value);
      },
      delete: async key => {
        this.kept.delete(key);
      },
    };
    return new Settings(system, storage, 'key');
  }
}

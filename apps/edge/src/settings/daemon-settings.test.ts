import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../testing.ts';
import { DaemonSettings } from './daemon-settings.ts';
import { keptSettings } from './kept.ts';

async function daemon(flags: Record<string, string> = {}) {
  const stateDir = testFolder(onTestFinished);
  const said = [{ source: 'command line', texts: flags } as const, await keptSettings(stateDir)];
  return { stateDir, settings: new DaemonSettings({ stateDir, said }) };
}

test('live settings are taken over at once, others wait for the next start', async () => {
  const { settings, stateDir } = await daemon();
  let heard: unknown;
  settings.changed = values => {
    heard = values;
  };
  const answer = await settings.set({ 'exit-node': 'auto', 'udp-port': '41641' });
  expect(answer.restart).toEqual(['udp-port']);
  expect(heard).toMatchObject({ 'exit-node': 'auto', 'udp-port': 0 });
  expect(settings.values).toMatchObject({ 'exit-node': 'auto', 'udp-port': 0 });
  expect((await keptSettings(stateDir)).texts).toEqual({ 'exit-node': 'auto', 'udp-port': '41641' });
  expect((await settings.set({ 'udp-port': '' })).restart).toEqual([]);
});

test('a flag of this run stays stronger, and a bad value stores nothing', async () => {
  const { settings, stateDir } = await daemon({ gateway: 'on' });
  await settings.set({ gateway: 'off' });
  expect(settings.values.gateway).toBe(true);
  await expect(settings.set({ lan: 'off', gateway: 'perhaps' })).rejects.toThrow('gateway is on or off');
  expect((await keptSettings(stateDir)).texts).toEqual({ gateway: 'off' });
});

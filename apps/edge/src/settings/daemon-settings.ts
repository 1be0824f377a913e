/** The settings of a running daemon: what it goes by, and what `warren set` changes. */
import type { SettingsAnswer, SettingsRequest } from '../control-api.ts';
import { keepSettings } from './kept.ts';
import { type Resolved, resolve, type Said, settingsAnswer } from './sources.ts';
import { printSetting, SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './table.ts';

export interface DaemonSettingsOptions {
  readonly stateDir: string;
  /** All sources, the strongest first; the one called `set` is that of `<state>/settings.json`. */
  readonly said: readonly Said[];
}

/** Settings that change while the daemon runs. */
export class DaemonSettings {
  private readonly stateDir: string;
  private said: readonly Said[];
  private resolved: Resolved;
  private readonly atStart: Settings;
  /** Hears of settings that can change while it runs. */
  changed: (settings: Settings) => Promise<void> | void = () => {};

  /** Throws a `Failure` that says where a bad value stands. */
  constructor({ stateDir, said }: DaemonSettingsOptions) {
    this.stateDir = stateDir;
    this.said = said;
    this.resolved = resolve(said);
    this.atStart = this.resolved.values;
  }

  /** What holds now; settings that are not live are as at the start. */
  get values(): Settings {
    const { values } = this.resolved;
    const now = SETTING_NAMES.map(name => [name, SETTINGS[name].isLive ? values[name] : this.atStart[name]]);
    return Object.fromEntries(now) as Settings;
  }

  answer(): SettingsAnswer {
    return settingsAnswer(
      this.resolved,
      SETTING_NAMES.filter(name => this.waits(name)),
    );
  }

  /** Stores changes, then goes by those that can change at once. Rejects before anything is stored where a value is bad. */
  async set(request: SettingsRequest): Promise<SettingsAnswer> {
    resolve([{ source: 'set', texts: withoutEmpty(request) }]);
    const changes = Object.entries(request).map(([name, text]) => [name, text === '' ? undefined : text]);
    const kept = await keepSettings(this.stateDir, Object.fromEntries(changes));
    this.said = this.said.map(said => (said.source === 'set' ? kept : said));
    this.resolved = resolve(this.said);
    await this.changed(this.values);
    return this.answer();
  }

  private waits(name: SettingName): boolean {
    if (SETTINGS[name].isLive) return false;
    return printSetting(this.resolved.values[name]) !== printSetting(this.atStart[name]);
  }
}

function withoutEmpty(request: SettingsRequest): SettingsRequest {
  return Object.fromEntries(Object.entries(request).filter(([, text]) => text !== ''));
}

/**
 * Settings of the kernel that we change, with what they were before: written down first, so that they are put back also
 * when this process was killed. A setting that somebody else has changed since is left as it is.
 */
import type { Storage } from '@warren/peer';
import type { System } from './system.ts';

const BOOT_ID = 'kernel/random/boot_id';

interface Change {
  readonly name: string;
  readonly former: string;
  readonly ours: string;
}

/** What was changed, and since which start of the machine: another start has its own values. */
interface Written {
  readonly boot: string;
  readonly changes: readonly Change[];
}

/** The settings changed for one purpose. */
export class Settings {
  private readonly system: System;
  private readonly storage: Storage;
  private readonly key: string;

  /** `key` is where in `storage` they are written down. */
  constructor(system: System, storage: Storage, key: string) {
    this.system = system;
    this.storage = storage;
    this.key = key;
  }

  /** Sets a setting unless it is so already or there is none of that name. */
  async change(name: string, ours: string): Promise<void> {
    const current = await this.system.setting(name);
    if (current === undefined || current === ours) return;
    const { changes, boot } = await this.written();
    const former = changes.find(change => change.name === name)?.former ?? current;
    const others = changes.filter(change => change.name !== name);
    await this.write({ boot, changes: [...others, { name, former, ours }] });
    await this.system.changeSetting(name, ours);
  }

  /** Whether that setting is as it is because of us. */
  async isOurs(name: string): Promise<boolean> {
    const { changes } = await this.written();
    const change = changes.find(each => each.name === name);
    return change !== undefined && (await this.system.setting(name)) === change.ours;
  }

  /** Puts all back, the last first. Returns how many there were. */
  async restore(): Promise<number> {
    const { changes } = await this.written();
    for (const { name, former, ours } of [...changes].reverse()) {
      if ((await this.system.setting(name)) === ours) await this.system.changeSetting(name, former);
    }
    await this.storage.delete(this.key);
    return changes.length;
  }

  private async written(): Promise<Written> {
    const boot = (await this.system.setting(BOOT_ID)) ?? '';
    const bytes = await this.storage.get(this.key);
    const written = bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as Written);
    return written?.boot === boot ? written : { boot, changes: [] };
  }

  private write(written: Written): Promise<void> {
    return this.storage.set(this.key, new TextEncoder().encode(JSON.stringify(written)));
  }
}

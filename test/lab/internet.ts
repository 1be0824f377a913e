/** A lab of homes with what everybody needs on the Internet: two bootstrap nodes and a host for members that help. */
import { join } from 'node:path';
import { ROOT } from '../netns/lab-site.ts';
import { type NatHost, NatLab } from '../netns/nat-lab.ts';
import type { Surroundings } from './actor.ts';

const BOOTSTRAP = join(import.meta.dirname, 'bootstrap.ts');
const PORT = 4_433;
const START_PATIENCE_MS = 60_000;
const BOOTSTRAPS: readonly NatHost[] = [
  { name: 'bootwest', access: [], segment: 'west' },
  { name: 'booteast', access: [], segment: 'east' },
];

export class Internet {
  readonly lab: NatLab;
  readonly around: Surroundings;

  private constructor(lab: NatLab) {
    this.lab = lab;
    const addresses = BOOTSTRAPS.flatMap(({ name }) => [`${lab.address(name)}`, `[${lab.address6(name)}]`]);
    this.around = {
      bootstraps: addresses.map(address => `ws://${address}:${PORT}/bootstrap`),
      stun: addresses.map(address => `stun:${address}:${PORT}`),
    };
  }

  /** Builds a lab of these hosts and starts the bootstrap nodes beside them. */
  static async create(hosts: readonly NatHost[]): Promise<Internet> {
    const internet = new Internet(await NatLab.create([...BOOTSTRAPS, ...hosts]));
    try {
      for (const [i, { name }] of BOOTSTRAPS.entries()) await internet.startBootstrap(name, i);
    } catch (error) {
      await internet.close();
      throw error;
    }
    return internet;
  }

  close(): Promise<void> {
    return this.lab.close();
  }

  /** Each links with those that were started before it. */
  private async startBootstrap(host: string, i: number): Promise<void> {
    const others = this.around.bootstraps.slice(0, i * 2).filter(url => !url.includes('['));
    const argv = [process.execPath, BOOTSTRAP, String(PORT), ...others];
    await this.lab.spawn(host, argv, { cwd: ROOT }).line(/^ready$/, START_PATIENCE_MS);
  }
}

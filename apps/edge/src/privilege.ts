/**
 * Whether this process may make an Ethernet device: asked before anything else,
 * since a group file must not be used up by a start that cannot succeed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Exit, Failure } from './failure.ts';

/** Bit of `CapEff` in /proc/self/status (capabilities(7)). */
const CAP_NET_ADMIN = 12n;

export interface Machine {
  readonly platform: string;
  /** The text of /proc/self/status. */
  readonly processStatus: string;
  readonly hasTun: boolean;
}

/** This machine and process. */
export function thisMachine(): Machine {
  const isLinux = process.platform === 'linux';
  return {
    platform: process.platform,
    processStatus: isLinux ? readFileSync('/proc/self/status', 'utf8') : '',
    hasTun: existsSync('/dev/net/tun'),
  };
}

/** Why there can be no Ethernet device; `undefined` when there can. `sudo` is the line that a person should run. */
export function deviceObstacle(machine: Machine, sudo: string): Failure | undefined {
  const { notAuthorised, failure } = Exit;
  if (machine.platform !== 'linux') {
    return new Failure('not-linux', 'Network devices need Linux.', 'Join in a browser tab instead.', failure);
  }
  if (!hasNetAdmin(machine.processStatus)) {
    const message = 'A network device needs root, or the capability CAP_NET_ADMIN.';
    return new Failure('not-root', message, `Run ${sudo}.`, notAuthorised);
  }
  if (machine.hasTun) return undefined;
  const hint = 'Run `modprobe tun` as root. A container needs the device: --device /dev/net/tun --cap-add NET_ADMIN.';
  return new Failure('no-tun', 'This machine has no /dev/net/tun.', hint, notAuthorised);
}

function hasNetAdmin(status: string): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return hex !== undefined && ((BigInt(`0x${hex}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

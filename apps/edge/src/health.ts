/** What is not well, in words: the lines on top of `warren status`. */
import type { PeerView } from '@warren/peer';
import type { Failure } from './failure.ts';

/** One thing that is not well. `code` is stable. */
export interface Health {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What views do not say. */
export interface Facts {
  /** By group id: why the device has no address. */
  readonly deviceErrors: ReadonlyMap<string, string>;
  /** By group id: interfaces that should be there, and are not. */
  readonly missingDevices: ReadonlyMap<string, string>;
  /** Certificates that could not be renewed. */
  readonly problems: readonly Failure[];
  readonly canWebRtc: boolean;
}

/** All that is not well, the worst first. */
export function healthOf(view: PeerView, facts: Facts): Health[] {
  const names = new Map(view.groups.map(({ group, name }) => [group, name]));
  const health: Health[] = [];
  for (const [group, error] of facts.deviceErrors) {
    const message = `The network device of ${names.get(group)} has no address: ${error}`;
    health.push({ code: 'device-failed', message });
  }
  for (const [group, device] of facts.missingDevices) {
    const message = `The network device ${device} of ${names.get(group)} is down or gone.`;
    health.push({ code: 'device-gone', message, hint: 'Start Warren again: `warren down`, then `warren up`.' });
  }
  for (const { name, problem } of view.groups) {
    if (problem !== 'clock') continue;
    const message = `By this machine's clock the certificates of ${name} are not valid: it may be wrong.`;
    health.push({ code: 'clock', message, hint: 'Set the clock, for example with `timedatectl set-ntp true`.' });
  }
  health.push(...bootstrapHealth(view), ...storageHealth(view));
  for (const { code, message, hint } of facts.problems) health.push({ code, message, ...(hint ? { hint } : {}) });
  if (!facts.canWebRtc) {
    const message = 'WebRTC does not load on this machine: browser members are reached only through others.';
    health.push({ code: 'no-webrtc', message, hint: 'Run `npm ci` again.' });
  }
  return health;
}

/** Records of others are soft state: what is lost with a full disk is only that they come back after a restart. */
function storageHealth(view: PeerView): Health[] {
  const problems = [view.public, ...view.groups].flatMap(({ storage }) => storage?.problem ?? []);
  return [...new Set(problems)].map(problem => {
    const message = `Records held for others are not written to the disk: ${problem}`;
    return { code: 'storage-off', message, hint: 'All else works; they are held in memory until then.' };
  });
}

function bootstrapHealth({ public: { bootstraps, state } }: PeerView): Health[] {
  const failed = bootstraps.filter(bootstrap => bootstrap.state === 'failed').map(({ url }) => url);
  if (failed.length === 0) return [];
  const alone = state === 'connected' ? '' : ' Members found so far stay reachable, new ones are not found.';
  const message = `Cannot reach the bootstrap ${failed.length === 1 ? 'node' : 'nodes'} ${failed.join(', ')}.${alone}`;
  return [{ code: 'no-bootstrap', message, hint: 'Check the network, and that the group site runs.' }];
}

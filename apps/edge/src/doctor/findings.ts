/**
 * What `warren doctor` makes of the facts: for each question a verdict in words,
 * and what to do where it is not well. No system is touched here.
 */
import { contains, parseAddress, parseSubnet } from '@warren/vpn';
import type { Status } from '../control-api.ts';
import { netReport } from '../netcheck/report.ts';

/** One answer. `skipped`: could not be asked, since something before it failed. */
export interface Finding {
  /** Stable. */
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  readonly hint?: string;
}

/** An address of this machine. */
export interface LocalAddress {
  readonly interface: string;
  /** IPv4 in text. */
  readonly address: string;
}

/** What was found out about this machine. */
export interface Facts {
  readonly platform: string;
  readonly nodeVersion: string;
  /** Why there can be no network device; absent when there can. */
  readonly deviceObstacle?: { readonly message: string; readonly hint?: string | undefined };
  /** Programs that are missing, of those that we call. */
  readonly missingPrograms: readonly string[];
  readonly stateDir: string;
  /** Why the state folder cannot be written; absent when it can, or is not there yet. */
  readonly stateProblem?: string;
  readonly configProblem?: string;
  /** The daemon's answer, or why there is none. */
  readonly daemon: Status | { readonly code: string; readonly message: string; readonly hint?: string | undefined };
  readonly localAddresses: readonly LocalAddress[];
  /** By site: how far our clock is ahead, seconds; or why it did not answer. */
  readonly sites: ReadonlyMap<string, { readonly aheadS: number } | { readonly problem: string }>;
}

/** Clocks may differ by so much before certificates suffer (`CLOCK_SKEW_MS` of trust is five minutes). */
const CLOCK_WARNING_S = 60;
const CLOCK_FAILED_S = 300;

/** All answers, in the order in which they build on each other. */
export function findings(facts: Facts): Finding[] {
  return [
    ...machine(facts),
    ...programs(facts),
    state(facts),
    config(facts),
    daemon(facts),
    ...sites(facts),
    ...overlaps(facts),
    ...network(facts),
  ];
}

function finding(check: string, verdict: Finding['verdict'], message: string, hint?: string): Finding {
  return { check, verdict, message, ...(hint === undefined ? {} : { hint }) };
}

function machine({ platform, nodeVersion, deviceObstacle }: Facts): Finding[] {
  const node = finding('node', 'ok', `Node ${nodeVersion} on ${platform}`);
  if (deviceObstacle === undefined) return [node, finding('device', 'ok', 'network devices can be made')];
  return [node, finding('device', 'failed', deviceObstacle.message, deviceObstacle.hint)];
}

const PACKAGES: Readonly<Record<string, string>> = { ip: 'iproute2', nft: 'nftables' };

function programs({ missingPrograms }: Facts): Finding[] {
  if (missingPrograms.length === 0) return [finding('programs', 'ok', 'ip and nft are there')];
  return missingPrograms.map(program => {
    const what = program === 'nft' ? 'gateways and full tunnel need it' : 'network devices need it';
    const hint = `On Debian: \`apt-get install ${PACKAGES[program] ?? program}\`.`;
    return finding(
      `program-${program}`,
      program === 'nft' ? 'warning' : 'failed',
      `\`${program}\` is missing: ${what}.`,
      hint,
    );
  });
}

function state({ stateDir, stateProblem }: Facts): Finding {
  if (stateProblem === undefined) return finding('state', 'ok', `keys and memberships are in ${stateDir}`);
  return finding('state', 'failed', `${stateDir}: ${stateProblem}`, 'Run as its owner, or as root.');
}

function config({ configProblem }: Facts): Finding {
  if (configProblem === undefined) return finding('config', 'ok', 'settings can be read: `warren get` shows them');
  return finding('config', 'failed', configProblem);
}

function daemon({ daemon: found }: Facts): Finding {
  if ('code' in found)
    return finding('daemon', found.code === 'not-running' ? 'warning' : 'failed', found.message, found.hint);
  const [problem] = found.health;
  if (problem !== undefined) return finding('daemon', 'warning', problem.message, problem.hint);
  const waiting = found.groups.filter(group => group.state !== 'connected').map(group => group.name);
  if (waiting.length === 0)
    return finding('daemon', 'ok', `runs, process ${found.pid}, ${found.groups.length} groups connected`);
  const hint = 'Wait a few seconds; then see the network lines below.';
  return finding('daemon', 'warning', `not connected yet: ${waiting.join(', ')}`, hint);
}

function sites({ sites: all }: Facts): Finding[] {
  return [...all].map(([site, answer]) => {
    if ('problem' in answer) {
      const hint = 'Members stay connected without it; joining, renewing and removing need it.';
      return finding('site', 'warning', `${site} does not answer: ${answer.problem}`, hint);
    }
    const apart = Math.abs(answer.aheadS);
    const way = answer.aheadS > 0 ? 'ahead of' : 'behind';
    if (apart < CLOCK_WARNING_S) return finding('site', 'ok', `${site} answers, and our clocks agree`);
    const verdict = apart < CLOCK_FAILED_S ? 'warning' : 'failed';
    const hint = 'Set the clock, for example with `timedatectl set-ntp true`.';
    return finding('clock', verdict, `this machine's clock is ${Math.round(apart)} s ${way} ${site}`, hint);
  });
}

/** Groups whose addresses this machine, or another group, uses already. */
function overlaps({ daemon: found, localAddresses }: Facts): Finding[] {
  if ('code' in found) return [];
  const ours = new Set(found.devices.map(device => device.interface));
  return found.groups.flatMap(({ name, subnet }) => {
    const range = parseSubnet(subnet);
    const inside = ({ address }: LocalAddress) => range !== undefined && contains(range, parseAddress(address) ?? -1);
    const taken = localAddresses.find(local => !ours.has(local.interface) && inside(local));
    if (taken === undefined) return [];
    const message = `${name} uses ${subnet}, and so does ${taken.interface} of this machine (${taken.address})`;
    return [
      finding('overlap', 'failed', message, 'Choose another address range for the local network, or leave the group.'),
    ];
  });
}

function network({ daemon: found }: Facts): Finding[] {
  if ('code' in found) return [finding('network', 'skipped', 'the network is asked about with the daemon running')];
  const { udp, members } = netReport(found);
  const way = udp.isUsable
    ? finding('udp', 'ok', udp.message)
    : finding(
        'udp',
        'warning',
        udp.message,
        'A firewall may block UDP: links go by WebSocket and through others, which is slower.',
      );
  if (members.online === 0) return [way];
  const message = `${members.direct} of ${members.online} members online are reached directly`;
  return [way, finding('direct', 'ok', message)];
}

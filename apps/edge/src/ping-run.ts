/** Echo requests one by one, so that each has a number, a fate and the way it went at that moment. */
import type { GroupView, WarrenGroup } from '@warren/peer';
import type { PingEvent, PingRequest, PingTarget } from './control-api.ts';
import { findTarget } from './find-target.ts';

/** What is pinged through. */
export interface Pinger {
  readonly groups: () => readonly GroupView[];
  readonly group: (id: string) => Pick<WarrenGroup, 'ping'> | undefined;
}

/** Pings until `count` requests are answered or lost, or `signal` ends it without report. Throws a `Failure` when the target is unknown. */
export async function runPing(
  pinger: Pinger,
  request: PingRequest,
  emit: (event: PingEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const { target: text, count, intervalMs, timeoutMs } = request;
  const target = findTarget(pinger.groups(), text, request.group);
  const { address } = target;
  const wayNow = (): PingTarget => way(pinger.groups(), target.group, address);
  emit({ event: 'target', ...wayNow() });
  const rtts: (number | undefined)[] = [];
  const one = async (sequence: number): Promise<void> => {
    const report = await pinger.group(target.group)?.ping(address, { count: 1, timeoutMs });
    const [rttMs] = report?.rttsMs ?? [];
    if (signal.aborted) return;
    rtts[sequence - 1] = rttMs;
    if (rttMs === undefined) emit({ event: 'lost', sequence });
    else emit({ event: 'reply', sequence, rttMs, ...wayNow() });
  };
  const pings: Promise<void>[] = [];
  while (pings.length < count && !signal.aborted) {
    if (pings.length > 0) await pause(intervalMs, signal);
    if (!signal.aborted) pings.push(one(pings.length + 1));
  }
  await Promise.race([Promise.all(pings), aborted(signal)]);
  if (signal.aborted) return;
  const rttsMs = rtts.filter(rtt => rtt !== undefined);
  const sent = pings.length;
  emit({ event: 'report', ...wayNow(), target: text, sent, lost: sent - rttsMs.length, rttsMs });
}

/** How the address is reached now. */
function way(groups: readonly GroupView[], group: string, address: string): PingTarget {
  const view = groups.find(({ group: id }) => id === group);
  const member = view?.members.find(known => known.address === address);
  return {
    ...(member === undefined ? {} : { name: member.name }),
    address,
    self: member?.self ?? false,
    ...(member?.link && { link: { kind: member.link.kind, ...(member.link.via && { via: member.link.via }) } }),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

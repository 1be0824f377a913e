import type { PingReport } from '@warren/peer';
import { expect, test } from 'vitest';
import type { PingEvent, PingRequest } from './control-api.ts';
import { runPing } from './ping-run.ts';
import { group, member } from './testing.ts';

const server = member('server.ada', { address: '10.128.1.2', link: { kind: 'relay' } });
const request: PingRequest = { target: 'server', count: 3, intervalMs: 10, timeoutMs: 50 };

/** Pings a group whose answers are given in order; `undefined` is a lost one. Returns what was told. */
async function run(answers: readonly (number | undefined)[], o: { signal?: AbortSignal; direct?: number } = {}) {
  const events: PingEvent[] = [];
  let asked = 0;
  const ping = async (target: string): Promise<PingReport> => {
    const rtt = answers[asked++];
    return {
      target,
      address: target,
      sent: 1,
      lost: rtt === undefined ? 1 : 0,
      rttsMs: rtt === undefined ? [] : [rtt],
    };
  };
  const shown = () => (asked >= (o.direct ?? 99) ? { ...server, link: { kind: 'udp' as const } } : server);
  const pinger = { groups: () => [group([member('laptop.ada', { self: true }), shown()])], group: () => ({ ping }) };
  await runPing(pinger, request, event => events.push(event), o.signal ?? new AbortController().signal);
  return events;
}

test('each request has its fate and its way, and a report ends it', async () => {
  const events = await run([1.5, undefined, 2.5], { direct: 3 });
  const way = { name: 'server.ada', address: '10.128.1.2', self: false };
  expect(events).toEqual([
    { event: 'target', ...way, link: { kind: 'relay' } },
    { event: 'reply', sequence: 1, rttMs: 1.5, ...way, link: { kind: 'relay' } },
    { event: 'lost', sequence: 2 },
    { event: 'reply', sequence: 3, rttMs: 2.5, ...way, link: { kind: 'udp' } },
    { event: 'report', ...way, link: { kind: 'udp' }, target: 'server', sent: 3, lost: 1, rttsMs: [1.5, 2.5] },
  ]);
});

test('who stops listening hears no more', async () => {
  expect((await run([1, 1, 1], { signal: AbortSignal.abort() })).map(({ event }) => event)).toEqual(['target']);
});

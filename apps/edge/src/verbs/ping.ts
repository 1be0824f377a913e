/** `warren ping`: echo requests to a member, edges and tabs alike, and the way that they take. */
import { type Command, InvalidArgumentError } from 'commander';
import type { PingEvent, PingTarget } from '../control-api.ts';
import { Exit } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { pingLine, summaryLines } from '../ping-text.ts';
import { clientFor, seconds, type Verb, wholeNumber } from './common.ts';

export interface PingOptions {
  readonly count: number;
  /** Seconds. */
  readonly interval: number;
  /** Seconds. */
  readonly timeout: number;
  readonly group?: string;
}

export function describePing(command: Command): Command {
  return command
    .description('Send echo requests to a member, and show the way that they take.')
    .argument('<member>', 'device, device.user, address, or peer id', memberName)
    .option('-c, --count <n>', 'how many requests', wholeNumber(1, 1_000), 4)
    .option('-i, --interval <seconds>', 'time between requests', seconds(0.01, 60), 1)
    .option('-W, --timeout <seconds>', 'how long to wait for a reply', seconds(0.01, 60), 2)
    .option('-g, --group <name>', 'the group to look in, by name or id')
    .addHelpText(
      'after',
      `
Examples:
  $ warren ping server
  $ warren ping laptop.ada -c 20 -i 0.2
  $ warren ping 10.128.3.4 --json

Exit code 0 when at least one reply came, 1 when there is no such member, 5 when no reply came
or the member has no address yet.`,
    );
}

function memberName(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give a name or an address.');
  return text;
}

export const ping: Verb<PingOptions> = async ([target = ''], options, context) => {
  const { terminal } = context;
  const { count, interval, timeout, group } = options;
  const request = { target, count, intervalMs: interval * 1_000, timeoutMs: timeout * 1_000 };
  const interrupted = new AbortController();
  const tally = new Tally(target);
  const forget = onInterrupt(() => interrupted.abort());
  const hear = (event: PingEvent): void => {
    tally.hear(event);
    const line = pingLine(event);
    if (line !== undefined && !options.json) terminal.out(line);
  };
  try {
    const whole = { ...request, ...(group === undefined ? {} : { group }) };
    await clientFor(options, context).ping(whole, hear, interrupted.signal);
  } finally {
    forget();
  }
  if (options.json) terminal.out(JSON.stringify(tally.report()));
  else for (const line of ['', ...summaryLines(target, tally.sent, tally.rttsMs)]) terminal.out(line);
  if (interrupted.signal.aborted) return Exit.interrupted;
  return tally.rttsMs.length > 0 ? Exit.ok : Exit.noPath;
};

/** Counts what came back, for the summary also of an early end. */
class Tally {
  readonly target: string;
  readonly rttsMs: number[] = [];
  sent = 0;
  private way: PingTarget | undefined;

  constructor(target: string) {
    this.target = target;
  }

  hear(event: PingEvent): void {
    if (event.event === 'lost' || event.event === 'reply') this.sent++;
    if (event.event === 'reply') this.rttsMs.push(event.rttMs);
    if (event.event === 'target' || event.event === 'reply') {
      const { name, address, self, link } = event;
      this.way = { ...(name === undefined ? {} : { name }), address, self, ...(link === undefined ? {} : { link }) };
    }
  }

  report(): object {
    const { target, sent, rttsMs, way } = this;
    return { schema: 1, target, ...way, sent, lost: sent - rttsMs.length, rttsMs };
  }
}

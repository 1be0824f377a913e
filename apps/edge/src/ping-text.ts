/** `warren ping` for people: a line a reply, which names the way it took, and a summary. */
import type { PingEvent, PingTarget } from './control-api.ts';
import { msText, wayText } from './status-text.ts';

/** An event as a line; `undefined` for the report, whose text is `summaryLines`. */
export function pingLine(event: PingEvent): string | undefined {
  switch (event.event) {
    case 'target':
      return `ping ${named(event)} via ${way(event)}`;
    case 'reply':
      return `reply from ${named(event)} via ${way(event)}: seq=${event.sequence} rtt=${msText(event.rttMs)}`;
    case 'lost':
      return `no reply: seq=${event.sequence}`;
    case 'report':
    case 'failed':
      return undefined;
  }
}

/** The last lines: how many came back, and how fast. */
export function summaryLines(target: string, sent: number, rttsMs: readonly number[]): string[] {
  const received = rttsMs.length;
  const loss = sent === 0 ? 0 : Math.round((100 * (sent - received)) / sent);
  const first = `${target}: ${sent} sent, ${received} received, ${loss}% lost`;
  if (received === 0) return [first];
  const average = rttsMs.reduce((sum, rtt) => sum + rtt, 0) / received;
  const [least, most] = [Math.min(...rttsMs), Math.max(...rttsMs)];
  return [first, `rtt min/avg/max ${msText(least)} / ${msText(average)} / ${msText(most)}`];
}

function named({ name, address }: PingTarget): string {
  return name === undefined ? address : `${name} (${address})`;
}

function way({ self, link }: PingTarget): string {
  if (self) return 'this device itself';
  if (link === undefined) return 'other members';
  return link.kind === 'relay' && link.via !== undefined ? `relay ${link.via}` : wayText(link);
}

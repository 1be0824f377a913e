/** `warren crawl`: walks round the ring of a group, and says who is where and whether all agree. */
import type { Command } from 'commander';
import type { CrawlEvent, GroupRequest } from '../control-api.ts';
import { censusLines, crawlLines, isConsistent, isEven } from '../crawl-text.ts';
import { Exit, Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { type CommonOptions, type Context, clientFor, type Verb } from './common.ts';

export interface CrawlOptions {
  readonly group?: string;
  readonly census?: true;
}

export function describeCrawl(command: Command): Command {
  return command
    .description('Walk round the ring of a group: who is where, with how many links and records, and do all agree.')
    .option('-g, --group <name>', 'the group, by name or id; may be left out when there is one only')
    .option('--census', 'only count: one question that spreads over the ring, its answers added up on the way back')
    .addHelpText(
      'after',
      `
Each peer is asked whom it has as neighbours; the walk follows the successors. A large ring takes a
while, and standard error says how far the walk is. A census takes a second or two where everybody
answers; a part of the ring that is silent holds it up, for 10 seconds at most.

Examples:
  $ warren crawl
  $ warren crawl --json | jq -r '.peers[] | select(.resting) | .name'
  $ warren crawl --census --group Home

Exit code 0 when all answered and agree about the ring, 1 when not, 3 when Warren is not running,
4 when this device was removed, 5 when it asked for another just now or is leaving, 130 interrupted.`,
    );
}

export const crawl: Verb<CrawlOptions> = (_args, options, context) =>
  options.census ? count(options, context) : walk(options, context);

async function count(options: CrawlOptions & CommonOptions, context: Context): Promise<number> {
  const { terminal } = context;
  const answer = await clientFor(options, context).census(groupOf(options));
  const ok = isEven(answer);
  if (options.json) terminal.out(JSON.stringify({ schema: 1, ok, ...answer }));
  else for (const line of censusLines(answer, answer, terminal.paint)) terminal.out(line);
  return ok ? Exit.ok : Exit.failure;
}

async function walk(options: CrawlOptions & CommonOptions, context: Context): Promise<number> {
  const { terminal } = context;
  const interrupted = new AbortController();
  const forget = onInterrupt(() => interrupted.abort());
  const heard: Report[] = [];
  try {
    const hearOne = (event: CrawlEvent): void => hear(event, heard, context);
    await clientFor(options, context).crawl(groupOf(options), hearOne, interrupted.signal);
  } finally {
    forget();
  }
  if (interrupted.signal.aborted) return Exit.interrupted;
  const [report] = heard;
  if (report === undefined) throw new Failure('broken-off', 'The walk ended without a report.', 'Try again.');
  const { event: _, ...rest } = report;
  const ok = isConsistent(report);
  if (options.json) terminal.out(JSON.stringify({ schema: 1, ok, ...rest }));
  else for (const line of crawlLines(report, report, terminal.paint)) terminal.out(line);
  return ok ? Exit.ok : Exit.failure;
}

function groupOf({ group }: CrawlOptions): GroupRequest {
  return group === undefined ? {} : { group };
}

type Report = Extract<CrawlEvent, { event: 'report' }>;

function hear(event: CrawlEvent, heard: Report[], { terminal }: Context): void {
  if (event.event === 'progress') terminal.err(`asked ${event.peers} peers so far`);
  if (event.event === 'report') heard.push(event);
}

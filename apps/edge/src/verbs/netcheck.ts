/** `warren netcheck`: what the network lets us do. */
import type { Command } from 'commander';
import { Exit } from '../failure.ts';
import { netReport } from '../netcheck/report.ts';
import { clientFor, type Verb } from './common.ts';

export function describeNetcheck(command: Command): Command {
  return command
    .description('Show what the network lets us do: UDP, address translation, bootstrap nodes, direct links.')
    .addHelpText(
      'after',
      `
Examples:
  $ warren netcheck
  $ warren netcheck --json | jq .ipv4.mapping

Exit code 0 when members can be reached, 1 when there is neither UDP nor a bootstrap node, 3 when Warren is not running.`,
    );
}

export const netcheck: Verb<object> = async (_args, options, context) => {
  const { terminal } = context;
  const report = netReport(await clientFor(options, context).status());
  const { udp, ipv4, ipv6, bootstraps, members } = report;
  const isUsable = udp.isUsable || bootstraps.some(({ state }) => state === 'connected');
  if (options.json) terminal.out(JSON.stringify({ schema: 1, ...report }));
  else {
    terminal.out(`* UDP: ${udp.message}`);
    terminal.out(`* IPv4: ${ipv4?.message ?? 'nobody has seen us yet'}`);
    terminal.out(`* IPv6: ${ipv6?.message ?? 'nobody has seen us, as without an IPv6 address'}`);
    for (const { url, state } of bootstraps) terminal.out(`* Bootstrap node ${url}: ${state}`);
    const { online, direct, relayed, carried } = members;
    terminal.out(`* Members online: ${online}; direct ${direct}, by relay ${relayed}, through others ${carried}`);
  }
  return isUsable ? Exit.ok : Exit.failure;
};

/**
 * `npm run demo`: a group of two tabs and two edges, made and joined as people
 * would, then measured. Exit 0 only when all 12 ordered pairs exchanged their
 * echo requests without a loss and the counters confirm each link's kind.
 */
import { parseArgs } from 'node:util';
import { install, skipReason } from '../netns/requirements.ts';
import { awaitMesh, measurePairs, type PairReport } from './measure.ts';
import { type Scene, setScene } from './scene.ts';

const HELP = `Usage: npm run demo [-- options]

Builds a private network of two browser tabs and two Linux edges in network
namespaces of this machine (needs root), pings every ordered pair, prints a table.

  --block udp   once the mesh stands, drop all UDP of every host: links change, nothing is lost
  --count N     echo requests per ordered pair, at least 20 (default 20)
  --json        one JSON object on the last line of standard output
  --help        this text

Examples:
  npm run demo
  npm run demo -- --block udp --json
`;

interface Options {
  readonly block: boolean;
  readonly count: number;
  readonly json: boolean;
}

const options = readOptions();
const startedAt = performance.now();
const step = (line: string) => process.stderr.write(`[${seconds().toFixed(1).padStart(5)} s] ${line}\n`);

install(step);
const why = skipReason('root', 'tap', 'namespaces', 'chromium', 'nftables', 'iproute2', 'iputils-ping');
if (why !== undefined) fail(`The demo cannot run here: ${why}`, 1);

let scene: Scene | undefined;
try {
  scene = await setScene(step);
  await show(scene);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ ok: false, seconds: seconds(), error: message, members: [], pairs: [] })}\n`,
    );
  process.exitCode = 1;
  step(`failed: ${message}`);
} finally {
  await scene?.end();
}
process.exit();

async function show(stage: Scene): Promise<void> {
  step('waiting until everyone has a direct link to everyone');
  let members = await awaitMesh(stage, kind => kind === 'udp' || kind === 'webrtc', 60_000);
  if (options.block) {
    step('dropping all UDP on every host');
    for (const { host } of stage.members) await stage.lab.blockUdp(host);
    step('waiting until the links have changed');
    members = await awaitMesh(stage, kind => kind !== 'udp' && kind !== 'webrtc', 90_000);
  }
  step(`pinging all 12 ordered pairs, ${options.count} echo requests each`);
  const pairs = await measurePairs(stage, members, options.count);
  const ok =
    pairs.length === 12 &&
    pairs.every(pair => pair.sent >= options.count && pair.lost === 0 && pair.doubt === undefined);
  for (const pair of pairs)
    if (pair.doubt !== undefined) step(`doubt: ${pair.from} -> ${pair.to} says ${pair.link}, but ${pair.doubt}`);
  printTable(members, pairs);
  process.exitCode = ok ? 0 : 1;
  if (!options.json) return;
  const clean = pairs.map(({ doubt: _doubt, ...pair }) => pair);
  process.stdout.write(`${JSON.stringify({ ok, seconds: seconds(), members, pairs: clean })}\n`);
}

function printTable(
  members: readonly { name: string; kind: string; address: string }[],
  pairs: readonly PairReport[],
): void {
  const kindOf = new Map(members.map(member => [member.name, member]));
  const rows = [
    ['FROM', 'KIND', 'ADDRESS', 'TO', 'LINK', 'RTT', 'SENT', 'LOST'],
    ...pairs.map(pair => {
      const from = kindOf.get(pair.from);
      return [
        pair.from,
        from?.kind ?? '',
        from?.address ?? '',
        pair.to,
        pair.link,
        `${pair.rttMs.toFixed(2)} ms`,
        String(pair.sent),
        String(pair.lost),
      ];
    }),
  ];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map(row => (row[column] as string).length)));
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd()}\n`,
    );
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        block: { type: 'string' },
        count: { type: 'string', default: '20' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const count = Number(values.count);
    if (values.block !== undefined && values.block !== 'udp') throw new Error('--block takes udp');
    if (!Number.isInteger(count) || count < 20 || count > 1000)
      throw new Error('--count takes a whole number from 20 to 1000');
    return { block: values.block === 'udp', count, json: values.json };
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${HELP}`, 2);
  }
}

function seconds(): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

function fail(message: string, code: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

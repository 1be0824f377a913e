/**
 * How good the links of the demo's mesh are, beside the plain path under them
 * in the same minute: two edges over their TAP devices, two tabs over their
 * data channel. Runs of both kinds take turns, since the machine is shared.
 */
import { readFile } from 'node:fs/promises';
import { awaitMesh } from '../demo/measure.ts';
import { type DemoEdge, type DemoTab, type Scene, setScene } from '../demo/scene.ts';
import type { Lab } from '../netns/lab.ts';
import { type Bench, type BenchOptions, type BenchResult, type Figures, median, rounded } from './bench.ts';
import { measureTabs, type TabFigures } from './tabs.ts';

const ROUNDS = 3;
const TCP_SECONDS = 5;
const PINGS = 100;
/** The kernel counts processor time in ticks of this length on all Linux machines (USER_HZ). */
const TICK_SECONDS = 0.01;

export const links: Bench = {
  summary: 'TCP and RTT of two edges beside their plain path; texts and RTT of two tabs',
  needs: ['root', 'tap', 'namespaces', 'chromium', 'nftables', 'iproute2', 'iputils-ping', 'iperf3'],
  async run({ step }) {
    const scene = await setScene(step);
    try {
      step('waiting until everyone has a direct link to everyone');
      const members = await awaitMesh(scene, kind => kind === 'udp' || kind === 'webrtc', 60_000);
      const addressOf = (host: string) => members[scene.members.findIndex(m => m.host === host)]?.address ?? '';
      const edges = await measureEdges(scene, addressOf, step);
      step('tab to tab');
      const [from, to] = scene.members.filter((m): m is DemoTab => m.kind === 'browser') as [DemoTab, DemoTab];
      const tabs = await measureTabs(from.person, to.person, addressOf(to.host));
      return result(edges, tabs);
    } finally {
      await scene.end();
    }
  },
};

/** One TCP run. */
interface TcpRun {
  readonly mbps: number;
  readonly bytes: number;
}

async function measureEdges(
  scene: Scene,
  addressOf: (host: string) => string,
  step: BenchOptions['step'],
): Promise<Figures> {
  const edges = scene.members.filter((m): m is DemoEdge => m.kind === 'edge') as [DemoEdge, DemoEdge];
  const [{ host: from }, { host: to }] = edges;
  const { lab } = scene;
  const raw: TcpRun[] = [];
  const tap: TcpRun[] = [];
  let cpuSeconds = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    step(`edge to edge, round ${round} of ${ROUNDS}: plain path, then TAP devices`);
    raw.push(await tcp(lab, from, to, lab.address(to)));
    const before = await cpuSecondsOf(edges);
    tap.push(await tcp(lab, from, to, addressOf(to)));
    cpuSeconds += (await cpuSecondsOf(edges)) - before;
  }
  const rawMbps = median(raw.map(run => run.mbps));
  const tapMbps = median(tap.map(run => run.mbps));
  const rawRttMs = await rtt(lab, from, lab.address(to));
  const tapRttMs = await rtt(lab, from, addressOf(to));
  const gigabytes = tap.reduce((sum, run) => sum + run.bytes, 0) / 1e9;
  return {
    rawRttMs: rounded(rawRttMs),
    rawMbps: rounded(rawMbps),
    edgeRttMs: rounded(tapRttMs),
    edgeMbps: rounded(tapMbps),
    edgeToRawRtt: rounded(tapRttMs / rawRttMs),
    edgeToRawMbps: rounded(tapMbps / rawMbps),
    edgeCpuSecondsPerGb: rounded(cpuSeconds / gigabytes),
  };
}

/** One stream of TCP for a few seconds. */
async function tcp(lab: Lab, from: string, to: string, address: string): Promise<TcpRun> {
  const server = lab.spawn(to, ['iperf3', '--server', '--one-off', '--forceflush', '--bind', address]);
  try {
    await server.line(/listening/i);
    const argv = ['iperf3', '--client', address, '--time', String(TCP_SECONDS), '--json'];
    const { stdout } = await lab.exec(from, argv, { timeoutMs: (TCP_SECONDS + 20) * 1_000 });
    const { end } = JSON.parse(stdout) as { end: { sum_received: { bytes: number; bits_per_second: number } } };
    return { mbps: end.sum_received.bits_per_second / 1e6, bytes: end.sum_received.bytes };
  } finally {
    await server.stop();
  }
}

/** The median of round-trip times by the machine's own ping. */
async function rtt(lab: Lab, from: string, address: string): Promise<number> {
  const argv = ['ping', '-n', '-c', String(PINGS), '-i', '0.02', '-W', '2', address];
  const { stdout } = await lab.exec(from, argv);
  return median([...stdout.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms)));
}

/** Processor time that the daemons have used, kernel's share included. */
async function cpuSecondsOf(edges: readonly DemoEdge[]): Promise<number> {
  let ticks = 0;
  for (const { pid } of edges) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // After the name in brackets, which may hold anything: utime and stime are fields 14 and 15 of proc(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_SECONDS;
}

function result(edges: Figures, { figures, lost, link }: TabFigures): BenchResult {
  const all = { ...edges, ...figures };
  const bad = Object.entries(all).find(([, value]) => !Number.isFinite(value) || value <= 0);
  const reasons = [
    ...(bad === undefined ? [] : [`${bad[0]} could not be measured`]),
    ...(link === 'webrtc' ? [] : [`the tabs are linked by ${link}, not by WebRTC`]),
    ...(lost === 0 ? [] : [`${lost} texts were taken and did not arrive`]),
  ];
  return reasons.length === 0 ? { ok: true, figures: all } : { ok: false, why: reasons.join('; '), figures: all };
}

/**
 * The routers of the lab behave as their kinds say, by plain sockets (RFC 5780's questions): before anything of
 * Warren is judged by them.
 */
import { join } from 'node:path';
import { ACCESS_KINDS, type AccessKind, type AccessName, type NatBehaviour } from '@warren/sim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type NatHost, NatLab } from './nat-lab.ts';
import type { NatReport } from './nat-probe.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'iproute2', 'nftables', 'conntrack', 'iputils-ping', 'namespaces');
const PROBE = join(import.meta.dirname, 'nat-probe.ts');
const KINDS = Object.keys(ACCESS_KINDS) as AccessName[];
const nameOf = (kind: AccessName): string => `${kind.replaceAll(/[^a-z0-9]/g, '').slice(-12)}`;
/** One behind two routers is as open as the stricter of them. */
const STRICTNESS = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'];

describe.skipIf(reason !== undefined)(`kinds of NAT${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: NatLab;

  beforeAll(async () => {
    const stations: NatHost[] = [
      { name: 'near', access: [], segment: 'west' },
      { name: 'far', access: [], segment: 'east' },
    ];
    const tested = KINDS.map((kind): NatHost => ({ name: nameOf(kind), access: ACCESS_KINDS[kind], segment: 'east' }));
    const poor: NatHost = {
      name: 'poor',
      access: ACCESS_KINDS['full-cone'],
      segment: 'west',
      line: { rateKbit: 2_000, lossPercent: 30, delayMs: 40 },
    };
    lab = await NatLab.create([...stations, ...tested, poor]);
    for (const [station, other] of [
      ['near', 'far'],
      ['far', 'near'],
    ] as const) {
      for (const of of ['address', 'address6'] as const) {
        const argv = [process.execPath, PROBE, 'station', lab[of](station) ?? '', lab[of](other) ?? ''];
        await lab.spawn(station, argv).line(/^ready$/);
      }
    }
  });

  afterAll(() => lab?.close());

  test('each maps, filters, numbers and hairpins as its kind says', async () => {
    const found = await Promise.all(KINDS.map(async kind => [kind, await probe(kind)] as const));
    const told = found.map(([kind, report]) => {
      if (!report.udp) return [kind, 'no UDP'] as const;
      const { mapping, filtering, portStep, hairpin } = report;
      return [kind, { mapping, filtering, portStep, hairpin }] as const;
    });
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(KINDS.map(kind => [kind, promised(kind)])));
  });

  test('who is behind a carrier is seen at its address', async () => {
    const report = await probe('cgnat-hard');
    expect(report.udp && report.seen.split('|')[0]).toBe(lab.outside(nameOf('cgnat-hard')));
    expect(lab.routers(nameOf('cgnat-hard'))).toHaveLength(2);
  });

  test('TCP passes every router, also where UDP does not', async () => {
    const server = lab.spawn('near', [process.execPath, '-e', SERVER, lab.address('near') ?? '']);
    await server.line(/^bound$/);
    const get = `fetch('http://${lab.address('near')}:9000').then(r => r.text()).then(console.log)`;
    const behind = KINDS.filter(kind => passesV4(ACCESS_KINDS[kind]));
    const heard = await Promise.all(behind.map(kind => lab.exec(nameOf(kind), [process.execPath, '-e', get])));
    expect(heard.map(({ stdout }) => stdout)).toEqual(behind.map(() => 'over there\n'));
  });

  test('a poor line is long, and loses some of what it carries', async () => {
    const argv = ['ping', '-q', '-c', '60', '-i', '0.02', '-W', '1', lab.address('near') ?? ''];
    const { stdout } = await lab.exec('poor', argv, { allowFailure: true });
    const [, lost = '0'] = /([\d.]+)% packet loss/.exec(stdout) ?? [];
    const [, fastestMs = '0'] = /= ([\d.]+)\//.exec(stdout) ?? [];
    // Both ways: 1 - 0.7 * 0.7 = 51 % of echoes.
    expect(Number(lost)).toBeGreaterThan(20);
    expect(Number(lost)).toBeLessThan(85);
    // Timers may be early by a fraction.
    expect(Number(fastestMs)).toBeGreaterThanOrEqual(79);
    expect(Number(fastestMs)).toBeLessThan(120);
  });

  test('a slow line takes its time', async () => {
    const server = lab.spawn('near', [process.execPath, '-e', SINK, lab.address('near') ?? '']);
    await server.line(/^bound$/);
    const rate = async (host: string): Promise<number> => {
      await lab.exec(host, [process.execPath, '-e', SOURCE, lab.address('near') ?? '']);
      const [, kbit = '0'] = await server.line(new RegExp(`^from ${lab.outside(host)} (\\d+)$`));
      return Number(kbit);
    };
    expect(await rate('poor')).toBeLessThan(2_200);
    expect(await rate(nameOf('full-cone'))).toBeGreaterThan(2_500);
  });

  async function probe(kind: AccessName): Promise<NatReport> {
    const host = nameOf(kind);
    const of = passesV4(ACCESS_KINDS[kind]) ? 'address' : 'address6';
    const argv = [process.execPath, PROBE, 'client', lab[of](host), lab[of]('near'), lab[of]('far')] as string[];
    return JSON.parse((await lab.exec(host, argv)).stdout) as NatReport;
  }
});

function passesV4(access: AccessKind): boolean {
  return access.every(({ v4 }) => typeof v4 !== 'string');
}

/** What a kind is to look like from inside. */
function promised(kind: AccessName): object | string {
  const access: AccessKind = ACCESS_KINDS[kind];
  if (access.some(({ udp }) => !udp)) return 'no UDP';
  const family = passesV4(access) ? 'v4' : 'v6';
  const boxes = access.map(router => router[family] as NatBehaviour);
  const strictest = (of: 'mapping' | 'filtering'): string =>
    STRICTNESS[Math.max(0, ...boxes.map(box => STRICTNESS.indexOf(box[of])))] as string;
  const dependent = boxes.find(({ mapping }) => mapping !== 'endpoint-independent')?.ports;
  // Where nothing is translated a host is its own outside.
  const hairpin = boxes.at(-1)?.translates === 'none' ? true : (boxes.at(-1)?.hairpin ?? true);
  return {
    mapping: strictest('mapping'),
    filtering: strictest('filtering'),
    portStep: dependent === 'sequential' ? 1 : dependent === 'random' ? undefined : 0,
    hairpin,
  };
}

const SERVER = `require('node:http').createServer((_, r) => r.end('over there'))
  .listen(9000, process.argv[1], () => console.log('bound'));`;
/** Takes datagrams for a second and a half, then says how many kbit/s came. */
const SINK = `const s = require('node:dgram').createSocket('udp4'); const from = new Map();
  s.on('message', (m, { address }) => {
    const of = from.get(address) ?? { bytes: 0, first: performance.now(), last: 0 };
    if (!from.has(address)) setTimeout(() => console.log('from ' + address + ' '
      + Math.round(of.bytes * 8 / (of.last - of.first))), 1500);
    of.bytes += m.length; of.last = performance.now(); from.set(address, of); });
  s.bind(4000, process.argv[1], () => console.log('bound'));`;
/** Sends 8 Mbit/s for a second. */
const SOURCE = `const s = require('node:dgram').createSocket('udp4'); let n = 0;
  const t = setInterval(() => { for (let i = 0; i < 10; i++) s.send(Buffer.alloc(1000), 4000, process.argv[1]);
    if (++n === 100) { clearInterval(t); s.close(); } }, 10);`;

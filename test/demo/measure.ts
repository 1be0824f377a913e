/**
 * What the demo claims, measured: echo requests over all ordered pairs, and the
 * kind of each link as the running peers tell it, held against counters of
 * nftables that no peer can touch.
 */
import type { LinkKind } from '@warren/peer';
import type { Lab } from '../netns/lab.ts';
import type { DemoMember, Scene } from './scene.ts';

/** One ordered pair. */
export interface PairReport {
  readonly from: string;
  readonly to: string;
  readonly link: LinkKind;
  readonly rttMs: number;
  readonly sent: number;
  readonly lost: number;
  /** What the counters say against the kind; absent when they agree. */
  readonly doubt?: string;
}

export interface MemberReport {
  readonly name: string;
  readonly kind: 'browser' | 'edge';
  readonly address: string;
}

/** Waits until every member knows every other by address and link, and `settled` holds of each link's kind. */
export async function awaitMesh(
  scene: Scene,
  settled: (kind: LinkKind) => boolean,
  timeoutMs: number,
): Promise<MemberReport[]> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const views = await Promise.all(scene.members.map(member => member.view()));
    const complete = views.every(view => {
      const others = view?.members.filter(member => !member.self) ?? [];
      const known = others.filter(member => member.address !== undefined && member.link !== undefined);
      return (
        known.length === scene.members.length - 1 &&
        known.every(member => settled((member.link as { kind: LinkKind }).kind))
      );
    });
    if (complete) {
      return scene.members.map((member, i) => {
        const self = views[i]?.self;
        return { name: self?.name ?? member.host, kind: member.kind, address: self?.address ?? '' };
      });
    }
    if (Date.now() > end) throw new Error(`the mesh is not complete after ${timeoutMs / 1000} s: ${describe(views)}`);
    await new Promise(resolve => setTimeout(resolve, 300));
  }
}

/** Exchanges `count` echo requests over every ordered pair. Pairs of one sender go one after the other. */
export async function measurePairs(
  scene: Scene,
  members: readonly MemberReport[],
  count: number,
): Promise<PairReport[]> {
  const reports = await Promise.all(
    scene.members.map(async (from, i) => {
      const rows: PairReport[] = [];
      for (const [k, to] of scene.members.entries()) {
        if (k !== i)
          rows.push(
            await measurePair(scene.lab, from, to, members[i] as MemberReport, members[k] as MemberReport, count),
          );
      }
      return rows;
    }),
  );
  return reports.flat();
}

async function measurePair(
  lab: Lab,
  from: DemoMember,
  to: DemoMember,
  fromReport: MemberReport,
  toReport: MemberReport,
  count: number,
): Promise<PairReport> {
  const before = await udpPackets(lab, from.host, to.host);
  const { sent, lost, rttMs } = await from.ping(toReport.address, count);
  const passed = (await udpPackets(lab, from.host, to.host)) - before;
  const link = (await from.view())?.members.find(member => member.name === toReport.name)?.link?.kind ?? 'overlay';
  const row = { from: fromReport.name, to: toReport.name, link, rttMs: Math.round(rttMs * 100) / 100, sent, lost };
  const isDirect = link === 'udp' || link === 'webrtc';
  if (isDirect && passed < 2 * sent)
    return { ...row, doubt: `only ${passed} UDP packets passed between the two hosts` };
  if (!isDirect && passed > 0) return { ...row, doubt: `${passed} UDP packets passed between the two hosts` };
  return row;
}

/** UDP packets both ways between two hosts of the lab, by the kernel's count. */
async function udpPackets(lab: Lab, host: string, peer: string): Promise<number> {
  const counters = (await lab.counters(host)).filter(counter => counter.protocol === 'udp' && counter.peer === peer);
  return counters.reduce((sum, counter) => sum + counter.packets, 0);
}

function describe(views: readonly (Awaited<ReturnType<DemoMember['view']>> | undefined)[]): string {
  const lines = views.map(view => {
    const others = view?.members.filter(member => !member.self) ?? [];
    return `${view?.self.name}: ${others.map(m => `${m.name} ${m.address ?? 'no address'} ${m.link?.kind ?? 'no link'}`).join(', ')}`;
  });
  return lines.join('; ');
}

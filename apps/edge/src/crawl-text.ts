/** `warren crawl` for people: everybody in the order of the ring, and where their views of it disagree. */

import type { CensusView, CrawledPeerView, CrawlView } from '@warren/peer';
import { columns } from './columns.ts';
import type { RingOf } from './control-api.ts';
import { msText } from './status-text.ts';
import type { Style } from './terminal.ts';

type Paint = (style: Style, text: string) => string;
type Ring = Pick<RingOf, 'name' | 'self'>;

/** Whether everybody answered and all views of the ring agree. */
export function isConsistent({ complete, inconsistencies }: Pick<CrawlView, 'complete' | 'inconsistencies'>): boolean {
  return complete && inconsistencies.length === 0;
}

/** Whether everybody answered and is linked to the nearest on both sides. */
export function isEven({ peers, consistent, unanswered }: CensusView): boolean {
  return unanswered === 0 && consistent === peers;
}

/** The report of a walk. */
export function crawlLines(ring: Ring, view: CrawlView, paint: Paint = (_style, text) => text): string[] {
  const faults = view.inconsistencies.map(({ text }) => paint('warning', `# ${text}`));
  if (!view.complete) faults.push(paint('warning', `# The walk is not complete: ${whyIncomplete(view)}.`));
  return [...table(ring, view, paint), '', ...faults, ...summary(view)];
}

/** The report of a census. */
export function censusLines({ name }: Ring, census: CensusView, paint: Paint = (_style, text) => text): string[] {
  const { peers, browsers, links, records, consistent, depth, unanswered, tookMs } = census;
  const near = `${consistent} of ${count(peers, 'peer')} ${consistent === 1 ? 'is' : 'are'}`;
  const lines = [
    paint('bold', `${name}  ${count(peers, 'peer')}, ${browsers} in browsers`),
    `${count(links, 'link')}, ${count(records, 'record')} held with all copies`,
    `${near} linked to the nearest on both sides`,
    `answered within ${secondsText(tookMs)} over at most ${count(depth, 'hop')}`,
  ];
  if (unanswered === 0) return lines;
  return [
    ...lines,
    paint('warning', `# No answer came from ${count(unanswered, 'stretch', 'stretches')} of the ring.`),
  ];
}

/** Who does not answer is among the disagreements; a walk without such ended at one of its limits. */
function whyIncomplete({ inconsistencies }: CrawlView): string {
  const isSilent = inconsistencies.some(({ kind }) => kind === 'silent');
  return isSilent ? 'not everybody who was named answered' : 'it ends after 20,000 peers or 5 minutes';
}

function table({ name, self }: Ring, { peers }: CrawlView, paint: Paint): string[] {
  const rows = peers.map((peer, i) => ({
    style: (peer.resting ? 'dim' : 'plain') as Style,
    cells: [
      `${i + 1}`,
      shortId(peer.peerId),
      peer.name ?? '-',
      peer.kind,
      `${peer.links}`,
      `${peer.recordsHeld}`,
      peer.rttMs === undefined ? '-' : msText(peer.rttMs),
      stateOf(peer, self),
    ],
  }));
  const head = ['#', 'ID', 'NAME', 'KIND', 'LINKS', 'RECORDS', 'RTT', 'STATE'];
  const all = [{ style: 'bold' as Style, cells: head }, ...rows];
  const lines = columns(
    all.map(({ cells }) => cells),
    NUMBERS,
  );
  const title = paint('bold', `${name}  ${count(peers.length, 'peer')} in the order of the ring`);
  return [title, ...all.map(({ style }, i) => paint(style, lines[i] ?? ''))];
}

/** Columns whose cells stand right. */
const NUMBERS: ReadonlySet<number> = new Set([0, 4, 5, 6]);

function stateOf({ peerId, resting }: CrawledPeerView, self: string): string {
  if (peerId === self) return 'this device';
  return resting ? 'in the background' : 'active';
}

function summary(view: CrawlView): string[] {
  const { peers, inconsistencies, tookMs } = view;
  const sum = (of: (peer: CrawledPeerView) => number): number => peers.reduce((total, peer) => total + of(peer), 0);
  const browsers = sum(({ kind }) => (kind === 'browser' ? 1 : 0));
  // Both ends count a link.
  const links = Math.round(sum(peer => peer.links) / 2);
  const records = count(
    sum(peer => peer.recordsHeld),
    'record',
  );
  const verdict = isConsistent(view)
    ? 'the ring is consistent'
    : `${count(inconsistencies.length, 'disagreement')} about the ring`;
  return [
    `${count(peers.length, 'peer')}, ${browsers} in browsers; ${count(links, 'link')}; ${records} held with all copies`,
    `walked in ${secondsText(tookMs)}: ${verdict}`,
  ];
}

/** The first 8 of 40 hex digits: enough to tell a few thousand peers apart. */
function shortId(peerId: string): string {
  return peerId.slice(0, 8);
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

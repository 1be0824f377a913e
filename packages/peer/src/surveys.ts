/**
 * Crawls and censuses of one group, as promises: one of each goes on at a
 * time, and whoever asks meanwhile gets the same. What the ring answers is made
 * into plain views, with names from the list of members.
 */
import type { CrawlReport, Inconsistency } from '@warren/overlay';
import type { CensusSum, PeerKey } from '@warren/wire';
import { PeerError } from './error.ts';
import type { GroupNetwork } from './group-network.ts';
import type { GroupOutput, SurveyStart } from './group-output.ts';
import type { CensusView, CrawledPeerView, CrawlInconsistency, CrawlView } from './view.ts';

export type SurveyOutput = Extract<GroupOutput, { kind: 'crawled' | 'gathered' }>;

/** Asks the group's machine to begin, under a tag. */
export type Begin = (what: 'crawl' | 'census', tag: number) => SurveyStart;

interface Waiting<View> {
  readonly tag: number;
  readonly result: Promise<View>;
  readonly resolve: (view: View) => void;
  readonly reject: (error: PeerError) => void;
  readonly listeners: ((view: View) => void)[];
}

/** The surveys of one group. */
export class Surveys {
  private readonly network: GroupNetwork;
  private readonly begin: Begin;
  private nextTag = 0;
  private isOver = false;
  private crawling: Waiting<CrawlView> | undefined;
  private counting: Waiting<CensusView> | undefined;

  constructor(network: GroupNetwork, begin: Begin) {
    this.network = network;
    this.begin = begin;
  }

  /** Walks the ring; `onProgress` hears twice a second what is known so far. */
  crawl(onProgress?: (view: CrawlView) => void): Promise<CrawlView> {
    const crawling = this.crawling ?? waiting<CrawlView>(this.nextTag++);
    if (onProgress !== undefined) crawling.listeners.push(onProgress);
    if (this.crawling === crawling) return crawling.result;
    this.crawling = crawling;
    const start = this.start('crawl', crawling.tag);
    if (start !== 'begun') {
      this.crawling = undefined;
      crawling.reject(refusal(start, 'walk round the ring'));
    }
    return crawling.result;
  }

  /** Counts everybody; rejects with `busy` when that was done too often just now. */
  census(): Promise<CensusView> {
    if (this.counting !== undefined) return this.counting.result;
    const counting = waiting<CensusView>(this.nextTag++);
    this.counting = counting;
    const start = this.start('census', counting.tag);
    if (start !== 'begun') {
      this.counting = undefined;
      counting.reject(refusal(start, 'count'));
    }
    return counting.result;
  }

  /** Takes what the group's machine has found. */
  output(out: SurveyOutput): void {
    if (out.kind === 'crawled') this.crawled(out.tag, out.report);
    else if (this.counting?.tag === out.tag) {
      const { resolve } = this.counting;
      this.counting = undefined;
      resolve(censusView(out.sum, out.tookMs));
    }
  }

  /** The group is over for this participant: nobody waits for ever, and nothing begins. */
  stop(): void {
    this.isOver = true;
    for (const each of [this.crawling, this.counting]) each?.reject(refusal(this.ending(), ''));
    this.crawling = undefined;
    this.counting = undefined;
  }

  private start(what: 'crawl' | 'census', tag: number): SurveyStart {
    return this.isOver ? this.ending() : this.begin(what, tag);
  }

  private ending(): 'removed' | 'left' {
    return this.network.isRemoved ? 'removed' : 'left';
  }

  private crawled(tag: number, report: CrawlReport): void {
    const { crawling } = this;
    if (crawling?.tag !== tag) return;
    const view = crawlView(report, key => this.nameOf(key));
    if (!report.isOver) {
      for (const listener of crawling.listeners) listener(view);
      return;
    }
    this.crawling = undefined;
    crawling.resolve(view);
  }

  private nameOf(key: PeerKey): string | undefined {
    const member = this.network.directory.get(key);
    return member && `${member.device}.${member.user}`;
  }
}

function waiting<View>(tag: number): Waiting<View> {
  let resolve: (view: View) => void = () => {};
  let reject: (error: PeerError) => void = () => {};
  const result = new Promise<View>((ok, failed) => {
    resolve = ok;
    reject = failed;
  });
  return { tag, result, resolve, reject, listeners: [] };
}

function refusal(why: Exclude<SurveyStart, 'begun'>, what: string): PeerError {
  switch (why) {
    case 'removed':
      return new PeerError('removed', 'This device was removed from the group.');
    case 'left':
      return new PeerError('left', 'This device has left the group.');
    case 'busy':
      return new PeerError('busy', `This device asked for another ${what} just now.`, 'Try again in a few seconds.');
  }
}

/** What a census found. */
export function censusView(sum: CensusSum, tookMs: number): CensusView {
  return { ...sum, links: Math.round(sum.links / 2), tookMs: Math.round(tookMs) };
}

/** What a crawl found, with the names of those who are known. */
export function crawlView(report: CrawlReport, nameOf: (key: PeerKey) => string | undefined): CrawlView {
  const { isComplete: complete, tookMs } = report;
  const peers = report.peers.map(({ peer, hostKind, links, records, isResting, ...rest }): CrawledPeerView => {
    const { successors, predecessors, rttMs } = rest;
    const name = nameOf(peer);
    return {
      peerId: peer,
      ...(name === undefined ? {} : { name }),
      kind: hostKind,
      links,
      recordsHeld: records,
      resting: isResting,
      successors,
      predecessors,
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 100) / 100 }),
    };
  });
  const inconsistencies = report.inconsistencies.map(each => inconsistencyView(each, nameOf));
  return { peers, inconsistencies, complete, tookMs: Math.round(tookMs) };
}

const WORDS = {
  successor: 'next peer clockwise',
  'second-successor': 'second peer clockwise',
  predecessor: 'next peer counter-clockwise',
  'second-predecessor': 'second peer counter-clockwise',
} as const;

function inconsistencyView(
  { kind, at, expected, found }: Inconsistency,
  nameOf: (key: PeerKey) => string | undefined,
): CrawlInconsistency {
  const shown = (key: PeerKey) => nameOf(key) ?? key.slice(0, 8);
  const text =
    kind === 'silent'
      ? `${shown(at)} does not answer; ${shown(expected)} named it.`
      : `${shown(at)} names ${found === undefined ? 'nobody' : shown(found)} as its ${WORDS[kind]}; it is ${shown(expected)}.`;
  return { kind, at, expected, ...(found === undefined ? {} : { found }), text };
}

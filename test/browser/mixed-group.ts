/**
 * A group of tabs and members in Node on a site in this process: so many that
 * not everybody is linked to everybody, and members pass on what others say.
 */
import { type GroupView, listOf } from '@warren/peer';
import type { Page } from 'playwright';
import { NodeMember } from './node-member.ts';
import { Person } from './person.ts';
import { startTestSite, type TestSite } from './test-site.ts';

const GROUP = 'Hikers';
const PATIENCE_MS = 120_000;

/** What members do for others, added up. */
export interface Duties {
  readonly members: number;
  /** Datagrams passed on, in the group. */
  readonly forwarded: number;
  /** Datagrams relayed between two who cannot meet, in the group. */
  readonly relayed: number;
  /** Records held, in the group. */
  readonly records: number;
  /** Links, each counted at both ends. */
  readonly links: number;
  /** Broadcasts that came. */
  readonly taken: number;
  /** Parts of the ring that they were handed on to. */
  readonly handedOn: number;
}

/** The members and their site. */
export class MixedGroup {
  readonly site: TestSite;
  /** The first of them administrates the group. */
  readonly tabs: readonly Person[];
  readonly nodes: readonly NodeMember[];

  private constructor(site: TestSite, tabs: readonly Person[], nodes: readonly NodeMember[]) {
    this.site = site;
    this.tabs = tabs;
    this.nodes = nodes;
  }

  /** Joins a person in each of these pages, each of a profile of its own, and `nodes` members in Node. */
  static async make(
    pages: readonly Page[],
    nodes: number,
    step: (line: string) => void = () => {},
  ): Promise<MixedGroup> {
    const site = await startTestSite();
    const tabs = pages.map((page, i) => Person.at(page, i === 0 ? 'Ada' : `Bob ${i}`));
    const [ada, ...others] = tabs as [Person, ...Person[]];
    await ada.setUp(site.setupLink);
    await ada.createGroup(GROUP);
    await ada.joinInTab('tab');
    for (const person of others) await person.acceptInvite(await ada.invite(true), GROUP);
    await Promise.all(others.map(person => person.joined()));
    step(`${tabs.length} tabs have joined`);
    const group = (await ada.view()).groups[0]?.group ?? '';
    const members: NodeMember[] = [];
    // One after another: a crowd that comes at once is for the simulator to measure.
    for (let i = 0; i < nodes; i++) {
      const member = await NodeMember.join(ada.page, group, `node-${i}`);
      await member.linked();
      members.push(member);
    }
    step(`${nodes} members in Node have joined`);
    return new MixedGroup(site, tabs, members);
  }

  /** Waits until everybody knows everybody, and has an address. */
  async complete(): Promise<void> {
    const all = this.tabs.length + this.nodes.length;
    const knowsAll = ({ members }: GroupView): boolean =>
      members.filter(({ online, address }) => online && address !== undefined).length === all;
    for (const giveUp = performance.now() + PATIENCE_MS; ; ) {
      const lacking = (await this.views()).filter(view => !knowsAll(view));
      if (lacking.length === 0) return;
      if (performance.now() > giveUp) throw new Error(`${lacking.length} of ${all} members do not know all others`);
      await new Promise(resolve => setTimeout(resolve, 250));
    }
  }

  /** The views of all tabs, then those of all members in Node. */
  async views(): Promise<GroupView[]> {
    const tabs = this.tabs.map(async tab => (await tab.view()).groups[0] as GroupView);
    return [...(await Promise.all(tabs)), ...this.nodes.map(node => node.view())];
  }

  /** Everybody says one line to each member that it has no link to. Returns how many lines went. */
  async talkAcross(): Promise<number> {
    let lines = 0;
    for (const [i, view] of (await this.views()).entries()) {
      const linked = new Set(view.links.map(({ peerId }) => peerId));
      for (const { peerId, self, online } of view.members) {
        if (self || !online || linked.has(peerId)) continue;
        const sent =
          i < this.tabs.length ? this.tabs[i]?.say(peerId, 'across') : this.node(i)?.group.sendText(peerId, 'across');
        if (await sent) lines++;
      }
    }
    return lines;
  }

  /**
   * Keeps two pairs of members in Node from meeting, and a last one from all of them, so that it needs tabs; waits
   * until others relay between them, and has them talk.
   */
  async talkThroughRelays(lines: number): Promise<void> {
    const [a, b, c, d, apart] = this.nodes as [NodeMember, NodeMember, NodeMember, NodeMember, NodeMember];
    const pairs = [
      [a, b],
      [c, d],
      [apart, a],
    ] as const;
    NodeMember.part(a, b);
    NodeMember.part(c, d);
    for (const other of [a, b, c, d]) NodeMember.part(apart, other);
    for (const giveUp = performance.now() + PATIENCE_MS; !pairs.every(([from, to]) => isRelayed(from, to)); ) {
      if (performance.now() > giveUp) throw new Error('nobody relays between two who cannot meet');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    for (let line = 0; line < lines; line++) {
      for (const [from, to] of pairs) await from.group.sendText(to.view().self.peerId, 'relayed');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  /**
   * Removes the last member in Node from the group at the site, and lets another in Node spread it. Resolves with how
   * long it took, in ms, until all others had dropped it.
   */
  async removeLastNode(patienceMs: number): Promise<number> {
    const last = this.nodes.at(-1);
    const teller = this.nodes[0];
    if (last === undefined || teller === undefined || last === teller)
      throw new Error('two members in Node are needed');
    const { group, self } = last.view();
    const list = listOf(await removeDevice(this.tabs[0]?.page, group, self.peerId));
    if (list === undefined) throw new Error('the site gave no list of removed members');
    const startedAt = performance.now();
    teller.group.learnRevocations(list);
    for (;;) {
      const views = (await this.views()).filter(view => view.self.peerId !== self.peerId);
      const late = views.filter(({ members }) => members.some(({ peerId }) => peerId === self.peerId));
      const tookMs = performance.now() - startedAt;
      if (late.length === 0) return tookMs;
      if (tookMs > patienceMs) throw new Error(`${late.length} members still list the one that was removed`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** What tabs do for others, and what all do. */
  async duties(): Promise<{ readonly tabs: Duties; readonly all: Duties }> {
    const views = await this.views();
    return { tabs: sum(views.slice(0, this.tabs.length)), all: sum(views) };
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.nodes.map(node => node.stop()));
    await this.site.end();
  }

  private node(i: number): NodeMember | undefined {
    return this.nodes[i - this.tabs.length];
  }
}

function isRelayed(from: NodeMember, to: NodeMember): boolean {
  const { peerId } = to.view().self;
  return from.view().links.some(link => link.peerId === peerId && link.kind === 'relay');
}

/** Takes a device out of the group as the administrator at `page`; gives the signed list of those who are out. */
async function removeDevice(page: Page | undefined, group: string, peerId: string): Promise<string> {
  if (page === undefined) throw new Error('there is no administrator');
  return page.evaluate(async path => {
    const response = await fetch(path, { method: 'DELETE', headers: { 'x-warren': '1' } });
    return ((await response.json()) as { list: string }).list;
  }, `/api/groups/${group}/devices/${peerId}`);
}

function sum(views: readonly GroupView[]): Duties {
  const of = (figure: (view: GroupView) => number): number => views.reduce((total, view) => total + figure(view), 0);
  return {
    members: views.length,
    forwarded: of(({ forwarded }) => forwarded),
    relayed: of(({ relayed }) => relayed?.datagrams ?? 0),
    records: of(({ recordsHeld }) => recordsHeld),
    links: of(({ links }) => links.length),
    taken: of(({ broadcasts }) => broadcasts?.taken ?? 0),
    handedOn: of(({ broadcasts }) => broadcasts?.handedOn ?? 0),
  };
}

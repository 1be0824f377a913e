/**
 * What share of the work for others tabs carry in a group of tabs and members
 * in Node: datagrams passed on, records held, broadcasts handed on. The group
 * is larger than anybody's links reach; members talk to those without a link,
 * so that others pass it on, until links are made for that traffic.
 */
import type { Browser, Page } from 'playwright';
import { launch } from '../browser/chromium.ts';
import { type Duties, MixedGroup } from '../browser/mixed-group.ts';
import { type Bench, type Figures, rounded } from './bench.ts';

const TABS = 3;
const NODES = 11;
const ROUNDS = 4;
const ROUND_MS = 1_000;
const PATIENCE_MS = 60_000;

export const tabDuties: Bench = {
  summary: `what ${TABS} tabs do for others in a group with ${NODES} members in Node`,
  needs: ['chromium'],
  async run({ step }) {
    const browser = await launch();
    let group: MixedGroup | undefined;
    try {
      group = await MixedGroup.make(await newPages(browser), NODES, step);
      await group.complete();
      step('everybody knows everybody');
      const joined = await group.duties();
      step('members talk to those without a link');
      const lines = await talk(group);
      step('a member is removed');
      const removalMs = await group.removeLastNode(PATIENCE_MS);
      const { tabs, all } = await group.duties();
      const ok = tabs.forwarded > 0 && tabs.records > 0 && tabs.taken >= TABS && tabs.handedOn > 0;
      const figures = { ...shares(tabs, all), ...whileJoining(joined), lines, removalMs: Math.round(removalMs) };
      return ok ? { ok, figures } : { ok, why: 'tabs had no part in one of the duties', figures };
    } finally {
      await group?.end();
      await browser.close();
    }
  },
};

function newPages(browser: Browser): Promise<Page[]> {
  return Promise.all(Array.from({ length: TABS }, async () => (await browser.newContext()).newPage()));
}

/** How many lines went to members without a link. */
async function talk(group: MixedGroup): Promise<number> {
  let lines = 0;
  for (let round = 0; round < ROUNDS; round++) {
    lines += await group.talkAcross();
    await new Promise(resolve => setTimeout(resolve, ROUND_MS));
  }
  return lines;
}

function shares(tabs: Duties, all: Duties): Figures {
  const share = (of: (duties: Duties) => number): number => rounded(of(tabs) / of(all));
  return {
    members: all.members,
    linksPerMember: rounded(all.links / all.members),
    linksPerTab: rounded(tabs.links / tabs.members),
    forwarded: all.forwarded,
    recordsHeld: all.records,
    broadcastsTaken: all.taken,
    broadcastsHandedOn: all.handedOn,
    tabsShareOfMembers: share(duties => duties.members),
    tabsShareOfLinks: share(duties => duties.links),
    tabsShareOfForwarded: share(duties => duties.forwarded),
    tabsShareOfRecords: share(duties => duties.records),
    tabsShareOfBroadcastsTaken: share(duties => duties.taken),
    tabsShareOfBroadcastsHandedOn: share(duties => duties.handedOn),
  };
}

function whileJoining({ tabs, all }: { tabs: Duties; all: Duties }): Figures {
  return {
    forwardedWhileJoining: all.forwarded,
    tabsShareOfForwardedWhileJoining: rounded(tabs.forwarded / all.forwarded),
  };
}

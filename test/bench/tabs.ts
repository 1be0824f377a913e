/**
 * Tab to tab, through the running peers of two pages: round-trip times by the
 * peer's ping, and texts as fast as the peer takes them. A sender may have 64
 * texts under way until they are acknowledged, so what is measured is window
 * over round trip, or the processor. Both pages show another screen meanwhile:
 * a list of texts that is drawn anew for each would be measured too.
 */
import type { Page } from 'playwright';
import type { Person } from '../browser/person.ts';
import { type Figures, median, rounded } from './bench.ts';

const PINGS = 50;
const PING_EVERY_MS = 20;
const SEND_MS = 5_000;
const TEXT_BYTES = 1_000;
/** Texts that a peer has under way at most: so many of those taken may not be acknowledged at the end. */
const WINDOW = 64;
/** Within this time the last texts arrive, or never. */
const SETTLE_MS = 3_000;

export interface TabFigures {
  readonly figures: Figures;
  /** Texts that the sender took and the receiver never had. */
  readonly lost: number;
  /** How the tabs are linked. */
  readonly link: string;
}

/** Measures from one tab to another, whose address in the group is `address`. */
export async function measureTabs(from: Person, to: Person, address: string): Promise<TabFigures> {
  const { rttsMs } = await from.ping(address, PINGS, PING_EVERY_MS);
  const [group] = (await from.view()).groups;
  const member = group?.members.find(found => found.address === address);
  if (group === undefined || member === undefined) throw new Error(`${from.name}'s tab does not know ${address}`);
  await Promise.all([from.page, to.page].map(leaveTexts));
  await startCounting(to.page);
  const { taken, tookMs } = await sendTexts(from.page, group.group, member.peerId);
  const received = await stopCounting(to.page, taken);
  const acknowledged = Math.max(0, taken - WINDOW);
  return {
    figures: {
      tabRttMs: rounded(median(rttsMs)),
      tabAcknowledgedMbps: rounded((acknowledged * TEXT_BYTES * 8) / (tookMs * 1_000)),
    },
    lost: taken - received,
    link: member.link?.kind ?? 'nothing',
  };
}

/** Shows the list of groups; the participant of the page goes on. */
async function leaveTexts(page: Page): Promise<void> {
  await page.evaluate(() => {
    location.hash = '#/';
  });
  await page.getByRole('heading', { name: 'Your groups' }).waitFor();
}

/** Sends for a while, giving the page a turn whenever the peer takes no more. */
function sendTexts(page: Page, group: string, peerId: string): Promise<{ taken: number; tookMs: number }> {
  return page.evaluate(
    async ({ group, peerId, sendMs, textBytes }) => {
      const { warrenDebug } = globalThis;
      const padding = '.'.repeat(textBytes - 8);
      const turn = new MessageChannel();
      const nextTurn = () =>
        new Promise<void>(resolve => {
          turn.port1.onmessage = () => resolve();
          turn.port2.postMessage(0);
        });
      const startedAt = performance.now();
      let taken = 0;
      while (performance.now() - startedAt < sendMs) {
        if (warrenDebug.sendText(group, peerId, String(taken).padStart(8, '0') + padding)) taken++;
        else await nextTurn();
      }
      return { taken, tookMs: performance.now() - startedAt };
    },
    { group, peerId, sendMs: SEND_MS, textBytes: TEXT_BYTES },
  );
}

declare global {
  /** Numbers of the texts that came to this page while it counts. */
  var received: Set<string>;
}

/** The page keeps its last lines only: they are looked at more often than they can go by. */
async function startCounting(page: Page): Promise<void> {
  await page.evaluate(() => {
    globalThis.received = new Set();
    let seen: unknown;
    const look = (): void => {
      const lines = globalThis.warrenDebug.texts();
      for (let i = lines.length - 1; i >= 0 && lines[i] !== seen; i--) {
        globalThis.received.add((lines[i] as { text: string }).text.slice(0, 8));
      }
      seen = lines.at(-1);
      setTimeout(look, 5);
    };
    look();
  });
}

/** How many different texts came, once `expected` have or nothing more comes. */
async function stopCounting(page: Page, expected: number): Promise<number> {
  await page
    .waitForFunction(count => globalThis.received.size >= count, expected, { timeout: SETTLE_MS, polling: 50 })
    .catch(() => {});
  return page.evaluate(() => globalThis.received.size);
}

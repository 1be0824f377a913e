/**
 * What the page knows of the group site: who is signed in, the groups, whether
 * the site answers. Signals; screens read them and call the actions.
 */
import { signal } from '@preact/signals';
import { type GroupDetails, type GroupSummary, SiteError, type SiteState, siteApi, type User } from './site-api.ts';

/** `undefined` until the first answer. */
export const siteState = signal<SiteState | undefined>(undefined);
/** Who is signed in. */
export const user = signal<User | undefined>(undefined);
/** The groups of the one who is signed in; `undefined` until loaded. */
export const groups = signal<readonly GroupSummary[] | undefined>(undefined);
/** Details of the group on the screen. */
export const details = signal<GroupDetails | undefined>(undefined);
/** Unix ms since when the site does not answer; `undefined` while it does. */
export const unreachableSince = signal<number | undefined>(undefined);

/** Runs a call of the site API and notes what it tells by the way: that the site answers, that the session ended. */
export async function ask<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    const answer = await call;
    unreachableSince.value = undefined;
    return answer;
  } catch (thrown) {
    if (thrown instanceof SiteError) {
      if (thrown.status === 0) unreachableSince.value ??= Date.now();
      else unreachableSince.value = undefined;
      if (thrown.status === 401 && user.value !== undefined) signedOut();
    }
    throw thrown;
  }
}

/** Asks the site for its state and who we are. */
export async function loadState(): Promise<void> {
  const state = await ask(siteApi.state());
  siteState.value = state;
  user.value = state.user;
}

export async function loadGroups(): Promise<void> {
  groups.value = (await ask(siteApi.groups())).groups;
}

/** Loads one group, unless the page moved on meanwhile. */
export async function loadDetails(group: string, stillWanted: () => boolean): Promise<void> {
  const found = await ask(siteApi.group(group));
  if (stillWanted()) details.value = found;
}

/** Notes a new sign-in. */
export function signedIn(who: User): void {
  user.value = who;
  groups.value = undefined;
}

/** Notes that nobody is signed in. */
export function signedOut(): void {
  user.value = undefined;
  groups.value = undefined;
  details.value = undefined;
}

/**
 * Calls `work` now and then every `everyMs`, only while the page is visible, and again when it becomes so.
 * Failures are noted by `ask`. Returns what ends it.
 */
export function poll(work: () => Promise<void>, everyMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  let running = false;
  const round = async (): Promise<void> => {
    clearTimeout(timer);
    if (ended || running) return;
    running = true;
    if (!document.hidden) await work().catch(() => {});
    running = false;
    if (!ended) timer = setTimeout(round, everyMs);
  };
  document.addEventListener('visibilitychange', round);
  void round();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', round);
  };
}

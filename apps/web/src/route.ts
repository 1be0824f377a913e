/**
 * Where in the page we are. Places live in the URL fragment; so do the tokens
 * of sign-up and invite links, which leave the address bar at once and wait in
 * this tab's session storage, so that they survive a reload and sign-up.
 */
import { signal } from '@preact/signals';

export type GroupTab = 'mesh' | 'requests' | 'invites';

export type Route =
  | { readonly kind: 'groups' }
  | { readonly kind: 'group'; readonly group: string; readonly tab: GroupTab };

/** The place on the screen. */
export const route = signal<Route>({ kind: 'groups' });
/** The token of an invite link, until it is accepted or put aside. */
export const inviteToken = signal<string | undefined>(undefined);
/** The token of the first administrator's sign-up link, until used. */
export const setupToken = signal<string | undefined>(undefined);
/** A group that this tab shall join as soon as its owner is a member. */
export const joinSoon = signal<string | undefined>(undefined);

const KEPT = { 'warren-invite': inviteToken, 'warren-setup': setupToken, 'warren-join-soon': joinSoon } as const;

/** Reads the address bar now and at every change. */
export function followAddress(): void {
  for (const [key, kept] of Object.entries(KEPT)) {
    kept.value = sessionStorage.getItem(key) ?? undefined;
    kept.subscribe(value => {
      if (value === undefined) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, value);
    });
  }
  addEventListener('hashchange', readAddress);
  readAddress();
}

/** Goes to a place, as a link would. */
export function go(to: Route): void {
  location.hash = addressOf(to);
}

/** The link to a place. */
export function addressOf(to: Route): string {
  if (to.kind === 'groups') return '#/';
  return to.tab === 'mesh' ? `#/group/${to.group}` : `#/group/${to.group}/${to.tab}`;
}

/** Reads a place from a fragment; the list of groups when it names none. */
export function routeOf(fragment: string): Route {
  const match = /^#\/group\/([a-z2-7]{26})(?:\/(requests|invites))?$/.exec(fragment);
  const group = match?.[1];
  return group === undefined
    ? { kind: 'groups' }
    : { kind: 'group', group, tab: (match?.[2] as GroupTab | undefined) ?? 'mesh' };
}

function readAddress(): void {
  const token = /^#(invite|setup)=([\w-]{1,256})$/.exec(location.hash);
  if (token !== null) {
    const kept = token[1] === 'invite' ? inviteToken : setupToken;
    kept.value = token[2];
    history.replaceState(null, '', location.pathname + location.search);
  }
  route.value = routeOf(location.hash);
}

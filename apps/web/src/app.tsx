/**
 * The frame around all screens, and which screen it shows.
 */
import { announcement } from './announce.ts';
import { leaveAll } from './participant.ts';
import { useAction } from './parts/action.tsx';
import { useNow } from './parts/clock.ts';
import { addressOf, inviteToken, route, setupToken } from './route.ts';
import { GroupScreen } from './screens/group.tsx';
import { GroupsScreen } from './screens/groups.tsx';
import { InviteScreen } from './screens/invite.tsx';
import { EmptySiteScreen, SetupDoneScreen, SetupScreen, SignInScreen } from './screens/sign-in.tsx';
import { ask, signedOut, siteState, unreachableSince, user } from './site.ts';
import { siteApi } from './site-api.ts';
import { agoWords } from './words.ts';

/** The whole page. */
export function App() {
  return (
    <>
      <TopBar />
      <main class="container">
        <SiteBanner />
        <Screen />
      </main>
      <footer class="container muted">
        <small>
          Warren {siteState.value?.version ?? ''} ·{' '}
          {unreachableSince.value === undefined ? 'the group site answers' : 'the group site does not answer'}
        </small>
      </footer>
      <p class="unseen" role="status" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

function Screen() {
  const state = siteState.value;
  if (state === undefined) return unreachableSince.value === undefined ? <p aria-busy="true">Loading…</p> : null;
  if (setupToken.value !== undefined) return state.setup ? <SetupScreen /> : <SetupDoneScreen />;
  if (state.setup) return <EmptySiteScreen />;
  if (inviteToken.value !== undefined) return <InviteScreen token={inviteToken.value} />;
  if (user.value === undefined) return <SignInScreen />;
  const at = route.value;
  return at.kind === 'groups' ? <GroupsScreen /> : <GroupScreen key={at.group} group={at.group} tab={at.tab} />;
}

function TopBar() {
  const who = user.value;
  const signOut = useAction(async () => {
    await leaveAll();
    await ask(siteApi.signOut());
    signedOut();
  });
  return (
    <header class="top">
      <div class="container">
        <a class="brand" href={addressOf({ kind: 'groups' })}>
          <Mark /> Warren
        </a>
        {who === undefined ? null : (
          <div class="who-am-i">
            <span title={who.name}>{who.displayName}</span>
            <button type="button" class="small secondary outline" onClick={signOut.run} aria-busy={signOut.busy}>
              Sign out
            </button>
          </div>
        )}
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="16" r="11" />
      <path d="M16 5 8.2 23.8 27 16" />
      <circle class="peer" cx="16" cy="5" r="4" />
      <circle class="peer" cx="27" cy="16" r="4" />
      <circle class="peer" cx="8.2" cy="23.8" r="4" />
    </svg>
  );
}

function SiteBanner() {
  const now = useNow(5_000);
  const since = unreachableSince.value;
  if (since === undefined) return null;
  return (
    <div class="note problem" role="status">
      <strong>The group site stopped answering</strong> ({agoWords(since, now)}). The mesh goes on without it; joining,
      invites and requests wait until it is back. This page tries again by itself.
    </div>
  );
}

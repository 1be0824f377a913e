/**
 * The page's entry: styles, first state, first screen.
 */
import '@picocss/pico/css/pico.jade.css';
import './style.css';
import { effect, untracked } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { followAttention } from './attention.ts';
import { offerDebug } from './debug.ts';
import { farewell, lookAgain, rest, setResting, wakeUp } from './participant.ts';
import { followAddress, route } from './route.ts';
import { details, loadState, poll, user } from './site.ts';

followAddress();
offerDebug();
followAttention(setResting);
poll(loadState, 20_000);

/** What runs belongs to whoever is signed in. */
let owner: string | undefined;
effect(() => {
  const name = user.value?.name;
  if (name === owner) return;
  const before = owner;
  owner = name;
  untracked(async () => {
    if (before !== undefined) await rest();
    if (name !== undefined) await wakeUp();
  });
});

effect(() => {
  const name = route.value.kind === 'group' ? details.value?.name : undefined;
  const waiting = details.value?.requests?.length ?? 0;
  document.title = name === undefined ? 'Warren' : `${waiting > 0 ? `(${waiting}) ` : ''}${name} · Warren`;
});

// Before the host's own listener closes the connections, the peer says goodbye.
addEventListener('pagehide', farewell, { capture: true });
addEventListener('online', lookAgain);
document.addEventListener('resume', lookAgain);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) lookAgain();
});
// A page that the browser kept frozen comes back without its connections.
addEventListener('pageshow', event => {
  if (event.persisted) location.reload();
});

const root = document.getElementById('app');
if (root !== null) render(<App />, root);

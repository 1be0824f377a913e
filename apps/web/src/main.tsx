/**
 * The page's entry: styles, first state, first screen.
 */
import '@picocss/pico/css/pico.jade.css';
import './style.css';
import { effect, untracked } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { offerDebug } from './debug.ts';
import { farewell, lookAgain, wakeUp } from './participant.ts';
import { followAddress } from './route.ts';
import { loadState, poll, user } from './site.ts';

followAddress();
offerDebug();
poll(loadState, 20_000);

let awake: string | undefined;
effect(() => {
  const name = user.value?.name;
  if (name === awake) return;
  awake = name;
  if (name !== undefined) untracked(() => void wakeUp());
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

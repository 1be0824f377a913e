/**
 * Runs in a dedicated worker, whose timers are not slowed when the page is
 * hidden: takes a delay in milliseconds, answers once when it has passed. A
 * second delay replaces the first.
 */
let timer: ReturnType<typeof setTimeout> | undefined;

addEventListener('message', (event: MessageEvent<unknown>) => {
  clearTimeout(timer);
  if (typeof event.data === 'number') timer = setTimeout(() => postMessage(true), event.data);
});

/** Signals that ask a command to end. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls `listener` at the first signal only, and keeps further ones from killing us; returns what ends that. */
export function onInterrupt(listener: (signal: NodeJS.Signals) => void): () => void {
  let heard = false;
  const hear = (signal: NodeJS.Signals): void => {
    // A terminal and a launcher may both pass the same Ctrl-C on.
    if (heard) return;
    heard = true;
    listener(signal);
  };
  for (const signal of SIGNALS) process.on(signal, hear);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, hear);
  };
}

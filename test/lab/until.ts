/** Waiting for a condition in runs of the lab, where no test runner polls for us. */

const EVERY_MS = 100;

/** Resolves when `holds` does; rejects when patience ends, with what was waited for. */
export async function until(
  what: string,
  patienceMs: number,
  holds: () => boolean | Promise<boolean>,
  everyMs = EVERY_MS,
): Promise<void> {
  for (const giveUp = performance.now() + patienceMs; !(await holds()); ) {
    if (performance.now() > giveUp) throw new Error(`within ${patienceMs / 1_000} s it was not so that ${what}`);
    await sleep(everyMs);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

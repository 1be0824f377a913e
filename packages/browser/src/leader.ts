/**
 * One tab of a profile runs the participant: two would be one identity twice.
 * Tabs take turns through a Web Lock. A tab that wants its turn asks over a
 * BroadcastChannel; the leader then stops what it runs and releases. A leader
 * that does not answer (frozen, hung) loses the lock.
 */

const LOCK = 'warren-leader';
/** How long a leader has to stop before its lock is taken away. */
const PATIENCE_MS = 3_000;

/** The right of this tab to run the participant. */
export interface Leadership {
  /** Resolves when another tab wants its turn (release soon) or has taken it. */
  readonly lost: Promise<void>;
  /** Gives the turn away. Closing the tab does so too. */
  release(): void;
}

/** Takes the lead when no other tab has it; `undefined` when one has. */
export function lead(): Promise<Leadership | undefined> {
  return request({ ifAvailable: true });
}

/** Waits until no other tab leads, then takes the lead. Rejects when `signal` is aborted before. */
export function waitForLead(signal: AbortSignal): Promise<Leadership> {
  return required({ signal });
}

/** Asks the leading tab to stop, and takes the lead from it, by force after 3 s. */
export async function takeLead(): Promise<Leadership> {
  const channel = new BroadcastChannel(LOCK);
  channel.postMessage('my-turn');
  channel.close();
  try {
    return await required({ signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return required({ steal: true });
  }
}

async function required(options: LockOptions): Promise<Leadership> {
  const leadership = await request(options);
  if (leadership === undefined) throw new Error('the browser gave no lock');
  return leadership;
}

function request(options: LockOptions): Promise<Leadership | undefined> {
  if (navigator.locks === undefined) return Promise.resolve({ lost: new Promise(() => {}), release() {} });
  return new Promise((resolve, reject) => {
    let lose = (): void => {};
    let release = (): void => {};
    const lost = new Promise<void>(done => {
      lose = done;
    });
    const held = new Promise<void>(done => {
      release = done;
    });
    const granted = async (lock: Lock | null): Promise<void> => {
      if (lock === null) return resolve(undefined);
      const channel = new BroadcastChannel(LOCK);
      channel.onmessage = lose;
      resolve({ lost, release });
      await held;
      channel.close();
    };
    navigator.locks.request(LOCK, options, granted).catch(cause => {
      // Before the grant: we gave up waiting. After it: the lock was stolen.
      lose();
      release();
      reject(cause);
    });
  });
}

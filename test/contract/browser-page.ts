/**
 * What `browser-host.test.ts` runs inside Chromium: the host contract, and small
 * doors to what only a tab has. Built into one script; the test calls it by
 * `globalThis.contract`.
 */
import { browserHost, type Leadership, lead, takeLead } from '@warren/browser';
import type { PathEvent } from '@warren/peer';
import { hostContract } from './host-contract.ts';

let leadership: Leadership | undefined;
let lost = false;

const contract = {
  /** Runs the promise of that name; answers why it is broken, or nothing. */
  async run(name: string): Promise<string | undefined> {
    const promise = hostContract.find(entry => entry.name === name);
    if (promise === undefined) return 'there is no such promise';
    try {
      await promise.run(() => browserHost());
      return undefined;
    } catch (thrown) {
      return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    }
  },

  /** The public key of an identity, and whether its private half can leave the browser. */
  async identity(name: string): Promise<{ spki: number[]; algorithm: string; exportable: boolean }> {
    const host = await browserHost();
    const { spki, algorithm, keys } = await host.identity(name);
    const exported = await crypto.subtle.exportKey('pkcs8', keys.privateKey).catch(() => undefined);
    await host.datagrams.stop();
    return { spki: [...spki], algorithm, exportable: exported !== undefined };
  },

  /** Dials `url`, sends one datagram of each size, and answers all events once `count` came or 5 s passed. */
  async dial(url: string, sizes: readonly number[], count: number): Promise<string[]> {
    const { datagrams } = await browserHost();
    const seen: string[] = [];
    await new Promise<void>(resolve => {
      const note = (event: PathEvent): void => {
        seen.push(event.kind === 'datagram' ? `datagram ${event.bytes.length}` : event.kind);
        if (event.kind === 'path-up') for (const size of sizes) datagrams.send(event.path, new Uint8Array(size));
        if (seen.length === count) resolve();
      };
      datagrams.listen(note);
      datagrams.dial(url);
      setTimeout(resolve, 5_000);
    });
    await datagrams.stop();
    return seen;
  },

  /**
   * Sends 64 MiB over a data channel faster than anyone can take it. Answers how many of the 4,096 datagrams
   * arrived, and whether the channel still works afterwards.
   */
  async flood(): Promise<{ arrived: number; works: boolean }> {
    const [from, to] = [await browserHost(), await browserHost()];
    let arrived = 0;
    const path = await new Promise<string>(resolve => {
      from.datagrams.listen(event => {
        if (event.kind === 'webrtc-signal') to.datagrams.signalWebRtc('flood', event.signal);
        if (event.kind === 'path-up') resolve(event.path);
      });
      to.datagrams.listen(event => {
        if (event.kind === 'webrtc-signal') from.datagrams.signalWebRtc('flood', event.signal);
        if (event.kind === 'datagram') arrived++;
      });
      to.datagrams.openWebRtc('flood', 'answerer');
      from.datagrams.openWebRtc('flood', 'offerer');
    });
    for (let turn = 0; turn < 64; turn++) {
      for (let i = 0; i < 64; i++) from.datagrams.send(path, new Uint8Array(16_384));
      await Promise.resolve();
    }
    await new Promise(resolve => setTimeout(resolve, 500));
    const flooded = arrived;
    from.datagrams.send(path, new Uint8Array(1));
    await new Promise(resolve => setTimeout(resolve, 200));
    await Promise.all([from.datagrams.stop(), to.datagrams.stop()]);
    return { arrived: flooded, works: arrived === flooded + 1 };
  },

  /** Sets an alarm in a hidden page whose timers stand still; answers how many ms later it came. For a page of its own. */
  async hiddenAlarm(delayMs: number): Promise<number> {
    Object.defineProperty(document, 'hidden', { get: () => true });
    globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
    const { clock } = await browserHost();
    const start = clock.now();
    await new Promise<void>(resolve => clock.setAlarm(start + delayMs, resolve));
    return clock.now() - start;
  },

  /** Tries to lead, at once or by taking over; answers whether this page leads now. */
  async lead(take: boolean): Promise<boolean> {
    leadership = take ? await takeLead() : await lead();
    void leadership?.lost.then(() => {
      lost = true;
      leadership?.release();
    });
    return leadership !== undefined;
  },

  /** Whether another tab asked for its turn. */
  hasLost: (): boolean => lost,
};

export type Contract = typeof contract;

declare global {
  // biome-ignore lint/suspicious/noRedeclare: a global is declared here and set above.
  var contract: Contract;
}

globalThis.contract = contract;

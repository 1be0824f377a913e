/**
 * The host of a participant that lives in a browser tab.
 */
import { type Host, nobleCrypto } from '@warren/peer';
import { BrowserClock } from './clock.ts';
import { BrowserDatagrams } from './datagrams.ts';
import { identities } from './identity.ts';
import { browserRandom } from './random.ts';
import { openShelf } from './shelf.ts';
import { browserStorage, openStore } from './storage.ts';

/** The host of a tab. */
export interface BrowserHost extends Host {
  /**
   * STUN servers, `stun:host:port`, for WebRTC connections that are made from now on; none until then, so that no third
   * party learns of members.
   */
  useStun(servers: readonly string[]): void;
}

/**
 * Makes the host of this tab. Rejects with an Error for the person when the browser lacks what it takes.
 * When the page goes away, all connections close, so that others see it at once.
 */
export async function browserHost(): Promise<BrowserHost> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new Error('This address is not secure, so the browser hides its cryptography. Open the page over https.');
  }
  if (globalThis.indexedDB === undefined) {
    throw new Error('This browser cannot store keys (no IndexedDB). Leave private browsing or use another browser.');
  }
  const store = openStore();
  const clock = new BrowserClock();
  const datagrams = new BrowserDatagrams();
  globalThis.addEventListener?.('pagehide', () => void datagrams.stop());
  return {
    kind: 'browser',
    clock,
    random: browserRandom,
    storage: browserStorage(store),
    datagrams,
    crypto: nobleCrypto,
    identity: identities(store),
    shelf: openShelf,
    useStun(servers) {
      datagrams.stunServers = servers;
    },
  };
}

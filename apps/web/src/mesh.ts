/**
 * The page's door to the mesh: the only file that imports `peer` and the host
 * of a tab. Loaded when somebody signs in, so that the sign-in screen stays
 * small.
 */
import { browserHost, keepStorage } from '@warren/browser';
import { parseGroupFile } from '@warren/group';
import {
  enrol,
  type Fetch,
  isRemoved,
  loadMemberships,
  type Membership,
  startPeer,
  Upkeep,
  type WarrenGroup,
  type WarrenPeer,
} from '@warren/peer';

export { type Leadership, lead, takeLead, waitForLead } from '@warren/browser';
export type {
  CensusView,
  CrawledPeerView,
  CrawlView,
  GroupView,
  LinkKind,
  LinkView,
  Membership,
  MemberView,
  PeerView,
  PingOptions,
  PingReport,
  TextMessage,
  WarrenGroup,
  WarrenPeer,
} from '@warren/peer';
export { listOf } from '@warren/peer';

/** A tab's place to run a participant in: serves for one start. */
export interface Mesh {
  /** The groups that this browser has certificates for, without those that it was removed from. */
  memberships(): Promise<readonly Membership[]>;
  /** Makes a key, gets a certificate with the personal group file, and keeps both. */
  enrol(file: object): Promise<Membership>;
  /** Asks the site for the next certificate in time, and for the list of removed members, until it is stopped. */
  lookAfter(group: WarrenGroup, membership: Membership): { stop(): void };
  /** Starts the participant. */
  start(around: { readonly bootstraps: readonly string[]; readonly stun: readonly string[] }): Promise<WarrenPeer>;
}

/** The site is where the page came from, under whatever name the person typed; the page may call no other. */
const fetchFromHere: Fetch = (url, init) => fetch(new URL(new URL(url).pathname, location.origin), init);

/** Opens the mesh of this tab. Rejects with words for a person where the browser lacks something. */
export async function openMesh(): Promise<Mesh> {
  const host = await browserHost();
  return {
    async memberships() {
      const all = await loadMemberships(host);
      const dead = await Promise.all(all.map(membership => isRemoved(host, membership)));
      return all.filter((_membership, i) => dead[i] !== true);
    },
    async enrol(file) {
      const parsed = parseGroupFile(JSON.stringify(file));
      if ('error' in parsed) throw new Error(parsed.error);
      void keepStorage();
      return enrol(host, parsed, { fetch: fetchFromHere });
    },
    lookAfter: (group, membership) => new Upkeep({ host, group, membership, fetch: fetchFromHere, renewed: () => {} }),
    start({ bootstraps, stun }) {
      host.useStun(stun);
      return startPeer(host, { bootstraps });
    },
  };
}

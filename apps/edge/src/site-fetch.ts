/**
 * How requests reach a group site: over TLS or loopback only, since a secret is
 * in them; by the site's own key where the group file pins it; within a limit.
 */
import type { GroupFile } from '@warren/group';
import { pinnedFetch, ServerKeyError } from '@warren/node';
import { type Fetch, PeerError } from '@warren/peer';

const PATIENCE_MS = 15_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** A `fetch` for the site of this group file; `stopped` ends it early. */
export function siteFetch({ site, sitePin }: Pick<GroupFile, 'site' | 'sitePin'>, stopped: AbortSignal): Fetch {
  const { protocol, hostname } = new URL(site);
  const pinned = protocol === 'https:' && sitePin !== undefined ? pinnedFetch(sitePin) : undefined;
  return async (url, init) => {
    if (protocol !== 'https:' && !LOOPBACK.test(hostname)) {
      const message = `The group file leads to ${site}, which is neither https:// nor this machine.`;
      throw new PeerError('insecure-site', message, 'Secrets do not go there: the site needs TLS.');
    }
    const options = { ...init, signal: AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE_MS)]) };
    try {
      return await (pinned ?? fetch)(url, options);
    } catch (error) {
      if (!(error instanceof ServerKeyError)) throw error;
      const hint = 'If the site was set up anew, download a new group file; if not, somebody may be in between.';
      throw new PeerError('wrong-site-key', `The site at ${site} has another key than the group file says.`, hint);
    }
  };
}

/**
 * Following a neighbour whose address has changed: NAT rebinding, another
 * network. What it sealed last came from elsewhere, so both ways are asked;
 * traffic moves only if the new one answers and the one in use has not. Who
 * plays datagrams back from another address moves nothing. When to send how
 * much to an address that has not answered is `Path.maySend`.
 * Source: session.md 2.5 "Roaming"; RFC 9000 sections 9.2 and 9.3.
 */
import type { Instant } from '@warren/base';
import { Inner, PacketType } from '@warren/wire';
import type { Link } from './link.ts';
import type { Path } from './path.ts';

/** Traffic moves at most once in this time. */
export const MOVE_EVERY_MS = 2000;
/** Both ways are asked at most once in this time. */
export const ASK_EVERY_MS = 1000;

/** What a neighbour sends only on the path that it uses, in the words of RFC 9000 "non-probing" (section 9.1). */
const TRAFFIC: ReadonlySet<number> = new Set([Inner.OVERLAY, Inner.MEMBER, Inner.FRAGMENT, Inner.LINK_MESSAGE]);

/** Where the neighbour seems to be, and since when. */
export interface Candidate {
  readonly path: Path;
  readonly askedAt: Instant;
}

/** Whether a datagram of this type, with this inner byte, shows which path its sender uses. */
export function isTraffic(type: number, inner: number | undefined): boolean {
  return type === PacketType.FRAME || (inner !== undefined && TRAFFIC.has(inner));
}

/** The newest datagram of the neighbour came on `path`: returns the paths to ask now. */
export function heardFrom(link: Link, path: Path, now: Instant): readonly Path[] {
  const { best, candidate } = link;
  if (best === undefined || path === best || path.setupOnly) {
    if (path === best) link.candidate = undefined;
    return [];
  }
  const isAsked = candidate?.path === path && now - candidate.askedAt < ASK_EVERY_MS;
  if (isAsked || now - link.askedAt < ASK_EVERY_MS) return [];
  link.candidate = { path, askedAt: now };
  link.askedAt = now;
  return [path, best];
}

/** A challenge on `path` was answered: true when traffic moves there. */
export function movesTo(link: Link, path: Path, now: Instant): boolean {
  const { best, candidate } = link;
  if (candidate === undefined || best === undefined) return false;
  if (path === best || best.answeredAt >= candidate.askedAt) {
    link.candidate = undefined;
    return false;
  }
  const isAnswered = path === candidate.path && path.answeredAt >= candidate.askedAt;
  if (!isAnswered || now - link.movedAt < MOVE_EVERY_MS) return false;
  link.candidate = undefined;
  link.movedAt = now;
  best.mistrust(now);
  link.best = path;
  return true;
}

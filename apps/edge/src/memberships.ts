/**
 * Which groups a start joins: those that this machine is a member of, and the
 * one of a group file. Enrols where that is new, renews what runs out. Knows
 * nothing of networks.
 */
import { type GroupFile, withoutSecret } from '@warren/group';
import {
  enrol,
  type Fetch,
  type Host,
  isRemoved,
  isRenewalDue,
  loadMemberships,
  type Membership,
  PeerError,
  renew,
  saveMembership,
} from '@warren/peer';
import { contains, parseSubnet } from '@warren/vpn';
import { Exit, explain, Failure } from './failure.ts';
import type { Step } from './progress.ts';

/** The code of a problem that the site may solve later. */
export const WAITING = 'waiting-for-site';
/** What a site says, or does not, that may be otherwise a minute later. */
const PASSING = new Set(['site-unreachable', 'site-error', 'ca-key-locked']);

export interface Around {
  readonly fetchFor: (file: GroupFile) => Fetch;
  readonly say: (step: Step) => void;
}

export interface Gathered {
  /** None of them expired; with none at all there is one that waits. */
  readonly memberships: readonly Membership[];
  /** Expired while their site cannot renew them: to be asked for again, and joined then. */
  readonly waiting: readonly Membership[];
  /** By group id: why it was left out, or could not be renewed. */
  readonly problems: ReadonlyMap<string, Failure>;
}

/** Rejects with a `Failure` or `PeerError` when there is nothing to join or the file cannot be used. */
export async function gatherMemberships(host: Host, file: GroupFile | undefined, around: Around): Promise<Gathered> {
  const known = await loadMemberships(host);
  const added = file && (await withFile(host, file, known, around));
  const all = [...known.filter(({ file: old }) => old.group !== file?.group), ...(added ? [added] : [])];
  const [memberships, waiting]: [Membership[], Membership[]] = [[], []];
  const problems = new Map<string, Failure>();
  for (const membership of all) {
    if (await isRemoved(host, membership)) {
      problems.set(membership.file.group, removedFrom(membership.file.name));
      continue;
    }
    const [kept, problem] = await refreshed(host, membership, around.fetchFor(membership.file));
    if (problem !== undefined) problems.set(membership.file.group, problem);
    if (kept !== undefined) memberships.push(kept);
    else if (problem?.code === WAITING) waiting.push(membership);
  }
  if (memberships.length + waiting.length > 0) return { memberships, waiting, problems };
  const hint = 'Download a group file from the group page, then run `warren up ./my-group.warren`.';
  const [problem] = problems.values();
  throw problem ?? new Failure('no-group', 'This machine is in no group.', hint);
}

/** The membership for a group file: enrolled now, or known and brought up to date. */
async function withFile(
  host: Host,
  file: GroupFile,
  known: readonly Membership[],
  around: Around,
): Promise<Membership> {
  const old = known.find(membership => membership.file.group === file.group);
  if (old !== undefined) {
    checkSame(old.file, file);
    const isDead = old.leaf.notAfter <= host.clock.unixMs() || (await isRemoved(host, old));
    if (!isDead) return updated(host, old, file);
  } else checkOverlap(file, known);
  const member = `${file.device}.${file.user}`;
  around.say({ step: 'enrolling', group: file.name, member, site: file.site });
  const membership = await enrol(host, file, { fetch: around.fetchFor(file) });
  const expires = new Date(membership.leaf.notAfter).toISOString();
  around.say({ step: 'certificate', group: file.name, member, expires });
  return membership;
}

function checkSame(old: GroupFile, file: GroupFile): void {
  if (old.user !== file.user || old.device !== file.device) {
    const is = `${old.device}.${old.user}`;
    const message = `This machine is ${is} in ${old.name}, and the group file is for ${file.device}.${file.user}.`;
    const hint = 'One machine is one device: start without the file, or leave the group first with `warren leave`.';
    throw new Failure('other-device', message, hint);
  }
  if (old.ca === file.ca) return;
  const hint = 'If the group was really made anew, leave it first with `warren leave`.';
  throw new Failure('other-authority', `The group file has another authority than ${old.name} had so far.`, hint);
}

/** What a removed machine says. */
export function removedFrom(group: string): Failure {
  const hint = 'If that is a mistake, ask an administrator to let you in again; a new group file brings it back.';
  return new Failure('removed', `This machine was removed from ${group}.`, hint, Exit.notAuthorised);
}

/** A newer file of the same device may tell of a site or bootstrap nodes that moved. */
async function updated(host: Host, old: Membership, file: GroupFile): Promise<Membership> {
  if (Date.parse(file.expires) <= Date.parse(old.file.expires)) return old;
  const membership = { file: withoutSecret(file), leaf: old.leaf };
  await saveMembership(host, membership);
  return membership;
}

function checkOverlap(file: GroupFile, known: readonly Membership[]): void {
  const other = known.find(membership => overlap(membership.file.subnet, file.subnet));
  if (other === undefined) return;
  const message = `${file.name} uses ${file.subnet}, which overlaps ${other.file.subnet} of ${other.file.name}.`;
  const hint = `This machine can be in one of them: leave the other with \`warren leave\`, or use another machine.`;
  throw new Failure('overlapping-subnets', message, hint);
}

function overlap(a: string, b: string): boolean {
  const [one, other] = [parseSubnet(a), parseSubnet(b)];
  if (one === undefined || other === undefined) return false;
  return contains(one, other.network) || contains(other, one.network);
}

/**
 * Renews a membership if that is due, or `isWanted` all the same. Without membership in the answer it has run out, and the problem says so: with
 * the code `WAITING` it is worth asking again.
 */
export async function refreshed(
  host: Host,
  membership: Membership,
  fetch: Fetch,
  isWanted = false,
): Promise<[Membership | undefined, Failure | undefined]> {
  const now = host.clock.unixMs();
  if (!isWanted && !isRenewalDue(membership.leaf, now)) return [membership, undefined];
  try {
    return [await renew(host, membership, { fetch }), undefined];
  } catch (error) {
    const { name } = membership.file;
    const why = error instanceof PeerError ? error : explain(error);
    const end = new Date(membership.leaf.notAfter).toISOString().slice(0, 10);
    if (membership.leaf.notAfter <= now) {
      const message = `The certificate for ${name} ran out on ${end}, and could not be renewed: ${why.message}`;
      if (PASSING.has(why.code)) {
        const hint = `${why.hint ?? 'Look at the group site.'} It is asked every minute, and ${name} joined then.`;
        return [undefined, new Failure(WAITING, message, hint, Exit.noPath)];
      }
      const hint = why.hint ?? 'Download a new group file for this device from the group page.';
      return [undefined, new Failure('certificate-expired', message, hint, Exit.notAuthorised)];
    }
    const message = `The certificate for ${name} ends on ${end}, and could not be renewed yet: ${why.message}`;
    return [membership, new Failure('not-renewed', message, why.hint)];
  }
}

/**
 * Memberships while the daemon runs: certificates are renewed, groups that wait
 * for their site are joined once it answers, and one that is left is forgotten.
 * One of these at a time, so that no renewal saves what was forgotten meanwhile.
 * Knows nothing of timers: the daemon says when.
 */
import type { GroupFile } from '@warren/group';
import { type Fetch, forgetMembership, type Host, type Membership } from '@warren/peer';
import { explain, type Failure } from './failure.ts';
import { type Gathered, refreshed, WAITING } from './memberships.ts';

/** Between questions for a right. */
export const RIGHT_ASKED_MS = 60_000;

export interface RenewalsOptions {
  readonly host: Host;
  readonly fetchFor: (file: GroupFile) => Fetch;
  /** Memberships of the groups that are joined now. */
  readonly joined: () => readonly Membership[];
  /** Goes on with the next certificate; nothing when the group is gone. */
  readonly renewed: (membership: Membership) => Promise<void>;
  readonly join: (membership: Membership) => Promise<void>;
  /** Takes a group out that was forgotten; nothing when it was not joined. */
  readonly left: (group: string) => Promise<void>;
}

/** What becomes of memberships. */
export class Renewals {
  /** By group id: why it was left out, or its certificate could not be renewed. */
  readonly problems: Map<string, Failure>;
  private readonly o: RenewalsOptions;
  private readonly waits: Map<string, Membership>;
  private readonly askedAt = new Map<string, number>();
  private renewing: Promise<void> | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(o: RenewalsOptions, { waiting, problems }: Pick<Gathered, 'waiting' | 'problems'>) {
    this.o = o;
    this.problems = new Map(problems);
    this.waits = new Map(waiting.map(membership => [membership.file.group, membership]));
  }

  /** Memberships that have run out, for which the site is asked each time. */
  get waiting(): readonly Membership[] {
    return [...this.waits.values()];
  }

  /** Renews what is due, and joins what waited; while that goes on it is the same promise. Never rejects. */
  renewAll(): Promise<void> {
    this.renewing ??= this.inTurn(() => this.renewEach()).finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  /**
   * Asks for a certificate with a right that the present one lacks and an administrator may have given since: rights
   * hold from the next certificate on. Tells whether there is one now; at most once in `RIGHT_ASKED_MS` the site is asked.
   */
  async hasRight(group: string, right: Membership['leaf']['rights'][number]): Promise<boolean> {
    const membership = this.o.joined().find(({ file }) => file.group === group);
    if (membership === undefined || membership.leaf.rights.includes(right)) return membership !== undefined;
    const now = this.o.host.clock.unixMs();
    if (now < (this.askedAt.get(group) ?? Number.NEGATIVE_INFINITY) + RIGHT_ASKED_MS) return false;
    this.askedAt.set(group, now);
    await this.renewNow(group);
    return this.o.joined().some(({ file, leaf }) => file.group === group && leaf.rights.includes(right));
  }

  /** Asks for the next certificate of a joined group though this one is good, since the site has changed what it says. Never rejects. */
  renewNow(group: string): Promise<void> {
    const work = async (): Promise<void> => {
      const membership = this.o.joined().find(({ file }) => file.group === group);
      if (membership !== undefined) await this.renewOne(membership, true);
    };
    return this.inTurn(work).catch(error => void this.problems.set(group, explain(error)));
  }

  /**
   * Takes a group out and forgets its membership, after a renewal that goes on: in that order, since a group that runs
   * holds its records and goes on keeping what it meets. Rejects when the group did not go as it should, forgotten all the same.
   */
  forget(group: string): Promise<void> {
    return this.inTurn(async () => {
      this.waits.delete(group);
      this.problems.delete(group);
      try {
        await this.o.left(group);
      } finally {
        await forgetMembership(this.o.host, group);
      }
    });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  private async renewEach(): Promise<void> {
    for (const membership of [...this.o.joined(), ...this.waiting]) {
      const { group } = membership.file;
      try {
        await this.renewOne(membership);
      } catch (error) {
        this.problems.set(group, explain(error));
      }
    }
  }

  private async renewOne(membership: Membership, isWanted = false): Promise<void> {
    const { file } = membership;
    const isWaiting = this.waits.has(file.group);
    const [renewed, problem] = await refreshed(this.o.host, membership, this.o.fetchFor(file), isWanted);
    if (problem === undefined) this.problems.delete(file.group);
    else this.problems.set(file.group, problem);
    if (isWaiting && renewed !== undefined) {
      this.waits.set(file.group, renewed);
      await this.o.join(renewed);
      this.waits.delete(file.group);
    } else if (isWaiting && problem?.code !== WAITING) {
      this.waits.delete(file.group);
    } else if (renewed !== undefined && renewed !== membership) {
      await this.o.renewed(renewed);
    }
  }
}

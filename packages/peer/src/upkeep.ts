/**
 * What a running membership needs of its site from time to time: the newest
 * list of removed members, and the next certificate before this one runs out or
 * as soon as it is outdated.
 * Nothing here is needed from minute to minute: with the site away for days
 * everything else goes on. Dates are compared with the wall clock when a timer
 * fires, since timers do not count sleep.
 */
import { type Fetch, isRenewalDue, type Membership, renew } from './enrol.ts';
import type { WarrenGroup } from './group.ts';
import type { Host } from './host.ts';
import { fetchRevocations } from './kept-revocations.ts';

/** The list is asked for so often, +- 20 %, so that of many members one learns of a removal soon and tells the others. */
const LIST_MS = 600_000;
/** The next certificate is asked for so often while it is due, +- 20 %. */
const RENEWAL_MS = 3_600_000;
/** The same while the certificate has run out or is outdated, or a newer list is known to exist. */
const URGENT_MS = 60_000;
/** How often it looks whether anything is due. */
const LOOK_MS = 20_000;

export interface UpkeepOptions {
  readonly host: Host;
  readonly group: Pick<WarrenGroup, 'learnRevocations' | 'isBehind' | 'isOutdated' | 'useCertificate'>;
  readonly membership: Membership;
  readonly fetch: Fetch;
  /** Hears of each new certificate; absent where somebody else renews. */
  readonly renewed?: (membership: Membership) => void;
  /** Hears that the certificate is outdated, every minute until it is not; where somebody else renews. */
  readonly outdated?: () => void;
  /** Hears why a renewal failed. */
  readonly failed?: (error: unknown) => void;
}

/** Looks after one joined group until it is stopped. */
export class Upkeep {
  private readonly options: UpkeepOptions;
  private membership: Membership;
  private readonly timer: ReturnType<typeof setInterval>;
  private busy: Promise<void> | undefined;
  /** Unix ms. */
  private listAt = 0;
  private renewalAt = 0;

  constructor(options: UpkeepOptions) {
    this.options = options;
    this.membership = options.membership;
    this.timer = setInterval(() => void this.look(), LOOK_MS);
    (this.timer as { unref?: () => void }).unref?.();
    void this.look();
  }

  /** Does what is due; never rejects. */
  look(): Promise<void> {
    this.busy ??= this.work().finally(() => {
      this.busy = undefined;
    });
    return this.busy;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async work(): Promise<void> {
    const { host, group, renewed, outdated } = this.options;
    const now = host.clock.unixMs();
    if (isDue(this.listAt, now, group.isBehind ? URGENT_MS : LIST_MS)) {
      this.listAt = this.later(now, group.isBehind ? URGENT_MS : LIST_MS);
      await this.lookAtList();
    }
    const { leaf } = this.membership;
    const isDueByDate = renewed !== undefined && isRenewalDue(leaf, now);
    if (!isDueByDate && !group.isOutdated) return;
    const wait = group.isOutdated || now >= leaf.notAfter ? URGENT_MS : RENEWAL_MS;
    if (!isDue(this.renewalAt, now, wait)) return;
    this.renewalAt = this.later(now, wait);
    if (renewed === undefined) outdated?.();
    else await this.renew(renewed);
  }

  private async lookAtList(): Promise<void> {
    try {
      const { fetch, group } = this.options;
      group.learnRevocations(await fetchRevocations(this.membership.file, { fetch }));
    } catch {
      // The site is away: neighbours tell, and the next look asks again.
    }
  }

  private async renew(renewed: (membership: Membership) => void): Promise<void> {
    const { host, fetch, group, failed } = this.options;
    try {
      this.membership = await renew(host, this.membership, { fetch });
      await group.useCertificate(this.membership.leaf);
      renewed(this.membership);
    } catch (error) {
      failed?.(error);
    }
  }

  private later(now: number, ms: number): number {
    const [byte = 0] = this.options.host.random.bytes(1);
    return now + ms * (0.8 + (0.4 * byte) / 255);
  }
}

/** Also when the clock was set back, or the wait has become shorter since. */
function isDue(at: number, now: number, waitMs: number): boolean {
  return now >= at || at - now > waitMs * 1.2;
}

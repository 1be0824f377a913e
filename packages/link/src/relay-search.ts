/**
 * Which relays to use towards one neighbour. Those whom both ends have a direct
 * way to are tried, four are kept, the rest is in reserve. What counts is what
 * we measured ourselves; what the neighbour says of its half only orders the
 * first tries, so that whoever lies about it gains nothing for long.
 * Source: overlay.md "Relays that choose themselves", P2 4.3; faults.md row 77.
 *
 * ```text
 * reserve --tried--> unproven --answered--> active --beaten by four others--> guest --silent--> reserve, with its time
 *    ^                  | 3 s, refused        | lost, refused
 *    `---- rest --------+---------------------'
 * ```
 *
 * What the neighbour chose and we did not is a guest as well (`Path.isGuest`): answered on, and not counted.
 */
import type { Instant } from '@warren/base';
import { type Neighbour, type PeerKey, peerKey, type Refusal, WILLINGNESS, type Willingness } from '@warren/wire';

/** Relays in use or ready to take over at once. */
export const ACTIVE_RELAYS = 4;
/** A relay that has not answered by then is passed over. */
export const TRIAL_MS = 3000;
/** Rests of a relay that did not serve, by failures in a row. */
const REST_MS: readonly number[] = [5000, 15_000, 60_000, 300_000];
/** Rests after a refusal: a quota lasts two minutes, rights and wills change seldom. */
const REFUSED_MS: Readonly<Record<Refusal, number>> = {
  'no-link': 5000,
  quota: 120_000,
  'no-right': 600_000,
  unwilling: 300_000,
};
/** What was measured of a relay in reserve is believed for so long; then it is tried again. */
const MEASURED_MS = 300_000;
/** Relays remembered beyond those of the list; the oldest go first. */
const TRIALS_MAX = 128;

/** How to choose among relays (P2 4.3). */
export type RelayChoice = 'latency' | 'stability';

/** Somebody whom both ends have a direct link to. */
export interface RelayCandidate {
  readonly peer: PeerKey;
  readonly willingness: Willingness;
  /** Of our half: how long it has been there, and its round trip. */
  readonly since: Instant;
  readonly rttMs: number | undefined;
}

/** A path through a relay that there is now. */
export interface RelayPathState {
  readonly proven: boolean;
  readonly leastRttMs: number | undefined;
  readonly isGuest: boolean;
}

/** What is to be done now. */
export interface RelayPlan {
  /** To be ours, whether there is a path already or not. */
  readonly tries: readonly PeerKey[];
  /** Does not serve. */
  readonly drops: readonly PeerKey[];
  /** Others serve better: left to the neighbour. */
  readonly leaves: readonly PeerKey[];
}

interface Trial {
  readonly at: Instant;
  rttMs: number | undefined;
  measuredAt: Instant;
  failures: number;
  restsUntil: Instant;
}

/** The search of one link. */
export class RelaySearch {
  readonly startedAt: Instant;
  /** When our list was told, and which. */
  toldAt: Instant = Number.NEGATIVE_INFINITY;
  toldVersion = -1;
  heardAt: Instant | undefined;
  /** When to look again. */
  planAt: Instant;
  /** Whether there are too few relays, and somebody to make more of. */
  isShort = false;
  /** When a link to somebody was wanted last because of it. */
  wantedAt: Instant = Number.NEGATIVE_INFINITY;
  /** Since when there has been a direct way, and relays are kept for a while only. */
  directSince: Instant | undefined;
  private heardOf: ReadonlyMap<PeerKey, Neighbour> = new Map();
  private readonly trials = new Map<PeerKey, Trial>();
  private readonly wanted = new Set<PeerKey>();

  constructor(now: Instant) {
    this.startedAt = now;
    this.planAt = now;
  }

  /** Whom the neighbour has direct links to, by its own word. */
  get listed(): ReadonlyMap<PeerKey, Neighbour> {
    return this.heardOf;
  }

  heard(neighbours: readonly Neighbour[], now: Instant): void {
    this.heardOf = new Map(neighbours.map(each => [peerKey(each.peer), each]));
    this.heardAt = now;
    this.planAt = now;
  }

  /** A relay does not serve: it rests, for longer each time. */
  failed(relay: PeerKey, now: Instant, reason?: Refusal): void {
    const trial = this.trial(relay, now);
    const rest = REST_MS[Math.min(trial.failures++, REST_MS.length - 1)] as number;
    trial.restsUntil = now + (reason === undefined ? rest : REFUSED_MS[reason]);
    trial.rttMs = undefined;
    this.planAt = now;
  }

  /** The next of the list whom to link to, the nearest by what the neighbour says first; each is named once. */
  nextWanted(isPossible: (peer: PeerKey) => boolean, now: Instant): PeerKey | undefined {
    const far = Number.POSITIVE_INFINITY;
    const order = [...this.heardOf].sort(([, a], [, b]) => (a.rttMs ?? far) - (b.rttMs ?? far) || b.ageS - a.ageS);
    const next = order.find(([peer]) => !this.wanted.has(peer) && isPossible(peer))?.[0];
    if (next === undefined) this.wanted.clear();
    else this.wanted.add(next);
    this.wantedAt = now;
    return next;
  }

  /** Decides whom to try, to drop and to leave; `inUse` is not left. */
  plan(
    candidates: readonly RelayCandidate[],
    paths: ReadonlyMap<PeerKey, RelayPathState>,
    inUse: PeerKey | undefined,
    choice: RelayChoice,
    now: Instant,
  ): RelayPlan {
    const drops = this.note(paths, now);
    const ours = new Map([...paths].filter(([relay, { isGuest }]) => !isGuest && !drops.includes(relay)));
    const pool = this.pool(candidates, now);
    const order = pool.toSorted((a, b) => this.compare(a, b, choice));
    const isTrying = [...ours.values()].some(({ proven }) => !proven);
    const room = ACTIVE_RELAYS - ours.size;
    const untried = order.filter(({ peer }) => !ours.has(peer) && !this.isMeasured(peer, now));
    const tries = (room > 0 ? [...untried, ...order.filter(({ peer }) => this.isMeasured(peer, now))] : untried)
      .map(({ peer }) => peer)
      .filter(peer => !ours.has(peer))
      .slice(0, room > 0 ? room : isTrying ? 0 : 1);
    const leaves = !isTrying && room < 0 ? this.worst(ours, order, inUse, -room) : [];
    this.planAt = this.nextAt(tries.length > 0 || isTrying, now);
    return { tries: this.begin(tries, now), drops, leaves };
  }

  /** Takes over what the paths show; names those of ours that have not answered in time. */
  private note(paths: ReadonlyMap<PeerKey, RelayPathState>, now: Instant): PeerKey[] {
    const late: PeerKey[] = [];
    for (const [relay, { proven, leastRttMs, isGuest }] of paths) {
      const trial = this.trial(relay, now);
      if (proven) {
        trial.rttMs = leastRttMs;
        trial.measuredAt = now;
        trial.failures = 0;
      } else if (!isGuest && now >= trial.at + TRIAL_MS) {
        late.push(relay);
        this.failed(relay, now);
      }
    }
    return late;
  }

  /** Those of the most willing kind of which anybody is left. */
  private pool(candidates: readonly RelayCandidate[], now: Instant): RelayCandidate[] {
    const fit = candidates.filter(({ peer }) => now >= (this.trials.get(peer)?.restsUntil ?? now));
    const best = Math.min(...fit.map(({ willingness }) => WILLINGNESS.indexOf(willingness)));
    return fit.filter(({ willingness }) => WILLINGNESS.indexOf(willingness) === best);
  }

  /** By what we measured; where we did not, by our half and what the neighbour says of the other. */
  private compare(a: RelayCandidate, b: RelayCandidate, choice: RelayChoice): number {
    if (choice === 'stability') return a.since - b.since;
    return this.roundTrip(a) - this.roundTrip(b);
  }

  private roundTrip({ peer, rttMs }: RelayCandidate): number {
    const UNKNOWN_MS = 1000;
    const said = (rttMs ?? UNKNOWN_MS) + (this.heardOf.get(peer)?.rttMs ?? UNKNOWN_MS);
    return this.trials.get(peer)?.rttMs ?? said;
  }

  private worst(
    paths: ReadonlyMap<PeerKey, RelayPathState>,
    order: readonly RelayCandidate[],
    inUse: PeerKey | undefined,
    count: number,
  ): PeerKey[] {
    const place = (relay: PeerKey): number => {
      const at = order.findIndex(({ peer }) => peer === relay);
      return at === -1 ? order.length : at;
    };
    const free = [...paths.keys()].filter(relay => relay !== inUse);
    return free.sort((a, b) => place(b) - place(a)).slice(0, count);
  }

  private isMeasured(relay: PeerKey, now: Instant): boolean {
    const trial = this.trials.get(relay);
    return trial?.rttMs !== undefined && now < trial.measuredAt + MEASURED_MS;
  }

  private begin(tries: readonly PeerKey[], now: Instant): readonly PeerKey[] {
    for (const relay of tries) {
      const { rttMs, measuredAt, failures, restsUntil } = this.trial(relay, now);
      this.trials.delete(relay);
      this.trials.set(relay, { at: now, rttMs, measuredAt, failures, restsUntil });
    }
    return tries;
  }

  private trial(relay: PeerKey, now: Instant): Trial {
    const known = this.trials.get(relay);
    if (known !== undefined) return known;
    const [oldest] = this.trials.keys();
    if (this.trials.size >= TRIALS_MAX && oldest !== undefined) this.trials.delete(oldest);
    const none = Number.NEGATIVE_INFINITY;
    const trial = { at: now, rttMs: undefined, measuredAt: none, failures: 0, restsUntil: none };
    this.trials.set(relay, trial);
    return trial;
  }

  /** When this may look different with nothing having happened: a trial is late, a rest over, a measure old. */
  private nextAt(isTrying: boolean, now: Instant): Instant {
    let at = now + (isTrying ? TRIAL_MS : MEASURED_MS);
    for (const { restsUntil } of this.trials.values()) if (restsUntil > now && restsUntil < at) at = restsUntil;
    return at;
  }
}

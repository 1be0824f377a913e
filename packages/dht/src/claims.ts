/**
 * Who holds a key when replicas disagree: whom most of them name, ties by the
 * smaller peer id (decisions.md, FIRST-CLAIM). Each storer keeps the claim that
 * it saw first, so of two writers who both hear all replicas one wins.
 */
import type { PeerKey } from '@warren/wire';

/** How a `create` ended. `failed`: nobody is known to hold the key, but too few answers came to be sure that we do. */
export type ClaimOutcome =
  | { readonly result: 'ok' | 'failed' }
  | { readonly result: 'taken'; readonly holder: PeerKey };

/** The writers that replicas name. */
export class Claims {
  private readonly places = new Map<PeerKey, Set<string>>();

  /** Notes that the replica at `place` has a record of `writer`. */
  note(writer: PeerKey, place: string): void {
    this.places.set(writer, (this.places.get(writer) ?? new Set()).add(place));
  }

  /** All writers, those with most replicas first, then by id. */
  byVotes(): PeerKey[] {
    const votes = [...this.places].map(([writer, places]) => ({ writer, votes: places.size }));
    return votes.sort((a, b) => b.votes - a.votes || (a.writer < b.writer ? -1 : 1)).map(({ writer }) => writer);
  }

  /** Decides about our own claim, which `stored` of `replicas` replicas took. Never `ok` for two writers at once. */
  outcome(self: PeerKey, stored: number, replicas: number): ClaimOutcome {
    this.places.delete(self);
    const [holder] = this.byVotes();
    const votes = this.places.get(holder ?? '')?.size ?? 0;
    const unknown = replicas - stored - [...this.places.values()].reduce((sum, places) => sum + places.size, 0);
    const winsTie = holder !== undefined && stored === votes && self < holder;
    if (stored > votes + unknown || (winsTie && unknown <= 0)) return { result: 'ok' };
    return holder === undefined || stored > votes || winsTie ? { result: 'failed' } : { result: 'taken', holder };
  }
}

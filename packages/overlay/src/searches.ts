/**
 * Questions of our own about the ring: who sits where? What is asked and what
 * comes back; what follows from it is decided in `upkeep.ts`.
 */
import { below, type Instant, type Random } from '@warren/base';
import {
  decodePeerIds,
  type OverlayDatagram,
  OverlayFlag,
  OverlayType,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
} from '@warren/wire';
import type { Forwarding, OverlayStats } from './forwarding.ts';
import type { Table } from './table.ts';

/** Why somebody is looked for. */
export type Search =
  /** Who sits beside us? */
  | { readonly kind: 'join' }
  /** Who sits at a point that we drew? */
  | { readonly kind: 'far'; readonly point: PeerId }
  /** Is a former neighbour in our ring? */
  | { readonly kind: 'former'; readonly key: PeerKey };

/** What came of a search: nobody answered when `source` is `undefined`. */
export interface Found {
  readonly search: Search;
  readonly source: PeerId | undefined;
  readonly ids: readonly PeerId[];
}

export interface SearchesOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly table: Table;
  readonly stats: OverlayStats;
  readonly forwarding: Forwarding;
}

type FirstHop = (avoid: ReadonlySet<PeerKey>) => PeerKey | undefined;
const GREEDY: FirstHop = () => undefined;

/** The searches of one overlay. */
export class Searches {
  private readonly options: SearchesOptions;
  private readonly open = new Map<number, Search>();
  private nextTag = -1;

  constructor(options: SearchesOptions) {
    this.options = options;
  }

  /** Looks for the own place, through a certain link or any, so that in time all parts of the ring are asked. */
  ownPlace(now: Instant, through?: PeerKey): void {
    const { table, random, self } = this.options;
    const firstHop: FirstHop = avoid => {
      const links = [...table.neighbours.keys()].filter(key => !avoid.has(key));
      if (through !== undefined && links.includes(through)) return through;
      return links.length === 0 ? undefined : links[below(random, links.length)];
    };
    this.ask({ kind: 'join' }, self, OverlayFlag.NOT_TARGET, firstHop, now);
  }

  /** Asks who sits at a point. */
  at(point: PeerId, now: Instant): void {
    this.ask({ kind: 'far', point }, point, 0, GREEDY, now);
  }

  /** Asks whether a former neighbour is in our ring. */
  forFormer(key: PeerKey, now: Instant): void {
    const id = peerIdFromKey(key);
    if (id !== undefined) this.ask({ kind: 'former', key }, id, 0, GREEDY, now);
  }

  /** Takes the answer to a search, or its lack; `undefined` when the tag is of another. */
  answered(tag: number, answer: OverlayDatagram | undefined): Found | undefined {
    const search = this.open.get(tag);
    if (search === undefined) return undefined;
    this.open.delete(tag);
    const ids = answer?.type === OverlayType.FOUND ? decodePeerIds(answer.payload) : undefined;
    if (answer !== undefined && ids === undefined) this.options.stats.malformed++;
    return { search, source: answer?.source, ids: ids ?? [] };
  }

  /** Forgets all. */
  clear(): void {
    this.open.clear();
  }

  private ask(search: Search, target: PeerId, flags: number, firstHop: FirstHop, now: Instant): void {
    const tag = this.nextTag--;
    this.open.set(tag, search);
    const payload = new Uint8Array(0);
    this.options.forwarding.ask({ type: OverlayType.FIND, target, flags, payload, maySelf: false, firstHop }, tag, now);
  }
}

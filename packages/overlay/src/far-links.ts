/**
 * Far links: each has a point on the ring, drawn harmonically by ourselves, and
 * is held by a peer near that point. Of the peers around the point others are
 * tried, one link at a time, and the one with the lowest round trip keeps the
 * place: measured by ourselves, so that nobody can talk itself into our table.
 * Pure bookkeeping; links are asked for in `upkeep.ts`.
 * Source: Symphony (harmonic draw, drawn again when N has doubled); P2 4 (proximity).
 */
import { below, type Random } from '@warren/base';
import { type PeerId, type PeerKey, peerKey } from '@warren/wire';
import { farLinkCount } from './ring.ts';
import type { Table } from './table.ts';

/** Peers known on each side of a point that are tried: about eight in all (overlay.md). */
const AROUND = 4;
/** Tries for a point, beside whoever was there first; fewer where links are dear. */
const TRIES = 7;
const TRIES_TIGHT = 2;
/** Whoever may have fewer links than this pays dearly for each: a tab. */
const TIGHT_BUDGET = 64;
/** A rival has to be nearer by so much, or links would change places over a millisecond. */
const NEARER = 0.9;
/** A point was drawn for a ring of some size; it is drawn anew when that has changed by so much. */
const OUTGROWN = 2;

interface FarLink {
  readonly point: PeerId;
  /** Estimate of N at the draw. */
  readonly peers: number;
  holder: PeerKey;
  /** Marks of who has been tried. */
  readonly tried: number[];
}

interface Rival {
  readonly link: FarLink;
  readonly key: PeerKey;
}

export interface FarLinksOptions {
  readonly table: Table;
  readonly random: Random;
  readonly linkBudget: number;
  /** Whether a peer may be dialled now. */
  readonly mayDial: (key: PeerKey) => boolean;
}

/** The far links of one overlay. */
export class FarLinks {
  private readonly options: FarLinksOptions;
  private readonly tries: number;
  private links: FarLink[] = [];
  private rival: Rival | undefined;

  constructor(options: FarLinksOptions) {
    this.options = options;
    this.tries = options.linkBudget < TIGHT_BUDGET ? TRIES_TIGHT : TRIES;
  }

  /** Whether a ring of so many peers wants another far link of ours. */
  isWanted(peers: number): boolean {
    return this.links.length < farLinkCount(peers);
  }

  /** Whether a link holds a point. */
  holds(key: PeerKey): boolean {
    return this.links.some(({ holder }) => holder === key);
  }

  /** Whether a link holds a point, or is being tried for one. */
  uses(key: PeerKey): boolean {
    return this.rival?.key === key || this.holds(key);
  }

  /** Gives a point to a peer. */
  take(point: PeerId, holder: PeerKey, peers: number): void {
    this.links.push({ point, peers, holder, tried: [markOf(holder)] });
  }

  /** A link is gone, or did not come about. */
  lost(key: PeerKey): void {
    this.links = this.links.filter(({ holder }) => holder !== key);
    const { rival } = this;
    if (rival !== undefined && (rival.key === key || !this.links.includes(rival.link))) this.rival = undefined;
  }

  /** Gives up one link that was drawn for a ring of another size, or one beyond the number wanted. */
  outgrown(peers: number): void {
    const isOutgrown = (link: FarLink) => peers > link.peers * OUTGROWN || peers * OUTGROWN < link.peers;
    const old = this.links.find(isOutgrown);
    if (old !== undefined) this.lost(old.holder);
  }

  /** Ends the trial of a rival: the nearer one holds the point from now on. Returns the other. */
  settle(): PeerKey | undefined {
    const { rival } = this;
    this.rival = undefined;
    if (rival === undefined) return undefined;
    const { link, key } = rival;
    const former = link.holder;
    if (!this.isBetter(key, former)) return key;
    link.holder = key;
    return former;
  }

  /** Chooses whom to try next: to be dialled by the caller, who lets go of it again after `settle`. */
  next(): PeerKey | undefined {
    for (const link of this.links) {
      if (link.tried.length > this.tries || this.rttMs(link.holder) === undefined) continue;
      const key = this.choose(link);
      if (key === undefined) continue;
      link.tried.push(markOf(key));
      this.rival = { link, key };
      return key;
    }
    return undefined;
  }

  private choose(link: FarLink): PeerKey | undefined {
    const { table, random, mayDial } = this.options;
    const near = table.near();
    const isNew = (key: PeerKey) => !link.tried.includes(markOf(key)) && !near.has(key) && !this.holds(key);
    const keys = table.around(link.point, AROUND).map(peerKey);
    const open = keys.filter(key => isNew(key) && (table.neighbours.has(key) || mayDial(key)));
    return open.length === 0 ? undefined : open[below(random, open.length)];
  }

  /** Whoever rests is chosen last; an unmeasured one has no case. */
  private isBetter(rival: PeerKey, holder: PeerKey): boolean {
    const [a, b] = [this.options.table.neighbours.get(rival), this.options.table.neighbours.get(holder)];
    if (a?.rttMs === undefined || b?.rttMs === undefined) return false;
    if (a.isResting !== b.isResting) return b.isResting;
    return a.rttMs < b.rttMs * NEARER;
  }

  private rttMs(key: PeerKey): number | undefined {
    return this.options.table.neighbours.get(key)?.rttMs;
  }
}

/** 28 bits of an id: enough to know again who was tried, and no string to keep. */
function markOf(key: PeerKey): number {
  return Number.parseInt(key.slice(0, 7), 16);
}

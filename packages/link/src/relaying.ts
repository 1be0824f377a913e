/**
 * Passing datagrams on between two direct neighbours (P2 4.3): what a relay
 * does for others. It sees the bytes of their session and cannot open them. Not
 * here: whom we ask to relay for us, which is `relays.ts`.
 *
 * A datagram that is refused is answered with a reason, no larger than itself
 * and not each time. What is passed on is rewritten where it lies, and sealed
 * for the other: nothing else is allocated.
 */
import { Buckets, type Instant, type Rate } from '@warren/base';
import type { PathId } from '@warren/session';
import {
  encodeRelayed,
  Inner,
  onwardTo,
  type PeerKey,
  passOn,
  REFUSALS,
  type Refusal,
  type Willingness,
} from '@warren/wire';
import { PATH_RANK, pathKind } from './candidates.ts';
import type { Link } from './link.ts';
import type { Outbound } from './outbound.ts';
import { LastKey } from './relay-paths.ts';
import { RelayQuotas } from './relay-quotas.ts';

/** Refusals that one neighbour is told. */
const TOLD: Rate = { burst: 8, perSecond: 4 };
const BODY_AT = 1;

export interface RelayingOptions {
  readonly links: ReadonlyMap<PeerKey, Link>;
  /** Whether neighbours are strangers, who have quotas. */
  readonly strangers: boolean;
  /** Whether our certificate lets us pass on others' traffic. */
  readonly mayRelay: () => boolean;
  /** When we do. All but `never` is for those who ask to heed. */
  readonly willingness: () => Willingness;
  readonly outbound: Outbound;
}

/** What was passed on for others, and what was not. */
export interface RelayingStats {
  datagrams: number;
  bytes: number;
  readonly refused: Record<Refusal, number>;
}

/** Whether a neighbour can be one end of a relayed path: we have a direct way to it that can be used. */
export function isLeg(link: Link): boolean {
  return link.announced && link.best !== undefined && link.best.rank < PATH_RANK.relay;
}

/** The relay of one network. */
export class Relaying {
  readonly stats: RelayingStats = {
    datagrams: 0,
    bytes: 0,
    refused: Object.fromEntries(REFUSALS.map(reason => [reason, 0])) as Record<Refusal, number>,
  };
  private readonly options: RelayingOptions;
  private readonly quotas: RelayQuotas | undefined;
  private readonly told = new Buckets(TOLD);
  private readonly keys = new LastKey();

  constructor(options: RelayingOptions) {
    this.options = options;
    this.quotas = options.strangers ? new RelayQuotas() : undefined;
  }

  /** Passes on what a neighbour sent on `path`, inner byte in front; false when it asks for nothing of the kind. */
  pass(from: Link, path: PathId, plaintext: Uint8Array, now: Instant): boolean {
    const body = plaintext.subarray(BODY_AT);
    const target = onwardTo(body);
    if (target === undefined) return false;
    const to = this.options.links.get(this.keys.of(target));
    const refusal = this.refusal(from, path, to, body.length, now);
    if (refusal !== undefined) this.refuse(from, refusal, target, now);
    else if (to?.best !== undefined) {
      passOn(body, from.identity.leaf.peerId);
      if (!this.options.outbound.whole(to, to.best, plaintext, now)) return true;
      from.relayedAt = now;
      to.relayedAt = now;
      this.stats.datagrams++;
      this.stats.bytes += body.length;
    }
    return true;
  }

  /** No relay over relay: both legs are direct. */
  private refusal(from: Link, path: PathId, to: Link | undefined, bytes: number, now: Instant): Refusal | undefined {
    if (!this.options.mayRelay()) return 'no-right';
    if (this.options.willingness() === 'never') return 'unwilling';
    if (to === undefined || to === from || !isLeg(to) || PATH_RANK[pathKind(path)] >= PATH_RANK.relay) return 'no-link';
    return this.quotas === undefined || this.quotas.take(from.peer, to.peer, bytes, now) ? undefined : 'quota';
  }

  private refuse(from: Link, reason: Refusal, target: Uint8Array, now: Instant): void {
    this.stats.refused[reason]++;
    if (from.best === undefined || !this.told.take(from.peer, now)) return;
    const refused = encodeRelayed({ direction: 'refused', peer: target, reason });
    this.options.outbound.message(from, from.best, Inner.RELAYED, refused, now);
  }
}

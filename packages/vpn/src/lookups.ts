/**
 * Frames and the owners that they wait for: what is known, what is asked for and how often, and what waits meanwhile.
 * Not here: what a frame must look like. `owners.ts` and `pending.ts` have the parts.
 */
import { Bucket, Buckets, earliest, type Instant, sameBytes } from '@warren/base';
import { type PeerId, peerKey } from '@warren/wire';
import {
  FINDS_BURST,
  FINDS_PER_SECOND,
  PEER_FINDS_BURST,
  PEER_FINDS_PER_SECOND,
  RATED_PEERS_MAX,
  RETRY_ADDRESSES_MAX,
} from './constants.ts';
import { Owners, type Ownership } from './owners.ts';
import { Pending } from './pending.ts';
import type { InboundDrop, OutboundDrop, VpnStats } from './stats.ts';

/** A frame from a peer. */
export interface Inbound {
  readonly peerId: PeerId;
  readonly frame: Uint8Array;
}

/** What waited for an owner who has become known, oldest first. */
export interface Released {
  readonly outgoing: readonly Uint8Array[];
  readonly incoming: readonly Inbound[];
}

/** Owners of addresses as this member finds them out. */
export class Lookups {
  private readonly owners = new Owners();
  private readonly outgoing = new Pending<Uint8Array>();
  private readonly incoming = new Pending<Inbound>();
  private readonly peerRate = new Buckets(
    { burst: PEER_FINDS_BURST, perSecond: PEER_FINDS_PER_SECOND },
    RATED_PEERS_MAX,
  );
  private readonly seekRate = new Bucket({ burst: FINDS_BURST, perSecond: FINDS_PER_SECOND });
  /** When to ask for owners that our frames wait for and that were too many to ask for at once. */
  private seekAt: Instant | undefined;
  private readonly stats: VpnStats;
  private readonly findOwner: (address: number) => void;

  /** `findOwner` asks the DHT. */
  constructor(stats: VpnStats, findOwner: (address: number) => void) {
    this.stats = stats;
    this.findOwner = findOwner;
  }

  /** The owner of an address, as far as a fresh answer tells; asks nothing. */
  ownerOf(address: number, now: Instant): Ownership {
    return this.owners.ownerOf(address, now);
  }

  /** An answer was used: one that gets old is asked for again, so that flows never pause. */
  used(address: number, now: Instant): void {
    if (this.owners.isStale(address, now)) this.find(address, now);
  }

  /** The address that a peer owns, as far as a fresh answer tells. */
  addressOf(peerId: PeerId, now: Instant): number | undefined {
    return this.owners.addressOf(peerId, now);
  }

  /** Takes an answer of the DHT; `undefined` where it is doubted first. */
  learn(address: number, owner: PeerId | undefined, now: Instant): Released | undefined {
    if (owner === undefined && this.mayDoubtMiss(address) && this.owners.missed(address, now)) return undefined;
    this.owners.learn(address, owner, now);
    return { outgoing: this.outgoing.take(address), incoming: this.incoming.take(address) };
  }

  /** Lets a frame of our machine wait for the owner of an address. */
  awaitOwner(address: number, frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const room = this.outgoing.add(address, frame, now);
    if (room === 'full') return 'queue-full';
    if (room === 'replaced') this.stats.outboundDrops['queue-full']++;
    this.seek(address, now);
    return undefined;
  }

  /** Lets a frame of a peer wait until it is known who owns its source. */
  awaitSource(address: number, inbound: Inbound, now: Instant): InboundDrop | undefined {
    const mayAsk = this.owners.isAsked(address, now) || this.peerRate.take(peerKey(inbound.peerId), now);
    if (!mayAsk) return 'find-rate';
    const room = this.incoming.add(address, inbound, now);
    if (room === 'full') return 'queue-full';
    if (room === 'replaced') this.stats.inboundDrops['queue-full']++;
    this.find(address, now);
    return undefined;
  }

  /** Whether a peer owns an address. If another does, it may have moved since; but it shall not make us ask without end. */
  isOwner(owner: Ownership, address: number, peerId: PeerId, now: Instant): boolean {
    if (typeof owner !== 'string' && sameBytes(owner, peerId)) {
      this.used(address, now);
      return true;
    }
    const isSettled = !this.owners.isDoubtful(address, now) || this.owners.isAsked(address, now);
    if (!isSettled && this.peerRate.take(peerKey(peerId), now)) this.find(address, now);
    return false;
  }

  tick(now: Instant): void {
    this.stats.outboundDrops['no-answer'] += this.outgoing.expire(now);
    this.stats.inboundDrops['no-answer'] += this.incoming.expire(now);
    for (const address of this.owners.dueAgain(now)) {
      if (this.outgoing.has(address)) this.seek(address, now);
      else if (this.incoming.has(address)) this.find(address, now);
    }
    this.seekMore(now);
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.outgoing.wakeAt, this.incoming.wakeAt, this.owners.wakeAt, this.seekAt);
  }

  /** Whether "nobody" is worth asking again: frames wait for the address, and not for many others. */
  private mayDoubtMiss(address: number): boolean {
    const { outgoing, incoming } = this;
    const isAwaited = outgoing.has(address) || incoming.has(address);
    return isAwaited && outgoing.addressCount + incoming.addressCount <= RETRY_ADDRESSES_MAX;
  }

  /** Asks for the owner of an address that our own frames wait for, as soon as the rate of such questions allows. */
  private seek(address: number, now: Instant): void {
    if (this.owners.isAsked(address, now)) return;
    if (this.seekAt === undefined && this.seekRate.take(now)) this.find(address, now);
    else this.seekAt ??= now + 1000 / FINDS_PER_SECOND;
  }

  private seekMore(now: Instant): void {
    if (this.seekAt === undefined || now < this.seekAt) return;
    this.seekAt = undefined;
    for (const address of this.outgoing.addresses()) {
      if (this.seekAt !== undefined) return;
      this.seek(address, now);
    }
  }

  private find(address: number, now: Instant): void {
    if (this.owners.isAsked(address, now)) return;
    if (this.owners.ask(address, now)) this.findOwner(address);
  }
}

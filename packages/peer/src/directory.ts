/**
 * Who is in a group, as far as this member knows: from the certificates of
 * neighbours, and from the cards that members keep in the DHT. A card is
 * signed, so names and addresses are as good as the certificate.
 */
import { toHex, type UnixMs } from '@warren/base';
import type { CheckedRecord } from '@warren/dht';
import type { Leaf } from '@warren/trust';
import {
  type CardRange,
  decodeMemberCard,
  type MemberCard,
  type PeerKey,
  peerKey,
  type WireHostKind,
} from '@warren/wire';

/** A card not renewed for this share of its life means the member is away. */
const FRESH_SHARE = 5 / 6;
/** Members stay listed as offline for so long. */
const REMEMBERED_MS = 24 * 3_600_000;
const MEMBERS_MAX = 1024;
/** Of a peer id, in an IPv6 address. */
const INTERFACE_BYTES = 8;

/** What a certificate says of a member. */
export type Certified = Pick<Leaf, 'user' | 'peerId' | 'notBefore' | 'notAfter' | 'teams' | 'rights'>;

/** What is known of one member. */
export interface Member {
  readonly peer: PeerKey;
  readonly user: string;
  readonly device: string;
  /** By the newest certificate seen. */
  certified: Certified;
  hostKind: WireHostKind | undefined;
  /** IPv4 as a number; 0 while none is known. */
  address: number;
  /** Whether it wants multicast and broadcast. */
  hearsGroups: boolean;
  /** What it says it leads to; only a router's word counts. */
  ranges: readonly CardRange[];
  /** What it offers as a gateway; whether it may is in its certificate. */
  gateway: MemberCard['gateway'];
  /** When the newest card was signed, by our clock at the latest, whatever its writer's clock says. */
  cardAt: UnixMs;
  /** How long it lives. */
  cardLifeMs: number;
  /** The same by its writer's clock, which may be minutes wrong; and when we looked at it last. */
  signedAt: UnixMs;
  lookedAt: UnixMs;
  /** When a link to the member was last seen lost; a card signed later overrules it. */
  lostAt: UnixMs;
  seenAt: UnixMs;
}

/** The list of one group. */
export class Directory {
  private readonly members = new Map<PeerKey, Member>();
  /** By the part of IPv6 addresses that names a member. */
  private readonly byInterface = new Map<string, PeerKey>();
  private readonly isGone: (leaf: Certified) => boolean;

  /** `isGone`: whose certificate the CA has declared dead; their cards, which may be on their way yet, teach nothing. */
  constructor(isGone: (leaf: Certified) => boolean) {
    this.isGone = isGone;
  }

  /** Notes a member by certificate. */
  note(leaf: Leaf, today: UnixMs): Member {
    const peer = peerKey(leaf.peerId);
    const known = this.members.get(peer);
    if (known !== undefined) {
      known.seenAt = today;
      if (isNewer(leaf, known.certified)) known.certified = certifiedBy(leaf);
      return known;
    }
    this.makeRoom(today);
    const { user, device } = leaf;
    const unknown = { hostKind: undefined, address: 0, hearsGroups: false, ranges: [], gateway: undefined };
    const never = { cardAt: 0, cardLifeMs: 0, signedAt: 0, lookedAt: 0, lostAt: 0 };
    const member: Member = { peer, user, device, certified: certifiedBy(leaf), ...unknown, ...never, seenAt: today };
    this.members.set(peer, member);
    this.byInterface.set(interfaceKey(leaf.peerId), peer);
    return member;
  }

  /** Takes over a card from the DHT, unless its writer is gone. */
  learn(checked: CheckedRecord, today: UnixMs): void {
    const card = decodeMemberCard(checked.record.value);
    if (card === undefined || this.isGone(checked.writer.leaf)) return;
    const member = this.note(checked.writer.leaf, today);
    const { signedAt, lifetimeS } = checked.record;
    if (signedAt < member.signedAt) return;
    // What is newer than the card that we saw last was signed since then.
    const since = signedAt > member.signedAt ? member.lookedAt : 0;
    if (signedAt > member.signedAt) member.cardAt = Math.max(Math.min(signedAt, today), since);
    member.cardLifeMs = lifetimeS * 1000;
    member.signedAt = signedAt;
    member.lookedAt = today;
    member.hostKind = card.hostKind;
    member.address = card.address;
    member.hearsGroups = card.hearsGroups;
    member.ranges = card.ranges;
    member.gateway = card.gateway;
  }

  /** Forgets members whose certificate `isOut` names. */
  remove(isOut: (leaf: Certified) => boolean): void {
    for (const member of [...this.members.values()]) if (isOut(member.certified)) this.delete(member);
  }

  /** Notes that a link to the member was lost or said goodbye. */
  lost(peer: PeerKey, today: UnixMs): void {
    const member = this.members.get(peer);
    if (member !== undefined) member.lostAt = today;
  }

  /** Whether a member without a link to us seems to be there. */
  isFresh(member: Member, today: UnixMs): boolean {
    return today - member.cardAt < member.cardLifeMs * FRESH_SHARE && member.cardAt > member.lostAt;
  }

  /** Whether a member, whom we may not know at all, has a card that shows it to be there. */
  isOnline(peer: PeerKey, today: UnixMs): boolean {
    const member = this.members.get(peer);
    return member !== undefined && this.isFresh(member, today);
  }

  /** How many members seem to be there by their cards, and the shortest life of these; infinity where there are none. */
  present(today: UnixMs): { readonly count: number; readonly shortestLifeMs: number } {
    const fresh = [...this.members.values()].filter(member => this.isFresh(member, today));
    return { count: fresh.length, shortestLifeMs: Math.min(...fresh.map(({ cardLifeMs }) => cardLifeMs)) };
  }

  get(peer: PeerKey): Member | undefined {
    return this.members.get(peer);
  }

  /** The member whose peer id begins with these 8 bytes. */
  withInterface(interfaceId: Uint8Array): Member | undefined {
    const peer = this.byInterface.get(interfaceKey(interfaceId));
    return peer === undefined ? undefined : this.members.get(peer);
  }

  /** All members, by user and device. */
  all(): Member[] {
    return [...this.members.values()].sort((a, b) => compare(a.user, b.user) || compare(a.device, b.device));
  }

  /** Finds a member by peer id, `device`, or `device.user`; `undefined` when none or several fit. */
  find(name: string): Member | undefined {
    const exact = this.members.get(name) ?? this.all().find(m => `${m.device}.${m.user}` === name);
    if (exact !== undefined) return exact;
    const byDevice = this.all().filter(m => m.device === name);
    return byDevice.length === 1 ? byDevice[0] : undefined;
  }

  private makeRoom(today: UnixMs): void {
    if (this.members.size < MEMBERS_MAX) return;
    const byAge = [...this.members.values()].sort((a, b) => a.seenAt - b.seenAt);
    for (const member of byAge) {
      if (today - member.seenAt < REMEMBERED_MS && this.members.size < MEMBERS_MAX) return;
      this.delete(member);
    }
  }

  private delete({ peer, certified }: Member): void {
    this.members.delete(peer);
    this.byInterface.delete(interfaceKey(certified.peerId));
  }
}

/** Of two that begin at once, as where a list says from when on they count, the later one ends later. */
function isNewer(one: Certified, other: Certified): boolean {
  return one.notBefore > other.notBefore || (one.notBefore === other.notBefore && one.notAfter > other.notAfter);
}

/** Without the bytes of the certificate, which nobody asks for here. */
function certifiedBy({ user, peerId, notBefore, notAfter, teams, rights }: Leaf): Certified {
  return { user, peerId, notBefore, notAfter, teams, rights };
}

function interfaceKey(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, INTERFACE_BYTES));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

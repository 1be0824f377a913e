/**
 * Where peers of one network were reached directly, and what is kept of that
 * on the disk: text of JSON, at most 64 peers and 16 bootstrap nodes. Not
 * believed for anything: whoever answers there has to prove who it is. What
 * cannot be read, is too old or may not be tried is left out.
 */
import { type UnixMs, utf8 } from '@warren/base';
import { mayProbe } from '@warren/link';
import { type PeerKey, peerIdFromKey } from '@warren/wire';
import type { PathId } from './host.ts';

/** Peers with addresses. */
export const PEERS_MAX = 64;
/** Addresses of one peer, the newest ones. */
const ADDRESSES_MAX = 3;
/** Bootstrap nodes. */
export const URLS_MAX = 16;
const URL_LENGTH_MAX = 256;
/** Ids that the overlay wants to remember. */
const FORMER_MAX = 64;
/** Ids of removed members. */
const GONE_MAX = 256;
/** Where nobody was reached for so long nobody is looked for: as long as a member's certificate lives. */
const KEPT_MS = 30 * 86_400_000;
const TEXT_BYTES_MAX = 65_536;

interface Entry {
  /** UDP addresses such as `192.0.2.7:41641`, the newest first. */
  readonly addresses: readonly string[];
  readonly at: UnixMs;
}

/** The addresses of one network. */
export class AddressBook {
  private readonly strangers: boolean;
  private readonly peers = new Map<PeerKey, Entry>();
  private readonly nodes = new Map<string, UnixMs>();
  /** Removed members, and since when: nobody else of that id has a certificate, and theirs has run out when this is dropped. */
  private readonly gone = new Map<PeerKey, UnixMs>();
  /** When each was a neighbour last. */
  private formerIds = new Map<PeerKey, UnixMs>();

  /** `strangers`: peers may be anybody, so private and loopback addresses are not tried. */
  constructor(strangers: boolean) {
    this.strangers = strangers;
  }

  /** Notes that a peer is reached at an address; true when that is news. */
  met(peer: PeerKey, address: string, today: UnixMs): boolean {
    if (!mayProbe(address, this.strangers)) return false;
    const known = this.peers.get(peer)?.addresses ?? [];
    const addresses = [address, ...known.filter(other => other !== address)].slice(0, ADDRESSES_MAX);
    this.peers.delete(peer);
    this.peers.set(peer, { addresses, at: today });
    bound(this.peers, PEERS_MAX);
    return known[0] !== address;
  }

  /** Notes that a bootstrap node was reached; true when that is news. */
  metNode(url: string, today: UnixMs): boolean {
    if (!isNodeUrl(url)) return false;
    const isNew = !this.nodes.has(url);
    this.nodes.delete(url);
    this.nodes.set(url, today);
    bound(this.nodes, URLS_MAX);
    return isNew;
  }

  /** Forgets a peer that is a member no more, but for its id. */
  forget(peer: PeerKey, today: UnixMs): void {
    this.peers.delete(peer);
    this.formerIds.delete(peer);
    this.gone.delete(peer);
    this.gone.set(peer, today);
    bound(this.gone, GONE_MAX);
  }

  /** Whether a peer is a member no more. */
  isGone(peer: PeerKey): boolean {
    return this.gone.has(peer);
  }

  /** Notes that a peer is a member again. */
  welcome(peer: PeerKey): void {
    this.gone.delete(peer);
  }

  /** Ways to a peer, the newest first. */
  paths(peer: PeerKey): PathId[] {
    return this.peers.get(peer)?.addresses.map(address => `udp/${address}`) ?? [];
  }

  /** Peers with addresses, those met last first. */
  known(): PeerKey[] {
    return [...this.peers.keys()].reverse();
  }

  /** URLs of bootstrap nodes, those reached last first. */
  urls(): string[] {
    return [...this.nodes.keys()].reverse();
  }

  /** Ids of peers from before, as the overlay gave them. */
  get former(): readonly PeerKey[] {
    return [...this.formerIds.keys()];
  }

  /** Takes these in place of those before; a date is kept but for those who are new, or neighbours now. */
  setFormer(ids: readonly PeerKey[], isHere: (peer: PeerKey) => boolean, today: UnixMs): void {
    const before = this.formerIds;
    const dated = ids.slice(0, FORMER_MAX).map(id => [id, isHere(id) ? today : (before.get(id) ?? today)] as const);
    this.formerIds = new Map(dated);
  }

  /** Notes that a peer is a neighbour. */
  seen(peer: PeerKey, today: UnixMs): void {
    if (this.formerIds.has(peer)) this.formerIds.set(peer, today);
  }

  /** When a peer was met last; `undefined` when it is not remembered. */
  metAt(peer: PeerKey): UnixMs | undefined {
    const [at, formerAt] = [this.peers.get(peer)?.at, this.formerIds.get(peer)];
    return at === undefined ? formerAt : Math.max(at, formerAt ?? at);
  }

  /** Drops what is too old; gives the peers of whom nothing is left. */
  dropOld(today: UnixMs): PeerKey[] {
    const isOld = (at: UnixMs) => today - at >= KEPT_MS;
    const known = new Set([...this.former, ...this.peers.keys()]);
    for (const [peer, { at }] of this.peers) if (isOld(at)) this.peers.delete(peer);
    for (const dates of [this.nodes, this.gone, this.formerIds]) {
      for (const [key, at] of dates) if (isOld(at)) dates.delete(key);
    }
    return [...known].filter(peer => this.metAt(peer) === undefined);
  }

  /** What to keep. */
  encode(): Uint8Array {
    const peers = [...this.peers].map(([id, { addresses, at }]) => ({ id, at, udp: addresses }));
    const urls = [...this.nodes].map(([url, at]) => ({ url, at }));
    const [former, gone] = [this.formerIds, this.gone].map(dates => [...dates].map(([id, at]) => ({ id, at })));
    return utf8(JSON.stringify({ version: 1, peers, urls, former, gone }));
  }

  /** Takes what was kept, without what is too old. */
  decode(bytes: Uint8Array, today: UnixMs): void {
    const kept = parse(bytes);
    if (kept.version !== 1) return;
    const isFresh = (entry: Record<string, unknown>) => typeof entry.at === 'number' && today - entry.at < KEPT_MS;
    for (const { id, at, udp } of list(kept.peers).map(fields).filter(isFresh)) {
      // A clock that was ahead is no reason to prefer what it saw.
      const entry = { addresses: list(udp).filter(isText), at: Math.min(Number(at), today) };
      if (isId(id)) for (const address of entry.addresses.reverse()) this.met(id, address, entry.at);
    }
    for (const { url, at } of list(kept.urls).map(fields).filter(isFresh)) {
      if (isText(url)) this.metNode(url, Math.min(Number(at), today));
    }
    for (const { id, at } of list(kept.gone).map(fields).filter(isFresh)) {
      if (isId(id)) this.forget(id, Math.min(Number(at), today));
    }
    for (const { id, at } of list(kept.former).map(fields).filter(isFresh).slice(0, FORMER_MAX)) {
      if (isId(id)) this.formerIds.set(id, Math.min(Number(at), today));
    }
  }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length > TEXT_BYTES_MAX) return {};
  try {
    return fields(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isId(value: unknown): value is PeerKey {
  return isText(value) && peerIdFromKey(value) !== undefined;
}

function isNodeUrl(url: string): boolean {
  return url.length <= URL_LENGTH_MAX && /^wss?:\/\/[^\s]+$/.test(url);
}

function bound(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}

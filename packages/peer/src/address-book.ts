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
  private formerIds: readonly PeerKey[] = [];

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

  /** Forgets a peer. */
  forget(peer: PeerKey): void {
    this.peers.delete(peer);
    this.formerIds = this.formerIds.filter(former => former !== peer);
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
    return this.formerIds;
  }

  set former(ids: readonly PeerKey[]) {
    this.formerIds = ids.slice(0, FORMER_MAX);
  }

  /** What to keep. */
  encode(): Uint8Array {
    const peers = [...this.peers].map(([id, { addresses, at }]) => ({ id, at, udp: addresses }));
    const urls = [...this.nodes].map(([url, at]) => ({ url, at }));
    return utf8(JSON.stringify({ version: 1, peers, urls, former: this.formerIds }));
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
    this.former = list(kept.former).filter(isId);
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

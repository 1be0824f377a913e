/**
 * One group at one participant: its private network, found through the public
 * one, with addresses, members and texts on top. Wiring and the few timers
 * that keep records fresh; each protocol is in its package.
 */
import { assert, earliest, type Instant, jitter, Outbox, TimerTable, utf8 } from '@warren/base';
import type { CheckedRecord } from '@warren/dht';
import { Rendezvous, type RendezvousOutput } from '@warren/group';
import type { Origin } from '@warren/session';
import type { RevocationList } from '@warren/trust';
import { type Subnet, Vpn, type VpnOutput } from '@warren/vpn';
import { encodeMemberCard, HOST_KINDS, type PeerId, type PeerKey, peerKey, RecordKind, Writer } from '@warren/wire';
import { Directory } from './directory.ts';
import type { HostKind } from './host.ts';
import { Network } from './network.ts';
import type { CommonOutput, NetworkOptions, NetworkOutput, RingWideOutput } from './network-options.ts';
import { Revocations, type RevocationsOutput, revocationListMessage } from './revocations.ts';
import { Texts, type TextsOutput } from './texts.ts';

/** Our card is renewed so often; it lives three times as long. */
const CARD_RENEW_MS = 25_000;
const CARD_LIFETIME_S = 90;
/** Waits between readings of the list of members, counted from the last change that we saw. */
const MEMBERS_READ_MS: readonly number[] = [500, 1000, 2000, 4000, 8000, 20_000];
/** An address claim lives three times its renewal. */
const CLAIM_LIFETIME_S = 180;
/** Alone in a group for so long means: be one's own ring. */
const ALONE_AFTER_MS = 2000;

export interface GroupOptions extends NetworkOptions {
  readonly publicId: PeerId;
  /** 32 bytes. */
  readonly rendezvousSecret: Uint8Array;
  readonly subnet: Subnet;
  readonly hasTap: boolean;
  /** The address of the last run. */
  readonly preferredAddress?: number;
}

export type GroupOutput =
  | CommonOutput
  | Extract<RendezvousOutput, { kind: 'publish' | 'read' }>
  | Extract<VpnOutput, { kind: 'tap' | 'configured' | 'pong' }>
  | Extract<TextsOutput, { kind: 'text' }>
  | Extract<RingWideOutput, { kind: 'gathered' | 'crawled' }>
  /** A newer list of removed members holds: keep it. */
  | { readonly kind: 'revocations'; readonly list: RevocationList }
  /** We were removed ourselves: the group is over for this participant. */
  | { readonly kind: 'removed' };

type Timer = 'card' | 'members' | 'alone';

/** A group's stack at one participant. */
export class GroupNetwork {
  readonly network: Network;
  readonly vpn: Vpn;
  readonly texts: Texts;
  readonly directory = new Directory();
  readonly revocations: Revocations;
  private readonly options: Omit<GroupOptions, 'rendezvousSecret'>;
  private readonly rendezvous: Rendezvous;
  private readonly outbox = new Outbox<GroupOutput>();
  private readonly timers = new TimerTable<Timer>();
  private readonly operations = new Map<
    number,
    (out: Extract<NetworkOutput, { kind: 'stored' | 'found' }>, now: Instant) => void
  >();
  private vpnIsReady = false;
  private removed = false;
  private searching = true;
  private readings = 0;

  constructor({ rendezvousSecret, ...options }: GroupOptions, now: Instant) {
    const { publicId, credentials, random, wallClock, subnet, hasTap, preferredAddress } = options;
    this.options = options;
    this.network = new Network(options);
    this.network.start(now);
    const self = credentials.leaf.peerId;
    this.rendezvous = new Rendezvous({ secret: rendezvousSecret, publicId, memberId: self, random, wallClock });
    const preferred = preferredAddress === undefined ? {} : { preferred: preferredAddress };
    this.vpn = new Vpn({ self, subnet, hasTap, random, ...preferred });
    this.texts = new Texts(random);
    const neighbours = () => this.network.links.usable();
    this.revocations = new Revocations({ set: options.authority.revocations, random, neighbours });
    this.directory.note(credentials.leaf, wallClock.at(now));
  }

  get hostKind(): HostKind {
    return this.options.kind;
  }

  get subnet(): Subnet {
    return this.options.subnet;
  }

  get self(): PeerKey {
    return peerKey(this.network.self);
  }

  /** Whether the CA has declared our own certificate dead. */
  get isRemoved(): boolean {
    return this.removed;
  }

  /** Whether a newer revocation list exists than ours. */
  get isBehind(): boolean {
    return this.options.authority.revocations.isBehind;
  }

  /** Takes a revocation list that came from the site; true when it is the CA's and newer than ours. */
  learnRevocations(list: RevocationList, now: Instant): boolean {
    const isNew = this.revocations.learn(list);
    this.settle(now);
    return isNew;
  }

  /** Whether no member has been found, or shown to be absent, yet. */
  get isSearching(): boolean {
    return this.searching;
  }

  poll(): GroupOutput | undefined {
    return this.outbox.poll();
  }

  /** The public overlay can be used, or can no longer. */
  setPublicReady(isReady: boolean, now: Instant): void {
    this.rendezvous.setReady(isReady && !this.removed, now);
    this.settle(now);
  }

  /** What the public DHT holds under one of our rendezvous keys. */
  rendezvousFound(records: readonly CheckedRecord[], now: Instant): void {
    const values = records.map(found => found.record.value);
    const known = (member: PeerKey) => this.network.overlay.isNeighbour(member);
    this.rendezvous.found(values, known);
    if (this.timers.at('alone') === undefined) this.timers.set('alone', now + ALONE_AFTER_MS);
    this.settle(now);
  }

  /** Walks the ring or counts everybody; `crawled` or `gathered` comes out under `tag`. False when it cannot begin now. */
  survey(what: 'crawl' | 'census', tag: number, now: Instant): boolean {
    const { overlay } = this.network;
    const hasBegun = !this.removed && (what === 'crawl' ? overlay.crawl(tag, now) : overlay.census(tag, now));
    this.settle(now);
    return hasBegun;
  }

  /** Takes a frame from the Ethernet device; the caller settles. */
  fromTap(frame: Uint8Array, now: Instant): void {
    this.vpn.fromTap(frame, now);
  }

  ping(address: number, now: Instant): { readonly id: number; readonly sequence: number } {
    const ping = this.vpn.ping(address, now);
    this.settle(now);
    return ping;
  }

  sendText(to: PeerKey, text: string, now: Instant): boolean {
    const sent = this.texts.send(to, text, now);
    this.settle(now);
    return sent;
  }

  get wakeAt(): Instant | undefined {
    if (this.removed) return undefined;
    const { network, rendezvous, vpn, texts, revocations, timers } = this;
    const wakes = [network.wakeAt, rendezvous.wakeAt, vpn.wakeAt, texts.wakeAt, revocations.wakeAt, timers.next];
    return earliest(...wakes);
  }

  tick(now: Instant): void {
    if (this.removed) return;
    this.network.tick(now);
    this.revocations.tick(now);
    this.rendezvous.tick(now);
    this.vpn.tick(now);
    this.texts.tick(now);
    for (const timer of this.timers.due(now)) this.due(timer, now);
    this.settle(now);
  }

  /** Moves outputs of each part to the inputs of the others until all are quiet. */
  settle(now: Instant): void {
    this.network.settle(now);
    if (!this.removed) this.revocations.look(now);
    for (let moved = true; moved; ) {
      moved = false;
      for (let out = this.revocations.poll(); out !== undefined; out = this.revocations.poll()) {
        moved = true;
        if (out.kind === 'send') this.network.sendMember(out.to, out.bytes, now);
        else this.learned(out, now);
      }
      for (let out = this.network.poll(); out !== undefined; out = this.network.poll()) {
        moved = true;
        this.fromNetwork(out, now);
      }
      for (let out = this.rendezvous.poll(); out !== undefined; out = this.rendezvous.poll()) {
        moved = true;
        this.fromRendezvous(out, now);
      }
      for (let out = this.vpn.poll(); out !== undefined; out = this.vpn.poll()) {
        moved = true;
        this.fromVpn(out, now);
      }
      for (let out = this.texts.poll(); out !== undefined; out = this.texts.poll()) {
        moved = true;
        if (out.kind === 'send') this.network.sendMember(out.to, out.bytes, now);
        else this.outbox.push(out);
      }
    }
  }

  /** Those who are removed are told, and cut off now, not when their keys run out: no part of the news depends on them. */
  private learned({ list, spread }: Extract<RevocationsOutput, { kind: 'learned' }>, now: Instant): void {
    const { revocations } = this.options.authority;
    const isGone = (leaf: Parameters<typeof revocations.isRevoked>[0]) => revocations.isRevoked(leaf);
    const isEnd = isGone(this.network.leaf);
    this.outbox.push({ kind: 'revocations', list });
    if (!isEnd) this.network.cut(isGone, now, revocationListMessage(list));
    if (spread?.kind === 'begin') this.network.overlay.broadcast(spread.content, now);
    else if (spread !== undefined) this.network.overlay.handOn(spread.token, now);
    this.network.settle(now);
    if (isEnd) this.end(now);
    else {
      this.directory.remove(isGone);
      this.outbox.push({ kind: 'changed' });
    }
  }

  /** We are not a member any more: no word to anybody, no trace of others kept. */
  private end(now: Instant): void {
    if (this.removed) return;
    this.removed = true;
    this.searching = false;
    this.rendezvous.setReady(false, now);
    this.network.close(now);
    this.directory.remove(leaf => peerKey(leaf.peerId) !== this.self);
    this.outbox.push({ kind: 'removed' });
    this.outbox.push({ kind: 'changed' });
  }

  private due(timer: Timer, now: Instant): void {
    const { random } = this.options;
    switch (timer) {
      case 'card':
        this.putCard(now);
        this.timers.set('card', now + jitter(random, CARD_RENEW_MS, 0.1));
        return;
      case 'members':
        this.readMembers();
        this.scheduleReading(now);
        return;
      case 'alone':
        this.ready(now);
        return;
    }
  }

  /** The private overlay can store records: through neighbours, or in ourselves when nobody else is there. */
  private ready(now: Instant): void {
    this.searching = false;
    this.timers.clear('alone');
    if (this.timers.at('card') === undefined) this.timers.set('card', now);
    this.readMembersSoon(now);
    if (!this.vpnIsReady) this.vpn.handle({ kind: 'ready' }, now);
    this.vpnIsReady = true;
    this.outbox.push({ kind: 'changed' });
  }

  private fromNetwork(out: NetworkOutput, now: Instant): void {
    switch (out.kind) {
      case 'up':
        this.directory.note(out.identity.leaf, this.today(now));
        this.memberCountChanged(now);
        this.ready(now);
        return;
      case 'down':
        this.directory.lost(out.peer, this.today(now));
        this.memberCountChanged(now);
        this.readMembersSoon(now);
        this.outbox.push({ kind: 'changed' });
        return;
      case 'frame':
        this.fromPeer(out.origin, out.bytes, now);
        return;
      case 'member':
        if (!this.revocations.receive(out.origin.peer, out.bytes, now)) {
          this.texts.receive(out.origin.peer, out.bytes);
        }
        return;
      case 'broadcast':
        this.revocations.heard(out.from, out.content, out.token, now);
        return;
      case 'stored':
      case 'found': {
        const done = this.operations.get(out.operation);
        this.operations.delete(out.operation);
        done?.(out, now);
        return;
      }
      case 'unreachable':
      case 'watched':
        return;
      default:
        this.outbox.push(out);
    }
  }

  /** Whose frame it is says the session that it came out of; `vpn` refuses the addresses of others in it. */
  private fromPeer({ identity }: Origin, frame: Uint8Array, now: Instant): void {
    this.vpn.fromPeer(identity.leaf.peerId, frame, now);
  }

  private fromRendezvous(out: RendezvousOutput, now: Instant): void {
    if (out.kind !== 'dial') this.outbox.push(out);
    else this.network.connect(peerKey(out.memberId), [`via/public/${peerKey(out.publicId)}`], now);
  }

  private fromVpn(out: VpnOutput, now: Instant): void {
    switch (out.kind) {
      case 'claim':
        this.claim(out.address, now);
        return;
      case 'find-owner':
        this.findOwner(out.address);
        return;
      case 'frame':
        this.network.sendFrame(peerKey(out.to), out.frame, now);
        return;
      case 'configured':
        this.timers.set('card', now);
        this.readMembersSoon(now);
        this.outbox.push(out);
        return;
      case 'tap':
      case 'pong':
        this.outbox.push(out);
        return;
      case 'conflict':
        return;
    }
  }

  private claim(address: number, now: Instant): void {
    const key = this.addressKey(address);
    const value = new Writer(4).u32(address).done();
    const o = { kind: RecordKind.ADDRESS, key, value, lifetimeS: CLAIM_LIFETIME_S };
    const operation = this.network.dht.create(o, now);
    this.operations.set(operation, (out, at) => {
      assert(out.kind === 'stored', 'a create ends as stored');
      const result = out.result === 'ok' ? 'held' : out.result;
      this.vpn.handle({ kind: 'claim-result', address, result }, at);
    });
  }

  private findOwner(address: number): void {
    const operation = this.network.dht.get(RecordKind.ADDRESS, this.addressKey(address));
    this.operations.set(operation, (out, at) => {
      const owner = out.kind === 'found' ? out.records[0]?.writer.leaf : undefined;
      this.vpn.handle({ kind: 'owner', address, peerId: owner?.peerId }, at);
    });
  }

  private putCard(now: Instant): void {
    const hostKind = HOST_KINDS.find(kind => kind === this.options.kind) ?? 'edge';
    const value = encodeMemberCard({ hostKind, address: this.vpn.address ?? 0 });
    this.network.dht.put({ kind: RecordKind.MEMBER, key: this.membersKey(), value, lifetimeS: CARD_LIFETIME_S }, now);
  }

  private readMembers(): void {
    const operation = this.network.dht.get(RecordKind.MEMBER, this.membersKey());
    this.operations.set(operation, (out, at) => {
      if (out.kind !== 'found') return;
      for (const found of out.records) this.directory.learn(found, this.today(at));
      this.outbox.push({ kind: 'changed' });
    });
  }

  /** Something changed: members are read soon, and a few times more, since others' cards follow. */
  private readMembersSoon(now: Instant): void {
    this.readings = 0;
    this.scheduleReading(now);
  }

  private scheduleReading(now: Instant): void {
    const wait = MEMBERS_READ_MS[Math.min(this.readings++, MEMBERS_READ_MS.length - 1)] as number;
    this.timers.set('members', now + jitter(this.options.random, wait, 0.1));
  }

  private memberCountChanged(now: Instant): void {
    this.rendezvous.setMembers(this.network.links.usable().length, now);
  }

  private addressKey(address: number): Uint8Array {
    return this.options.suite.hash(new Writer(16).put(utf8('address')).u32(address).done()).slice(0, 20);
  }

  private membersKey(): Uint8Array {
    return this.options.suite.hash(utf8('members')).slice(0, 20);
  }

  private today(now: Instant): number {
    return this.options.wallClock.at(now);
  }
}

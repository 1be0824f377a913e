/**
 * One group at one participant: its private network, found through the public
 * one, with addresses, members and texts on top. Wiring; each protocol is in
 * its package, and what the group keeps in its DHT in `group-records.ts`.
 */
import { earliest, type Instant, Outbox } from '@warren/base';
import type { CheckedRecord } from '@warren/dht';
import { Rendezvous, type RendezvousOutput } from '@warren/group';
import type { Origin } from '@warren/session';
import type { Credentials, RevocationList } from '@warren/trust';
import { type SearchNames, type Subnet, searchNames, Vpn, type VpnOutput } from '@warren/vpn';
import { type MemberCard, type PeerKey, peerKey } from '@warren/wire';
import { type Certified, Directory } from './directory.ts';
import { forgetRemoved } from './forget-removed.ts';
import { GroupInternet } from './group-internet.ts';
import { GroupMembers } from './group-members.ts';
import type { GroupOptions } from './group-options.ts';
import type { GroupOutput, SurveyStart } from './group-output.ts';
import { GroupRecords } from './group-records.ts';
import { GroupRoutes } from './group-routes.ts';
import type { HostKind } from './host.ts';
import { Network } from './network.ts';
import type { NetworkOutput } from './network-options.ts';
import type { Tunnel } from './own-addresses.ts';
import { Revocations, type RevocationsOutput, revocationListMessage } from './revocations.ts';
import { Texts } from './texts.ts';

/** Alone in a group for so long means: be one's own ring. */
const ALONE_AFTER_MS = 2000;

/** A group's stack at one participant. */
export class GroupNetwork {
  readonly network: Network;
  readonly vpn: Vpn;
  readonly internet: GroupInternet;
  readonly texts: Texts;
  readonly directory: Directory;
  readonly revocations: Revocations;
  private readonly options: Omit<GroupOptions, 'rendezvousSecret'>;
  private readonly rendezvous: Rendezvous;
  private readonly outbox = new Outbox<GroupOutput>();
  private readonly records: GroupRecords;
  readonly members: GroupMembers;
  private readonly routes: GroupRoutes;
  /** The latest time that any call told. */
  private latest: Instant;
  private aloneAt: Instant | undefined;
  private vpnIsReady = false;
  private removed = false;
  private hasLeft = false;
  private searching = true;

  constructor({ rendezvousSecret, ...options }: GroupOptions, now: Instant) {
    const { publicId, credentials, random, wallClock } = options;
    this.options = options;
    this.latest = now;
    this.network = new Network(options);
    this.network.start(now);
    const self = credentials.leaf.peerId;
    this.rendezvous = new Rendezvous({ secret: rendezvousSecret, publicId, memberId: self, random, wallClock });
    this.texts = new Texts(random);
    const neighbours = () => this.network.links.usable();
    this.revocations = new Revocations({ set: options.authority.revocations, random, neighbours });
    this.directory = new Directory(leaf => options.authority.revocations.isRevoked(leaf));
    this.directory.note(credentials.leaf, wallClock.at(now));
    const today = () => wallClock.at(this.latest);
    const isOutdated = (leaf: Certified) => options.authority.revocations.isOutdated(leaf);
    const { directory } = this;
    this.members = new GroupMembers({ directory, self: peerKey(self), today, access: options.access, isOutdated });
    this.vpn = this.virtualNetwork();
    this.internet = this.groupInternet();
    this.routes = new GroupRoutes({ group: options, vpn: this.vpn, members: this.members });
    forgetRemoved(options.authority.revocations, this.directory, this.network, now);
    this.records = this.groupRecords();
  }

  private virtualNetwork(): Vpn {
    const { credentials, name: group, subnet, hasTap, announced, hearsGroups, random } = this.options;
    const { members, names } = this;
    const ours = { self: credentials.leaf.peerId, preferred: this.options.preferredAddress, announced, hearsGroups };
    return new Vpn({ group, subnet, hasTap, names, members, random, ...ours });
  }

  private groupRecords(): GroupRecords {
    const { random, wallClock, kind, suite } = this.options;
    const { directory } = this;
    return new GroupRecords({
      ...{ directory, random, wallClock, kind, hash: suite.hash, dht: this.network.dht },
      address: () => this.vpn.address,
      card: () => this.card,
      claimed: (address, result, now) => this.vpn.handle({ kind: 'claim-result', address, result }, now),
      owner: (address, peerId, now) => this.vpn.handle({ kind: 'owner', address, peerId }, now),
      changed: () => this.membersChanged(),
    });
  }

  private get card(): Pick<MemberCard, 'hearsGroups' | 'ranges' | 'gateway'> {
    const { hearsGroups = false, announced: ranges = [] } = this.options;
    const gateway = this.internet.leading;
    return { hearsGroups, ranges, ...(gateway === undefined ? {} : { gateway }) };
  }

  private groupInternet(): GroupInternet {
    const { vpn, members, directory, network } = this;
    const find = (name: string) => directory.find(name)?.peer;
    const cardChanged = (now: Instant) => {
      if (this.vpnIsReady) this.records.renewCard(now);
    };
    return new GroupInternet({ vpn, members, links: network.links, find, cardChanged });
  }

  /** What members are called in names. */
  get names(): SearchNames {
    return searchNames(this.options.title ?? '', this.network.name, this.options.credentials.leaf.user);
  }

  get hostKind(): HostKind {
    return this.options.kind;
  }

  /** What the group's device leads to. */
  get tunnel(): Tunnel {
    return this.routes.tunnel;
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

  /** Goes on under fresh credentials; the others read what the certificate says of us from our card, which is written anew. */
  renew(credentials: Credentials, now: Instant): void {
    this.network.renew(credentials);
    this.directory.note(credentials.leaf, this.today(now));
    if (this.vpnIsReady) this.records.renewCard(now);
    this.outbox.push({ kind: 'changed' });
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
    if (this.searching) this.aloneAt ??= now + ALONE_AFTER_MS;
    this.settle(now);
  }

  /** Walks the ring or counts everybody: `crawled` or `gathered` comes out under `tag`, or it is said why not. */
  survey(what: 'crawl' | 'census', tag: number, now: Instant): SurveyStart {
    if (this.removed) return 'removed';
    if (this.hasLeft) return 'left';
    const { overlay } = this.network;
    const hasBegun = what === 'crawl' ? overlay.crawl(tag, now) : overlay.census(tag, now);
    this.settle(now);
    return hasBegun ? 'begun' : 'busy';
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
    const { network, rendezvous, vpn, internet, texts, revocations, records } = this;
    const parts = [network, rendezvous, vpn, internet, texts, revocations, records];
    return earliest(...parts.map(part => part.wakeAt), this.aloneAt);
  }

  tick(now: Instant): void {
    if (this.removed) return;
    this.network.tick(now);
    this.revocations.tick(now);
    this.rendezvous.tick(now);
    this.vpn.tick(now);
    this.internet.tick(now);
    this.texts.tick(now);
    this.records.tick(now);
    if (this.aloneAt !== undefined && now >= this.aloneAt) this.ready(now);
    this.settle(now);
  }

  /** Moves outputs of each part to the inputs of the others until all are quiet. */
  settle(now: Instant): void {
    this.latest = now;
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
    if (!isEnd) {
      this.network.cut(isGone, now, revocationListMessage(list));
      forgetRemoved(revocations, this.directory, this.network, now);
    }
    if (spread?.kind === 'begin') this.network.overlay.broadcast(spread.content, now);
    else if (spread !== undefined) this.network.overlay.handOn(spread.token, now);
    this.network.settle(now);
    if (isEnd) this.end(now);
    else {
      this.directory.remove(isGone);
      this.membersChanged();
    }
  }

  /** Says goodbye to the members, and takes our card back. */
  leave(now: Instant): void {
    this.hasLeft = true;
    if (!this.removed) this.records.leave(now);
    this.network.close(now);
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

  /** The private overlay can store records: through neighbours, or in ourselves when nobody else is there. */
  private ready(now: Instant): void {
    this.searching = false;
    this.aloneAt = undefined;
    this.records.ready(now);
    if (!this.vpnIsReady) this.vpn.handle({ kind: 'ready' }, now);
    this.vpnIsReady = true;
    this.outbox.push({ kind: 'changed' });
  }

  private fromNetwork(out: NetworkOutput, now: Instant): void {
    switch (out.kind) {
      case 'up': {
        const isNews = !this.directory.isOnline(out.peer, this.today(now));
        this.directory.note(out.identity.leaf, this.today(now));
        this.memberCountChanged(now);
        this.ready(now);
        if (isNews) this.records.readMembersSoon(now);
        return;
      }
      case 'down':
        this.memberCountChanged(now);
        if (out.isAway) {
          this.directory.lost(out.peer, this.today(now));
          this.records.readMembersSoon(now);
        }
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
      case 'found':
        this.records.ended(out, now);
        return;
      case 'watched':
        this.records.watched(out.watch, out.records, now);
        return;
      case 'unreachable':
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
        this.records.claim(out.address, now);
        return;
      case 'find-owner':
        this.records.findOwner(out.address);
        return;
      case 'frame':
        this.network.sendFrame(peerKey(out.to), out.frame, now);
        return;
      case 'configured':
        this.records.renewCard(now);
        this.outbox.push(out);
        return;
      case 'tap':
      case 'dns':
      case 'dns-answer':
      case 'pong':
        this.outbox.push(out);
        return;
      case 'gateway':
        this.outbox.push({ kind: 'changed' });
        return;
      case 'seek-gateways':
        this.records.readMembersSoon(now);
        return;
      case 'conflict':
        return;
    }
  }

  private membersChanged(): void {
    this.outbox.push({ kind: 'changed' });
    this.internet.membersChanged(this.latest);
    const ranges = this.routes.membersChanged(this.latest);
    if (ranges !== undefined) this.outbox.push({ kind: 'routes', ranges });
  }

  private memberCountChanged(now: Instant): void {
    this.rendezvous.setMembers(this.network.links.usable().length, now);
  }

  private today(now: Instant): number {
    return this.options.wallClock.at(now);
  }
}

/**
 * A whole participant: the public network, any number of groups, and the
 * sockets that they share. Sans-IO and without policy: it moves datagrams to
 * the network they belong to and commands to the host. `run.ts` drives it.
 */
import { assert, earliest, type Instant, Outbox, type UnixMs } from '@warren/base';
import { RENDEZVOUS_LIFETIME_S } from '@warren/group';
import { SessionIndices, type Sessions } from '@warren/session';
import { type PeerKey, RecordKind } from '@warren/wire';
import { addresseeOf } from './addressee.ts';
import { Bootstraps } from './bootstraps.ts';
import { carriedMaxBytes, carrierOf } from './carried-paths.ts';
import { GroupNetwork } from './group-network.ts';
import { type GroupOutput, isForUser } from './group-output.ts';
import type { PathEvent, PathId } from './host.ts';
import { Network } from './network.ts';
import type { CommonOutput, NetworkOutput, Surroundings } from './network-options.ts';
import { OwnAddresses } from './own-addresses.ts';
import type { JoinOptions, PeerOptions, PeerOutput } from './peer-options.ts';
import { Remotes } from './remotes.ts';

/** The participant. */
export class Peer {
  readonly public: Network;
  readonly groups = new Map<string, GroupNetwork>();
  readonly stats = { unclaimed: 0, unclaimedCarried: 0 };
  private readonly options: PeerOptions;
  private readonly surroundings: Surroundings;
  private readonly indices: SessionIndices<Sessions>;
  private readonly outbox = new Outbox<PeerOutput>();
  private readonly bootstraps: Bootstraps;
  readonly own: OwnAddresses;
  private readonly remotes = new Remotes();
  private readonly operations = new Map<number, GroupNetwork>();

  constructor(options: PeerOptions, now: Instant) {
    this.options = options;
    this.indices = new SessionIndices(options.random);
    const maxBytes = (path: PathId) => carriedMaxBytes(path) ?? options.maxBytes(path);
    const { indices, remotes } = this;
    const { acquaintances, ...common } = options;
    this.own = new OwnAddresses(options.addresses, () => [...this.groups.values()].map(({ tunnel }) => tunnel));
    const isOurTunnel = (address: string) => this.own.isOurTunnel(address);
    const own = { addresses: () => this.own.all(), nat: () => this.own.nat, isOurTunnel };
    this.surroundings = { ...common, ...own, indices, maxBytes, remotes, clockHint: { isOdd: false } };
    const { authority, credentials } = options;
    const strangers = acquaintances === undefined ? {} : { acquaintances };
    this.public = new Network({ ...this.surroundings, ...strangers, name: 'public', authority, credentials });
    this.public.start(now);
    this.bootstraps = new Bootstraps(options.bootstraps, options.random, now, this.public.acquaintances.urls);
  }

  poll(): PeerOutput | undefined {
    return this.outbox.poll();
  }

  /** Enters a group. */
  join(o: JoinOptions, now: Instant): GroupNetwork {
    assert(!this.groups.has(o.name), 'a group is joined once');
    const publicId = this.public.self;
    const group = new GroupNetwork({ ...this.surroundings, ...o, publicId }, now);
    this.groups.set(o.name, group);
    group.setPublicReady(this.isPublicReady, now);
    this.settle(now);
    return group;
  }

  /** Leaves a group with a goodbye to its members. */
  leave(name: string, now: Instant): void {
    const group = this.groups.get(name);
    group?.leave(now);
    this.settle(now);
    this.groups.delete(name);
  }

  /** Says goodbye everywhere. */
  stop(now: Instant): void {
    for (const name of [...this.groups.keys()]) this.leave(name, now);
    this.public.close(now);
    this.settle(now);
  }

  /** Takes an event of the host's datagram side. */
  handle(event: PathEvent, now: Instant): void {
    this.remotes.note(event);
    switch (event.kind) {
      case 'datagram':
        this.receive(event.path, event.bytes, now);
        break;
      case 'path-up':
        if (event.url !== undefined) this.webSocketUp(event.url, event.path, now);
        if (event.connection !== undefined) this.channelUp(event.path, event.binding, event.connection, now);
        break;
      case 'path-down':
        this.bootstraps.closed(event.path, now);
        for (const network of this.networks()) network.links.pathDown(event.path, now);
        break;
      case 'addresses-changed':
        for (const { links } of this.networks()) links.addressesChanged(now);
        break;
      case 'dial-failed':
        if ([...this.networks()].some(({ links }) => links.webSocketFailed(event.url, now))) break;
        this.bootstraps.failed(event.url, now);
        this.outbox.push({ kind: 'changed' });
        break;
      case 'webrtc-signal':
        for (const network of this.networks()) network.links.localSignal(event.connection, event.signal, now);
        break;
      case 'webrtc-failed':
        for (const network of this.networks()) network.links.webrtcFailed(event.connection, now);
        break;
    }
    this.settle(now);
  }

  /** The host slept, or its network changed: all paths, keys and own addresses are in doubt. */
  resumed(now: Instant): void {
    this.own.forget();
    this.bootstraps.hurry(now);
    for (const network of this.networks()) network.resumed(now);
    this.outbox.push({ kind: 'resumed' });
    this.settle(now);
  }

  /** Takes over the host's wall clock. */
  setWallClock(unixMs: UnixMs, now: Instant): void {
    this.options.wallClock.set(unixMs, now);
  }

  /** Takes back a record that the host's disk held for a network; false when it is worth nothing any more. */
  restore(name: string, bytes: Uint8Array, now: Instant): boolean {
    return this.networkOf(name)?.dht.restore(bytes, now) ?? false;
  }

  /** The host's disk has lost the records of a network: all that are held come out to be kept once more. */
  keepAnew(name: string, now: Instant): void {
    this.networkOf(name)?.dht.keepAnew(now);
    this.settle(now);
  }

  private networkOf(name: string): Network | undefined {
    return name === 'public' ? this.public : this.groups.get(name)?.network;
  }

  /** Drains what calls on a group have caused; call after using one directly. */
  settle(now: Instant): void {
    const isAlone = () => this.public.links.usable().length === 0;
    for (const url of this.bootstraps.due(now, isAlone)) this.outbox.push({ kind: 'dial', url });
    for (let moved = true; moved; ) {
      moved = false;
      this.public.settle(now);
      for (let out = this.public.poll(); out !== undefined; out = this.public.poll()) {
        moved = true;
        this.fromPublic(out, now);
      }
      for (const group of this.groups.values()) {
        group.settle(now);
        for (let out = group.poll(); out !== undefined; out = group.poll()) {
          moved = true;
          this.fromGroup(group, out, now);
        }
      }
    }
  }

  get wakeAt(): Instant | undefined {
    const groups = [...this.groups.values()].map(group => group.wakeAt);
    return earliest(this.bootstraps.wakeAt, this.public.wakeAt, ...groups);
  }

  tick(now: Instant): void {
    for (const path of this.bootstraps.unused(this.public.links, now)) this.outbox.push({ kind: 'close-path', path });
    this.public.tick(now);
    for (const group of this.groups.values()) group.tick(now);
    this.settle(now);
  }

  bootstrapView(): ReturnType<Bootstraps['view']> {
    return this.bootstraps.view();
  }

  /** Whether records can be stored and found: with a link, or as the first bootstrap node of all. */
  get isPublicReady(): boolean {
    return this.public.links.usable().length > 0 || this.options.bootstraps.length === 0;
  }

  private *networks(): Iterable<Network> {
    yield this.public;
    for (const group of this.groups.values()) yield group.network;
  }

  /** Hands a point-to-point datagram to the network whose session it belongs to. */
  private receive(path: PathId, bytes: Uint8Array, now: Instant, via?: PeerKey): void {
    const addressee = addresseeOf(bytes);
    if (addressee?.kind === 'hint') {
      for (const network of this.networks()) network.receive(path, bytes, now);
      return;
    }
    const owner = addressee !== undefined && 'index' in addressee ? this.indices.owner(addressee.index) : undefined;
    for (const network of this.networks()) {
      const isTheirs =
        addressee?.kind === 'first' ? network.recognises(bytes) : owner !== undefined && network.owns(owner);
      if (!isTheirs) continue;
      network.receive(path, bytes, now, via);
      return;
    }
    this.stats[carrierOf(path) === undefined ? 'unclaimed' : 'unclaimedCarried']++;
    if (addressee?.kind !== 'sealed' || owner !== undefined) return;
    const hint = this.indices.hintFor(path, bytes, now);
    if (hint !== undefined) this.send(path, hint, now);
  }

  private channelUp(path: PathId, binding: Uint8Array, connection: string, now: Instant): void {
    for (const network of this.networks()) if (network.links.pathUp(path, binding, connection, now)) return;
    this.outbox.push({ kind: 'close-path', path });
  }

  private webSocketUp(url: string, path: PathId, now: Instant): void {
    for (const { links } of this.networks()) if (links.webSocketUp(url, path, now)) return;
    if (!this.bootstraps.opened(url, path, now)) {
      // A member listens there, and its link is over.
      this.outbox.push({ kind: 'close-path', path });
      return;
    }
    this.public.acquaintances.metNode(url, now);
    this.public.connect(undefined, [path], now);
    this.outbox.push({ kind: 'changed' });
  }

  private fromPublic(out: NetworkOutput, now: Instant): void {
    switch (out.kind) {
      case 'up':
      case 'down':
        for (const group of this.groups.values()) group.setPublicReady(this.isPublicReady, now);
        this.outbox.push({ kind: 'changed' });
        return;
      case 'found':
      case 'stored': {
        const group = this.operations.get(out.operation);
        this.operations.delete(out.operation);
        if (out.kind === 'found') group?.rendezvousFound(out.records, now);
        return;
      }
      case 'frame':
      case 'member':
      case 'broadcast':
      case 'gathered':
      case 'crawled':
      case 'unreachable':
      case 'watched':
        return;
      default:
        this.common(this.public, out, now);
    }
  }

  private fromGroup(group: GroupNetwork, out: GroupOutput, now: Instant): void {
    switch (out.kind) {
      case 'publish': {
        const o = { kind: RecordKind.RENDEZVOUS, key: out.key, value: out.value, lifetimeS: RENDEZVOUS_LIFETIME_S };
        this.public.dht.put(o, now);
        return;
      }
      case 'read':
        this.operations.set(this.public.dht.get(RecordKind.RENDEZVOUS, out.key), group);
        return;
      default:
        if (isForUser(out)) this.outbox.push({ kind: 'group', group: group.network.name, out });
        else this.common(group.network, out, now);
    }
  }

  private common({ name }: Network, out: CommonOutput, now: Instant): void {
    if (out.kind === 'send') this.send(out.path, out.bytes, now);
    else if (out.kind === 'keep' || out.kind === 'drop' || out.kind === 'acquaintances') {
      this.outbox.push({ ...out, network: name });
    } else if (out.kind === 'carried') this.receive(out.path, out.bytes, now, out.via);
    else if (out.kind === 'seen') {
      const isNews = this.own.note(out.to, out.address, now);
      if (isNews) for (const network of this.networks()) network.links.addressesChanged(now);
    } else this.outbox.push(out);
  }

  /** Sends on a host's path, or through the overlay that carries it. */
  private send(path: PathId, bytes: Uint8Array, now: Instant): void {
    const carrier = carrierOf(path);
    if (carrier === undefined) this.outbox.push({ kind: 'send', path, bytes });
    else this.networkOf(carrier)?.carry(path, bytes, now);
  }
}

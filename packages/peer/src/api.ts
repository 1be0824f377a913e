/**
 * The public API: what pages, the command line and embedding programs use. It
 * owns the asynchronous parts (keys, statements, devices) around the
 * synchronous `Peer`.
 */
import { fromBase64Url, WallClock } from '@warren/base';
import {
  Authority,
  type Credentials,
  eraseWorkingKeys,
  type Leaf,
  newWorkingKeys,
  readLeaf,
  type WorkingKeys,
} from '@warren/trust';
import { macOf, parseAddress, parseSubnet, printAddress, type Range, TAP_MTU_BYTES } from '@warren/vpn';
import type { Access } from './access.ts';
import { makeStatement, selfSignedPublicLeaf } from './certificates.ts';
import { isOwnRenewalDue, type Membership } from './enrol.ts';
import { PeerError } from './error.ts';
import { Group, type WarrenGroup } from './group.ts';
import { zoneOf } from './group-members.ts';
import type { Host, IdentityKey } from './host.ts';
import { keepAcquaintances, keptAcquaintances } from './kept-acquaintances.ts';
import { keptRevocations, removedError } from './kept-revocations.ts';
import { Peer } from './peer.ts';
import { Driver, type UserOutput } from './run.ts';
import type { PeerView } from './view.ts';
import { peerView } from './views.ts';

/** Statements live 12 h and are renewed after 6 (decisions.md). */
const STATEMENT_RENEW_MS = 6 * 3_600_000;
/** Changes within this time are told together. */
const TELL_MS = 50;
/** Links by kind of host (overlay.md "Peer ids and the ring"). */
const LINK_BUDGET = { browser: 24, edge: 256, site: 256, bootstrap: 1024 } as const;

export interface StartOptions {
  /** `ws://` or `wss://` URLs; none for the first bootstrap node of all. */
  readonly bootstraps: readonly string[];
  /** When this device relays for others; `always` by default. */
  readonly willingness?: 'always' | 'on-failure' | 'last-resort' | 'never';
  /** How it chooses among relays for itself: the fastest, or those it has been linked to longest. `latency` by default. */
  readonly relayChoice?: 'latency' | 'stability';
}

/** What the user of a device chooses for one group; all of it for hosts with an Ethernet device. */
export interface JoinChoices {
  /** `wr` and eight letters of the group by default. */
  readonly interfaceName?: string;
  /** Whether the device gets its address from us; if not, by DHCP from whoever uses it. Default true. */
  readonly configured?: boolean;
  /** Ranges behind this device, as a router; none by default. */
  readonly announced?: readonly Range[];
  /** Whether ranges behind other members are used; default false. */
  readonly acceptsRoutes?: boolean;
  /** Whether multicast and broadcast of others are wanted; default false. */
  readonly hearsGroups?: boolean;
  /** Whom frames are exchanged with; everybody by default. */
  readonly access?: Access;
}

/** A running participant. */
export interface WarrenPeer {
  view(): PeerView;
  /** Calls `listener` after something in `view()` changed; returns what ends it. */
  subscribe(listener: () => void): () => void;
  /** Calls `listener` after the host slept or its clock was set: certificates may have run out. Returns what ends it. */
  onResumed(listener: () => void): () => void;
  /** Rejects with a `PeerError` where that cannot be: `stopped` when the participant stops meanwhile. */
  join(membership: Membership, o?: JoinChoices): Promise<WarrenGroup>;
  /** The host slept, or its network changed. */
  resumed(): void;
  /** The tab is hidden, or the device short of power: neighbours choose it last for duties, until told otherwise. */
  setResting(isResting: boolean): void;
  /** Says goodbye to all neighbours and closes everything of the host. */
  stop(): Promise<void>;
}

/** Starts a participant in the public overlay. */
export async function startPeer(host: Host, options: StartOptions): Promise<WarrenPeer> {
  const identity = await host.identity('public');
  const keys = newWorkingKeys(host.random);
  const leaf = await publicLeaf(host, identity);
  const credentials = await credentialsFor(host, identity, leaf, keys);
  return new RunningPeer(host, { ...options, ...(await keptAcquaintances(host, 'public')) }, identity, credentials);
}

async function publicLeaf(host: Host, identity: IdentityKey): Promise<Leaf> {
  const leaf = readLeaf(await selfSignedPublicLeaf(identity, host.clock.unixMs(), host.random));
  if (typeof leaf === 'string') throw new PeerError('own-certificate', `Our own certificate is ${leaf}.`);
  return leaf;
}

async function credentialsFor(host: Host, key: IdentityKey, leaf: Leaf, keys: WorkingKeys): Promise<Credentials> {
  const now = host.clock.unixMs();
  const statement = await makeStatement(key, leaf.tbsHash, keys.noise.public, keys.signing.public, now);
  return { leaf, statement, keys };
}

class RunningPeer implements WarrenPeer {
  private readonly host: Host;
  private readonly peer: Peer;
  private readonly driver: Driver;
  private readonly identity: IdentityKey;
  private readonly groups = new Map<string, Group>();
  private readonly listeners = new Set<() => void>();
  private readonly resumeListeners = new Set<() => void>();
  private readonly renewal: ReturnType<typeof setInterval>;
  private publicCredentials: Credentials;
  private telling: ReturnType<typeof setTimeout> | undefined;
  private isResting = false;
  private stopping: Promise<void> | undefined;

  constructor(
    host: Host,
    options: StartOptions & { readonly acquaintances?: Uint8Array },
    identity: IdentityKey,
    credentials: Credentials,
  ) {
    this.host = host;
    this.identity = identity;
    this.publicCredentials = credentials;
    const { clock, random, datagrams, crypto, kind } = host;
    this.peer = new Peer(
      {
        kind,
        random,
        suite: crypto.suite,
        sign: crypto.sign,
        wallClock: new WallClock(clock.unixMs(), clock.now()),
        can: datagrams.can,
        linkBudget: LINK_BUDGET[kind],
        maxBytes: path => datagrams.maxBytes(path),
        authority: Authority.public({ verifier: crypto.verifier }),
        credentials,
        ...options,
        addresses: () => datagrams.localAddresses(),
        urls: () => datagrams.localUrls?.() ?? [],
      },
      clock.now(),
    );
    this.driver = new Driver(this.peer, host, out => this.output(out));
    this.keepRecords('public');
    this.renewal = setInterval(() => void this.renew(), STATEMENT_RENEW_MS);
    (this.renewal as { unref?: () => void }).unref?.();
  }

  view(): PeerView {
    const names = new Map([...this.groups].map(([id, group]) => [id, group.membership.file.name]));
    return peerView(this.peer, names, this.host.clock.unixMs(), network => this.driver.shelves.view(network));
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onResumed(listener: () => void): () => void {
    this.resumeListeners.add(listener);
    return () => this.resumeListeners.delete(listener);
  }

  async join(membership: Membership, o: JoinChoices = {}): Promise<WarrenGroup> {
    const { file, leaf } = membership;
    const { verifier } = this.host.crypto;
    const authority = Authority.group(fromBase64Url(file.ca) ?? new Uint8Array(0), { verifier });
    const subnet = parseSubnet(file.subnet);
    const rendezvousSecret = fromBase64Url(file.rendezvous);
    if (authority === undefined || subnet === undefined || rendezvousSecret === undefined) {
      throw new PeerError(
        'bad-membership',
        'The stored membership is damaged.',
        'Enrol this device again with a new group file.',
      );
    }
    if (this.groups.has(file.group)) throw new PeerError('already-joined', `This peer is in ${file.name} already.`);
    const kept = await keptRevocations(this.host, file.group);
    if (kept !== undefined) authority.revocations.learnList(kept);
    const identity = await this.host.identity(`group-${file.group}`);
    const credentials = await credentialsFor(this.host, identity, leaf, newWorkingKeys(this.host.random));
    const checked = authority.check(
      leaf.der,
      credentials.statement,
      credentials.keys.noise.public,
      this.host.clock.unixMs(),
    );
    if (!checked.ok && checked.reason === 'revoked') throw removedError(file.name);
    if (!checked.ok)
      throw new PeerError(
        'own-certificate',
        `This device's certificate is not accepted: ${checked.reason}.`,
        'Enrol it again with a new group file.',
      );
    const before = {
      ...(await this.rememberedAddress(file.group)),
      ...(await keptAcquaintances(this.host, file.group)),
    };
    const name = `wr${file.group.slice(0, 8)}`;
    this.refuseStopped();
    const { interfaceName, configured = true, ...choices } = o;
    const device = { name: interfaceName ?? name, mac: macOf(leaf.peerId), mtuBytes: TAP_MTU_BYTES, configured };
    const frames = await this.host.openFrames?.(device);
    try {
      this.refuseStopped();
    } catch (error) {
      eraseWorkingKeys(credentials.keys);
      await frames?.stop();
      throw error;
    }
    const network = this.driver.act(now =>
      this.peer.join(
        {
          name: file.group,
          authority,
          credentials,
          rendezvousSecret,
          subnet,
          hasTap: frames !== undefined,
          postQuantum: file.postQuantum ?? 'on',
          title: file.name,
          ...choices,
          ...before,
        },
        now,
      ),
    );
    this.driver.act(now => this.driver.lan?.add(network, rendezvousSecret, now));
    this.keepRecords(file.group);
    this.setResting(this.isResting);
    const group = new Group({
      membership,
      network,
      host: this.host,
      driver: this.driver,
      identity,
      credentials,
      frames,
      leave: () => this.leave(file.group),
      zones: () => [...this.peer.groups.values()].map(zoneOf),
      throughTunnel: () => {
        const tunnelled = [...this.groups.values()].find(each => each.isTunnelled);
        return tunnelled && (query => tunnelled.askGateway(query));
      },
      changed: () => this.changed(),
    });
    this.groups.set(file.group, group);
    frames?.listen(frame => this.driver.fromTap(file.group, frame));
    this.changed();
    return group;
  }

  resumed(): void {
    this.driver.act(now => this.peer.resumed(now));
  }

  setResting(isResting: boolean): void {
    this.isResting = isResting;
    const networks = [this.peer.public, ...[...this.peer.groups.values()].map(({ network }) => network)];
    this.driver.act(now => {
      for (const network of networks) network.setResting(isResting, now);
    });
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  private async shutDown(): Promise<void> {
    clearInterval(this.renewal);
    this.listeners.clear();
    this.resumeListeners.clear();
    this.driver.act(now => this.peer.stop(now));
    this.driver.stop();
    clearTimeout(this.telling);
    for (const group of this.groups.values()) group.eraseKeys();
    eraseWorkingKeys(this.publicCredentials.keys);
    await Promise.all([...this.groups.values()].map(group => group.closeFrames()));
    await this.host.datagrams.stop();
  }

  /** What is begun now would end with nobody. */
  private refuseStopped(): void {
    if (this.stopping !== undefined) throw new PeerError('stopped', 'This participant has stopped.');
  }

  private async leave(id: string): Promise<void> {
    const group = this.groups.get(id);
    this.groups.delete(id);
    const network = this.peer.groups.get(id);
    if (network !== undefined) this.driver.lan?.remove(network);
    this.driver.act(now => this.peer.leave(id, now));
    this.driver.shelves.remove(id, false);
    group?.eraseKeys();
    await group?.closeFrames();
    this.changed();
  }

  private output(out: UserOutput): void {
    if (out.kind === 'changed') {
      this.changed();
      return;
    }
    if (out.kind === 'resumed') {
      void this.renew();
      for (const listener of this.resumeListeners) listener();
      return;
    }
    if (out.kind === 'acquaintances') {
      void keepAcquaintances(this.host, out.network, out.bytes);
      return;
    }
    const group = this.groups.get(out.group);
    if (out.out.kind === 'configured') {
      const text = new TextEncoder().encode(printAddress(out.out.address));
      this.host.storage.set(`address-${out.group}`, text).catch(() => {
        // A full disk costs the address at the next start, nothing now.
      });
      this.changed();
    }
    group?.output(out.out);
  }

  /** Records of others outlive this run, where the host has a disk: in Node from before the first datagram comes in. */
  private keepRecords(network: string): void {
    const open = this.host.shelf?.bind(this.host, network);
    if (open !== undefined) void this.driver.shelves.add(network, open);
  }

  private async rememberedAddress(group: string): Promise<{ preferredAddress?: number }> {
    const bytes = await this.host.storage.get(`address-${group}`);
    const address = bytes && parseAddress(new TextDecoder().decode(bytes));
    return address === undefined ? {} : { preferredAddress: address };
  }

  /** Makes what runs out by date anew: the statements, and our own certificate in the public overlay. */
  private async renew(): Promise<void> {
    const { keys } = this.publicCredentials;
    const isDue = isOwnRenewalDue(this.publicCredentials.leaf, this.host.clock.unixMs());
    const leaf = isDue ? await publicLeaf(this.host, this.identity) : this.publicCredentials.leaf;
    this.publicCredentials = await credentialsFor(this.host, this.identity, leaf, keys);
    this.peer.public.renew(this.publicCredentials);
    for (const group of this.groups.values()) await group.renewStatement();
    this.changed();
  }

  private changed(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      for (const listener of this.listeners) listener();
    }, TELL_MS);
  }
}

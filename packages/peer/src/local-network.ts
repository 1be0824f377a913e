/**
 * Members of our groups in the same local network, found by announcements
 * (`Lan` of `group`): dialled there where a group has nobody yet, or where it
 * did not know them, so that a start needs no server and two halves of a group
 * in one house meet. Who is linked and known already is left alone.
 */
import { earliest, type Instant, type Random, type WallClock } from '@warren/base';
import { Lan } from '@warren/group';
import { parseAddress } from '@warren/link';
import { peerKey } from '@warren/wire';
import ipaddr from 'ipaddr.js';
import type { GroupNetwork } from './group-network.ts';

export interface LocalNetworkOptions {
  readonly random: Random;
  readonly wallClock: Pick<WallClock, 'at'>;
  /** Own UDP addresses: from each of them we announce ourselves. */
  readonly addresses: () => readonly string[];
  /** Multicasts from an own IP address. */
  readonly announce: (from: string, bytes: Uint8Array) => void;
}

/** The announcements of all groups. */
export class LocalNetwork {
  private readonly options: LocalNetworkOptions;
  private readonly groups = new Map<GroupNetwork, Lan>();

  constructor(options: LocalNetworkOptions) {
    this.options = options;
  }

  add(group: GroupNetwork, secret: Uint8Array, now: Instant): void {
    const { random, wallClock } = this.options;
    const lan = new Lan({ secret, memberId: group.network.self, random, wallClock });
    this.groups.set(group, lan);
    lan.start(now);
  }

  remove(group: GroupNetwork): void {
    this.groups.delete(group);
  }

  /** The network may be another: all is announced anew. */
  resumed(now: Instant): void {
    for (const lan of this.groups.values()) lan.start(now);
  }

  /** Something came by multicast from an IP address. */
  heard(from: string, bytes: Uint8Array, now: Instant): void {
    if (!ipaddr.isValid(from)) return;
    const address = Uint8Array.from(ipaddr.process(from).toByteArray());
    for (const [group, lan] of this.groups) {
      lan.heard(address, bytes, now);
      this.drain(group, lan, now);
    }
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.groups.values()].map(lan => lan.wakeAt));
  }

  tick(now: Instant): void {
    for (const [group, lan] of this.groups) {
      lan.tick(now);
      this.drain(group, lan, now);
    }
  }

  private drain(group: GroupNetwork, lan: Lan, now: Instant): void {
    for (let out = lan.poll(); out !== undefined; out = lan.poll()) {
      if (out.kind === 'announce') this.announce(lan, now);
      else this.found(group, out.member, printed(out.address, out.port), now);
    }
  }

  private announce(lan: Lan, now: Instant): void {
    for (const text of this.options.addresses()) {
      const own = parseAddress(text);
      if (own === undefined) continue;
      const address = Uint8Array.from(ipaddr.parse(own.host).toByteArray());
      this.options.announce(own.host, lan.announcement(address, own.port, now));
    }
  }

  private found(group: GroupNetwork, member: Uint8Array, address: string, now: Instant): void {
    const peer = peerKey(member);
    const { network, directory } = group;
    const isKnown = network.links.usable().length > 0 && directory.isOnline(peer, this.options.wallClock.at(now));
    if (!isKnown && network.links.info(peer) === undefined) network.connect(peer, [`udp/${address}`], now);
  }
}

function printed(address: Uint8Array, port: number): string {
  const host = ipaddr.fromByteArray([...address]);
  return host.kind() === 'ipv6' ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What the virtual network asks about the members of a group, answered from the list of them. */
import type { UnixMs } from '@warren/base';
import {
  type Acquainted,
  type InternetOffer,
  isUnicast,
  type Route,
  rangesOverlap,
  type Subnet,
  type Zone,
} from '@warren/vpn';
import { type PeerId, type PeerKey, peerKey } from '@warren/wire';
import type { Directory, Member } from './directory.ts';
import type { GroupNetwork } from './group-network.ts';

/** A router leads to no more than a 256th part of the Internet: all of it is a gateway's, which is chosen by the user. */
const ROUTE_LEAST_BITS = 8;

/** What a group knows of names. */
export function zoneOf({ names, network, subnet, directory, vpn, self }: GroupNetwork): Zone {
  const members = directory.all().map(({ peer, certified: { peerId }, device, user, address }) => {
    const held = peer === self ? vpn.address : address || undefined;
    return { peerId, device, user, address: held };
  });
  return { domain: names.domain, group: network.name, subnet, members };
}

/** Whom rules of this device shut out: nobody unless said otherwise. */
export interface Access {
  /** If given, only these users are let in. */
  readonly onlyUsers?: readonly string[];
  /** These users are not. */
  readonly notUsers?: readonly string[];
}

/** Members as the virtual network of `self` sees them; `today` tells who seems to be there. */
export class GroupMembers implements Acquainted {
  private readonly directory: Directory;
  private readonly self: PeerKey;
  private readonly today: () => UnixMs;
  private readonly access: Access;

  constructor(directory: Directory, self: PeerKey, today: () => UnixMs, access: Access = {}) {
    this.directory = directory;
    this.self = self;
    this.today = today;
    this.access = access;
  }

  memberWith(interfaceId: Uint8Array): PeerId | undefined {
    return this.directory.withInterface(interfaceId)?.certified.peerId;
  }

  listeners(): readonly PeerId[] {
    return this.present(member => member.hearsGroups).map(({ certified }) => certified.peerId);
  }

  /** Who is not in the list yet is not allowed where only some users are. */
  allows(peerId: PeerId): boolean {
    const { onlyUsers, notUsers } = this.access;
    if (onlyUsers === undefined && notUsers === undefined) return true;
    const user = this.directory.get(peerKey(peerId))?.user;
    if (user === undefined) return false;
    return (onlyUsers?.includes(user) ?? true) && !(notUsers?.includes(user) ?? false);
  }

  /** What lies behind members who have the right to say so, and beside the group's own subnet. */
  routes(subnet: Subnet): Route[] {
    const routers = this.present(({ certified }) => certified.rights.includes('router'));
    return routers.flatMap(({ ranges, certified: { peerId } }) => {
      const sound = ranges.filter(range => range.prefixBits >= ROUTE_LEAST_BITS && isUnicast(range.network));
      return sound.filter(range => !rangesOverlap(range, subnet)).map(range => ({ range, peerId }));
    });
  }

  /** Members that lead to the Internet and may (#78): who says so without the right is not looked at. */
  gateways(): InternetOffer[] {
    const entitled = this.present(
      ({ certified, gateway }) => gateway !== undefined && certified.rights.includes('gateway'),
    );
    return entitled.flatMap(({ gateway, address, certified: { peerId } }) =>
      gateway === undefined || address === 0 ? [] : [{ peerId, address, ...gateway }],
    );
  }

  private present(isWanted: (member: Member) => boolean): Member[] {
    const isThere = (member: Member) => member.peer !== this.self && this.directory.isFresh(member, this.today());
    return this.directory.all().filter(member => isWanted(member) && isThere(member));
  }
}

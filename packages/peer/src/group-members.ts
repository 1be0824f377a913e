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
import { type Access, hasRules, letsIn } from './access.ts';
import type { Certified, Directory, Member } from './directory.ts';
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

export interface GroupMembersOptions {
  readonly directory: Directory;
  readonly self: PeerKey;
  /** Tells who seems to be there. */
  readonly today: () => UnixMs;
  /** Whom rules of this device shut out; nobody by default. */
  readonly access?: Access | undefined;
  /** Whether a certificate is older than the last change of its user's teams. */
  readonly isOutdated: (certified: Certified) => boolean;
}

/** Members as the virtual network of `self` sees them. */
export class GroupMembers implements Acquainted {
  private readonly options: GroupMembersOptions;
  private readonly directory: Directory;
  private readonly access: Access;
  private readonly hasRules: boolean;

  constructor(options: GroupMembersOptions) {
    this.options = options;
    this.directory = options.directory;
    this.access = options.access ?? {};
    this.hasRules = hasRules(this.access);
  }

  memberWith(interfaceId: Uint8Array): PeerId | undefined {
    return this.directory.withInterface(interfaceId)?.certified.peerId;
  }

  listeners(): readonly PeerId[] {
    return this.present(member => member.hearsGroups).map(({ certified }) => certified.peerId);
  }

  /** Who is not in the list yet is out where there are rules. */
  allows(peerId: PeerId): boolean {
    if (!this.hasRules) return true;
    const member = this.directory.get(peerKey(peerId));
    return member !== undefined && this.isLetIn(member);
  }

  /** The teams of a member's user; `undefined` while its certificate is older than their last change. */
  teamsOf({ certified }: Member): readonly string[] | undefined {
    return this.options.isOutdated(certified) ? undefined : certified.teams;
  }

  /** Whether our own certificate is too old to tell our teams. */
  get isOutdated(): boolean {
    const ourselves = this.directory.get(this.options.self);
    return ourselves !== undefined && this.options.isOutdated(ourselves.certified);
  }

  /** What lies behind members who have the right to say so, are not shut out, and beside the group's own subnet. */
  routes(subnet: Subnet): Route[] {
    const routers = this.present(member => member.certified.rights.includes('router') && this.isLetIn(member));
    return routers.flatMap(({ ranges, certified: { peerId } }) => {
      const sound = ranges.filter(range => range.prefixBits >= ROUTE_LEAST_BITS && isUnicast(range.network));
      return sound.filter(range => !rangesOverlap(range, subnet)).map(range => ({ range, peerId }));
    });
  }

  /** Members that lead to the Internet and may (#78): who says so without the right, or is shut out, is not looked at. */
  gateways(): InternetOffer[] {
    const mayLead = ({ certified, gateway }: Member) => gateway !== undefined && certified.rights.includes('gateway');
    const entitled = this.present(member => mayLead(member) && this.isLetIn(member));
    return entitled.flatMap(({ gateway, address, certified: { peerId } }) =>
      gateway === undefined || address === 0 ? [] : [{ peerId, address, ...gateway }],
    );
  }

  private isLetIn(member: Member): boolean {
    return !this.hasRules || letsIn(this.access, { user: member.user, teams: this.teamsOf(member) });
  }

  private present(isWanted: (member: Member) => boolean): Member[] {
    const { self, today } = this.options;
    const isThere = (member: Member) => member.peer !== self && this.directory.isFresh(member, today());
    return this.directory.all().filter(member => isWanted(member) && isThere(member));
  }
}

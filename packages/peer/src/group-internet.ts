/** What joins a group's Internet gateways to its members and links: who offers, how they are reached, what we offer. */
import { earliest, type Instant } from '@warren/base';
import type { Links } from '@warren/link';
import type { GatewaysOptions, Leading, Vpn } from '@warren/vpn';
import type { PeerKey } from '@warren/wire';
import type { GroupMembers } from './group-members.ts';

/** How often the ways to gateways are looked at. */
const LOOK_MS = 1000;

/** Which gateways carry all Internet traffic of this device. */
export interface Tunnel {
  /** `device.user`, `device` or peer ids; absent: whoever is best. */
  readonly gateways?: readonly string[];
  /** Whether connections are divided among all good ones. */
  readonly spread?: boolean;
}

export interface GroupInternetOptions {
  readonly vpn: Vpn;
  readonly links: Links;
  readonly members: Pick<GroupMembers, 'gateways'>;
  /** The member of that name; `undefined` for none, and for several. */
  readonly find: (name: string) => PeerKey | undefined;
  /** Our card says something else than before. */
  readonly cardChanged: (now: Instant) => void;
}

/** The Internet of one group at one participant. */
export class GroupInternet {
  private readonly options: GroupInternetOptions;
  private wanted: Tunnel | undefined;
  private lookAt: Instant | undefined;

  constructor(options: GroupInternetOptions) {
    this.options = options;
  }

  /** What we offer as a gateway; `undefined`: nothing. */
  get leading(): Leading | undefined {
    return this.options.vpn.internet.leading;
  }

  /** Offers our machine's way to the Internet to members, or no more. Whether it may is theirs to check. */
  lead(leading: Leading | undefined, now: Instant): void {
    this.options.vpn.internet.leading = leading;
    this.options.cardChanged(now);
  }

  /** Sends our machine's Internet packets through gateways, or no more. */
  tunnel(wanted: Tunnel | undefined, now: Instant): void {
    this.wanted = wanted;
    this.lookAt = wanted === undefined ? undefined : now;
    this.options.vpn.tunnel(this.gatewaysOptions(), now);
    this.membersChanged(now);
  }

  /** Who is there, or what they offer, may have changed. */
  membersChanged(now: Instant): void {
    const { vpn, members } = this.options;
    vpn.handle({ kind: 'gateways', offers: members.gateways() }, now);
    // Names may lead to somebody only now.
    if (this.wanted?.gateways !== undefined) vpn.tunnel(this.gatewaysOptions(), now);
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.lookAt);
  }

  tick(now: Instant): void {
    if (this.lookAt === undefined || now < this.lookAt) return;
    this.lookAt = now + LOOK_MS;
    const { vpn, links } = this.options;
    for (const { peer } of vpn.internet.all) {
      const info = links.info(peer);
      const isDirect = info !== undefined && info.kind !== 'relay' && info.kind !== 'overlay';
      if (info !== undefined) vpn.internet.reached(peer, { isDirect, rttMs: info.rttMs });
    }
  }

  private gatewaysOptions(): GatewaysOptions | undefined {
    if (this.wanted === undefined) return undefined;
    const { gateways: names, spread = false } = this.wanted;
    if (names === undefined) return { spread };
    return { spread, allowed: new Set(names.flatMap(name => this.options.find(name) ?? [])) };
  }
}

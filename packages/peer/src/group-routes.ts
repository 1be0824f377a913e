/** What the device of a group leads to beside members: ranges behind those who are routers, where this device uses them. */
import type { Instant } from '@warren/base';
import { prefixOf, printRange, type Range, type Vpn } from '@warren/vpn';
import type { GroupMembers } from './group-members.ts';
import type { GroupOptions } from './group-options.ts';
import type { Tunnel } from './own-addresses.ts';

export interface GroupRoutesOptions {
  readonly group: Pick<GroupOptions, 'name' | 'subnet' | 'acceptsRoutes' | 'hasTap'>;
  readonly vpn: Vpn;
  readonly members: Pick<GroupMembers, 'routes'>;
}

/** The routes of one group at one participant. */
export class GroupRoutes {
  private readonly options: GroupRoutesOptions;
  private readonly prefix6: Uint8Array;
  private reached: readonly Range[] = [];

  constructor(options: GroupRoutesOptions) {
    this.options = options;
    this.prefix6 = prefixOf(options.group.name);
  }

  /** What the group's device leads to. */
  get tunnel(): Tunnel {
    return { subnet: this.options.group.subnet, prefix6: this.prefix6, reached: this.reached };
  }

  /** Who is there, or what lies behind them, may have changed: the ranges where they are others than before. */
  membersChanged(now: Instant): readonly Range[] | undefined {
    const { vpn, members, group } = this.options;
    if (!group.acceptsRoutes || !group.hasTap) return undefined;
    const routes = members.routes(group.subnet);
    vpn.handle({ kind: 'routes', routes }, now);
    const ranges = routes.map(({ range }) => range);
    if (ranges.map(printRange).join() === this.reached.map(printRange).join()) return undefined;
    this.reached = ranges;
    return ranges;
  }
}

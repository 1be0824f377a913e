/** What a group's stack is told when it starts. */
import type { Range, Subnet } from '@warren/vpn';
import type { PeerId } from '@warren/wire';
import type { Access } from './access.ts';
import type { NetworkOptions } from './network-options.ts';

export interface GroupOptions extends NetworkOptions {
  readonly publicId: PeerId;
  /** 32 bytes. */
  readonly rendezvousSecret: Uint8Array;
  readonly subnet: Subnet;
  readonly hasTap: boolean;
  /** The address of the last run. */
  readonly preferredAddress?: number;
  /** The group's display name, which names of members end with; absent: its id serves. */
  readonly title?: string;
  /** Ranges of addresses behind this device, as a router; none by default. */
  readonly announced?: readonly Range[];
  /** Whether ranges behind routers are used; false by default: routers could draw traffic of others to them. */
  readonly acceptsRoutes?: boolean;
  /** Whether this device wants multicast and broadcast of others; false by default. */
  readonly hearsGroups?: boolean;
  /** Whom this device exchanges frames with; everybody by default. */
  readonly access?: Access;
}

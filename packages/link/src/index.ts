export { mayProbe, PATH_RANK, type PathKind, parseAddress, pathKind } from './candidates.ts';
export type { LinkInfo } from './link.ts';
export { Links } from './links.ts';
export type { LinkLoss, LinksOptions, LinksOutput, LinksStats, Received } from './links-options.ts';
export { type IpFamily, type NatBehaviour, NatSightings, type Reflexive } from './nat.ts';
export type { RelayChoice } from './relay-search.ts';
export type { RelaysStats } from './relays.ts';
export { senderGroup } from './sender-groups.ts';

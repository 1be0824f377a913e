export { mayProbe, PATH_RANK, type PathKind, parseAddress, pathKind } from './candidates.ts';
export type { LinkInfo } from './link.ts';
export {
  type LinkLoss,
  Links,
  type LinksOptions,
  type LinksOutput,
  type LinksStats,
  type Received,
} from './links.ts';
export { senderGroup } from './sender-groups.ts';

export type { Access } from './access.ts';
export { type JoinChoices, type StartOptions, startPeer, type WarrenPeer } from './api.ts';
export {
  enrolmentChallenge,
  issueCertificateAuthority,
  issueLeaf,
  makeRequest,
  makeStatement,
  readRequest,
  selfSignedPublicLeaf,
} from './certificates.ts';
export { type HostCrypto, nobleCrypto } from './crypto.ts';
export {
  enrol,
  type Fetch,
  forgetMembership,
  isOwnRenewalDue,
  isRemoved,
  isRenewalDue,
  loadMemberships,
  type Membership,
  renew,
  saveMembership,
} from './enrol.ts';
export { PeerError } from './error.ts';
export type { PingOptions, WarrenGroup } from './group.ts';
export type { Tunnel } from './group-internet.ts';
export type {
  Clock,
  Datagrams,
  Frames,
  FramesOptions,
  Host,
  HostKind,
  IdentityKey,
  PathEvent,
  PathId,
  Shelf,
  ShelfChange,
  ShelfEntry,
  Storage,
} from './host.ts';
export { fetchRevocations, keepRevocations, listOf } from './kept-revocations.ts';
export { Peer } from './peer.ts';
export type { JoinOptions, PeerOptions, PeerOutput } from './peer-options.ts';
export { Driver, type UserOutput } from './run.ts';
export { Upkeep, type UpkeepOptions } from './upkeep.ts';
export type {
  CensusView,
  CrawledPeerView,
  CrawlInconsistency,
  CrawlView,
  GatewayView,
  GroupView,
  LinkKind,
  LinkView,
  MemberView,
  NatView,
  PeerView,
  PingReport,
  PublicView,
  RelayedView,
  StorageView,
  TextMessage,
  WayView,
} from './view.ts';
export { groupView, peerView } from './views.ts';
export { BUFFERED_MAX_BYTES, type Way, type WayEvents } from './way.ts';

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
  Storage,
} from './host.ts';
export type {
  GroupView,
  LinkKind,
  LinkView,
  MemberView,
  PeerView,
  PingReport,
  PublicView,
  TextMessage,
} from './view.ts';

/** Makes the plain views of `view.ts` from a running participant. */
import { toHex } from '@warren/base';
import type { LinkInfo } from '@warren/link';
import {
  memberAddress6,
  prefixOf,
  printAddress,
  printAddress6,
  printRange,
  printSubnet,
  serviceAddress,
} from '@warren/vpn';
import { HOST_KINDS, peerKey } from '@warren/wire';
import type { Member } from './directory.ts';
import type { GroupNetwork } from './group-network.ts';
import type { Network } from './network.ts';
import type { OwnAddresses } from './own-addresses.ts';
import type { Peer } from './peer.ts';
import type {
  GroupView,
  LinkView,
  MemberView,
  PeerView,
  PublicView,
  RelayedView,
  StorageView,
  WayView,
} from './view.ts';

/** The whole participant at `unixMs`. */
export function peerView(
  peer: Peer,
  names: ReadonlyMap<string, string>,
  unixMs: number,
  storage: (network: string) => StorageView | undefined = () => undefined,
): PeerView {
  const groups = [...peer.groups].map(([id, group]) => groupView(group, names.get(id) ?? id, unixMs, storage(id)));
  return { public: publicView(peer, storage('public')), groups };
}

/** One group. */
export function groupView(group: GroupNetwork, name: string, unixMs: number, storage?: StorageView): GroupView {
  const { network, vpn } = group;
  const members = group.directory.all().map(member => memberView(group, member, unixMs));
  const self = members.find(member => member.self) as MemberView;
  const links = linkViews(network);
  const problem = group.isRemoved ? 'removed' : network.problem(unixMs);
  const { offered: taken, handedOn } = network.overlay.ringWideStats.broadcasts;
  return {
    group: network.name,
    name,
    subnet: printSubnet(group.subnet),
    names: { ...group.names, server: printAddress(serviceAddress(group.subnet)) },
    postQuantum: network.postQuantum,
    state: group.isRemoved
      ? 'stopped'
      : group.isSearching
        ? 'searching'
        : vpn.address === undefined
          ? 'starting'
          : 'connected',
    ...(problem === undefined ? {} : { problem }),
    self,
    members,
    links,
    ...internetView(group),
    broadcasts: { taken, handedOn },
    recordsHeld: network.dht.store.size,
    ...(storage === undefined ? {} : { storage }),
    forwarded: network.overlay.stats.forwarded,
    relayed: relayedView(network),
  };
}

function internetView({
  vpn: { internet },
  members,
  directory,
}: GroupNetwork): Pick<GroupView, 'gateways' | 'tunnel' | 'leading'> {
  const states = new Map(internet.all.map(({ peer, state }, place) => [peer, { state, place }]));
  const { current, isTunnelled, leading } = internet;
  const offers = members.gateways().map(({ peerId, hasIpv6, capacityMbit }) => {
    const peer = peerKey(peerId);
    const { user = '', device = '' } = directory.get(peer) ?? {};
    const { state = 'unknown', place = states.size } = states.get(peer) ?? {};
    const view = {
      peerId: peer,
      name: `${device}.${user}`,
      ipv6: hasIpv6,
      capacityMbit,
      state,
      current: peer === current,
    };
    return { view, place };
  });
  const gateways = offers.sort((a, b) => a.place - b.place).map(({ view }) => view);
  const tunnel = current === undefined ? ('no-gateway' as const) : ('on' as const);
  return {
    ...(gateways.length === 0 ? {} : { gateways }),
    ...(isTunnelled ? { tunnel } : {}),
    ...(leading && { leading: { ipv6: leading.hasIpv6, capacityMbit: leading.capacityMbit } }),
  };
}

function publicView(peer: Peer, storage: StorageView | undefined): PublicView {
  const { public: network } = peer;
  return {
    peerId: toHex(network.self),
    state: peer.isPublicReady ? 'connected' : 'connecting',
    bootstraps: peer.bootstrapView(),
    links: linkViews(network),
    ...natView(peer.own),
    recordsHeld: network.dht.store.size,
    ...(storage === undefined ? {} : { storage }),
    forwarded: network.overlay.stats.forwarded,
    relayed: relayedView(network),
  };
}

function natView(own: OwnAddresses): Pick<PublicView, 'nat'> {
  const [ipv4, ipv6] = [own.reflexive('ipv4'), own.reflexive('ipv6')];
  if (ipv4 === undefined && ipv6 === undefined) return {};
  return { nat: { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) } };
}

function relayedView({ links }: Network): RelayedView {
  const { datagrams, bytes, refused } = links.stats.relays;
  return { datagrams, bytes, refused: { ...refused } };
}

/** The way of a link; `named` says who relays. */
function wayView({ kind, via, rttMs }: LinkInfo, named: (peer: string) => string): WayView {
  return { kind, ...(via && { via: named(via) }), ...(rttMs === undefined ? {} : { rttMs: rounded(rttMs) }) };
}

function linkViews(network: Network): LinkView[] {
  const links: LinkView[] = [];
  for (const key of network.links.usable()) {
    const info = network.links.info(key);
    if (info === undefined) continue;
    const { peer, sentBytes, receivedBytes } = info;
    const roles = network.overlay.rolesOf(peer);
    const pq = network.isPostQuantum(peer) ?? false;
    links.push({ peerId: peer, ...wayView(info, via => via), roles, pq, sentBytes, receivedBytes });
  }
  return links;
}

function memberView(group: GroupNetwork, member: Member, unixMs: number): MemberView {
  const { network, vpn } = group;
  const { peer, user, device } = member;
  const self = peer === group.self;
  const link = self ? undefined : network.links.info(peer);
  const address = self ? vpn.address : member.address;
  const routes = member.certified.rights.includes('router') ? member.ranges : [];
  const teams = group.members.teamsOf(member);
  const pq = self ? undefined : network.isPostQuantum(peer);
  const disagreement = self ? undefined : network.disagreement(peer);
  const said = HOST_KINDS[network.links.hostKind(peer) ?? HOST_KINDS.length];
  const kind = self ? group.hostKind : (said ?? member.hostKind);
  return {
    peerId: peer,
    name: `${device}.${user}`,
    device,
    user,
    kind: kind === 'browser' || kind === 'site' ? kind : 'edge',
    ...(address ? { address: printAddress(address) } : {}),
    address6: printAddress6(memberAddress6(prefixOf(network.name), member.certified.peerId)),
    ...(routes.length === 0 ? {} : { routes: routes.map(printRange) }),
    ...(teams === undefined ? {} : { teams }),
    rights: member.certified.rights,
    self,
    online: self || link !== undefined || group.directory.isFresh(member, unixMs),
    ...(!self && network.overlay.isResting(peer) ? { resting: true } : {}),
    ...(link && { link: wayView(link, via => nameOf(group, via)) }),
    ...(pq === undefined ? {} : { pq }),
    ...(disagreement === undefined ? {} : { disagreement }),
  };
}

/** `device.user`, or the key of a member whose certificate we do not know yet. */
function nameOf({ directory }: GroupNetwork, peer: string): string {
  const member = directory.get(peer);
  return member === undefined ? peer : `${member.device}.${member.user}`;
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

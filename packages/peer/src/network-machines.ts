/** The machines of one network, made from its options. How they talk to each other is `network.ts`. */
import { Dht } from '@warren/dht';
import { Links } from '@warren/link';
import { Overlay } from '@warren/overlay';
import type { Sessions } from '@warren/session';
import { type Leaf, signWorking } from '@warren/trust';
import { HOST_KINDS, PEER_ID_BYTES, peerKey } from '@warren/wire';
import { Acquaintances } from './acquaintances.ts';
import type { NetworkOptions } from './network-options.ts';

/** The link table, over sessions with neighbours; `leaf` is our certificate. */
export function linksOf(options: NetworkOptions, sessions: Sessions, leaf: () => Leaf): Links {
  const { name, credentials, random, suite, can, kind, maxBytes, addresses, nat, urls, publicId } = options;
  const self = peerKey(credentials.leaf.peerId);
  const hostKind = HOST_KINDS.indexOf(kind);
  const base = { self, network: name, sessions, random, hash: suite.hash, can, hostKind, maxBytes, addresses, nat };
  const { willingness, relayChoice, isOurTunnel } = options;
  const relays = { ...(willingness && { willingness }), ...(relayChoice && { relayChoice }) };
  // Strangers have no rights, but quotas.
  const mayRelay = () => name === 'public' || leaf().rights.includes('relay');
  return new Links({
    ...base,
    ...relays,
    mayRelay,
    strangers: name === 'public',
    ...(publicId && { publicId }),
    ...(urls && { urls }),
    ...(isOurTunnel && { isOurTunnel }),
  });
}

/** The ring; `records` says how many we hold. */
export function overlayOf(options: NetworkOptions, records: () => number): Overlay {
  const { name, kind: hostKind, credentials, random, linkBudget } = options;
  const about = () => ({ hostKind, records: records() });
  return new Overlay({ self: credentials.leaf.peerId, random, linkBudget, isPublic: name === 'public', about });
}

/** Records and lookups. */
export function dhtOf({ authority, credentials, wallClock, sign, suite, random }: NetworkOptions): Dht {
  const place = (bytes: Uint8Array) => suite.hash(bytes).slice(0, PEER_ID_BYTES);
  return new Dht({ authority, credentials, wallClock, sign: sign ?? signWorking, place, random });
}

/** Peers from before; `links` knows those of now. */
export function acquaintancesOf(options: NetworkOptions, links: Links): Acquaintances {
  const { name, random, wallClock, can, acquaintances: kept } = options;
  const neighbours = () => {
    const infos = links.usable().map(peer => links.info(peer));
    return infos.filter(info => info !== undefined);
  };
  const common = { random, wallClock, strangers: name === 'public', canUdp: can.udp, neighbours };
  return new Acquaintances(kept === undefined ? common : { ...common, kept });
}

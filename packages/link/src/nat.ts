/**
 * What NATs do with our UDP socket, by what others see of it: each answer to a
 * challenge says from which address the challenge came. Addresses are told by
 * votes, one for each host that was asked, so that a liar is outvoted as soon
 * as two others have answered. Not here: filtering, which nobody can see from
 * inside without a helper at a second address.
 * Source: RFC 4787 section 4.1, RFC 5780 section 4.3; overlay.md "Links".
 */
import type { Instant } from '@warren/base';
import type { LinkMessage } from '@warren/wire';
import ipaddr from 'ipaddr.js';
import { mayProbe, parseAddress } from './candidates.ts';

/** What the candidates of a peer say of its NATs. */
export type NatBehaviour = Extract<LinkMessage, { kind: 'candidates' }>['nat'];
export type IpFamily = 'ipv4' | 'ipv6';

/** Of one address family: what is known of the NATs, and where others see us, most believed first, at most two. */
export interface Reflexive extends NatBehaviour {
  readonly addresses: readonly string[];
}

/** Sightings kept of each address family. */
const SIGHTINGS_MAX = 64;
/** Of hosts that were asked under several ports: some NATs map by port, and one host has not many voices. */
const SIGHTINGS_PER_HOST_MAX = 2;
/** Mappings change; a spare path is asked every two minutes at least. */
const SIGHTING_LIFETIME_MS = 300_000;
/** Where others see us: addresses that are told of each family. */
const REFLEXIVE_MAX = 2;
/** Of a socket that is seen elsewhere by everybody the newest ports help, to predict others by. */
const NEWEST_PORTS_MAX = 2;
/** NATs that count up use steps of one or two; greater distances are chance. */
const STEP_MAX = 16;

interface Sighting {
  /** Address and host that were asked. */
  readonly to: string;
  readonly toHost: string;
  /** Where we were seen. */
  readonly host: string;
  readonly port: number;
  readonly firstAt: Instant;
  readonly at: Instant;
}

/** One outside address of ours. */
interface Group {
  readonly host: string;
  readonly sightings: readonly Sighting[];
  /** Hosts that saw us there. */
  readonly voters: number;
  readonly mapping: NatBehaviour['mapping'];
}

/** What was seen of one socket lately. */
export class NatSightings {
  private readonly families: Readonly<Record<IpFamily, Map<string, Sighting>>> = { ipv4: new Map(), ipv6: new Map() };

  /**
   * Notes that whoever is at `to` saw us at `seen`, both as `192.0.2.7:41641`. Anything else is ignored. True when that
   * may change what `of` says: mostly everybody sees again what it saw before.
   */
  note(to: string, seen: string, now: Instant): boolean {
    const [asked, own] = [parseAddress(to), parseAddress(seen)];
    if (asked === undefined || own === undefined) return false;
    const sightings = this.families[ipaddr.process(own.host).kind()];
    const countBefore = sightings.size;
    for (const [key, { at }] of sightings) if (now >= at + SIGHTING_LIFETIME_MS) sightings.delete(key);
    const { host: toHost } = asked;
    const before = sightings.get(to);
    const isSame = before?.host === own.host && before.port === own.port;
    sightings.delete(to);
    const ofHost = [...sightings.values()].filter(each => each.toHost === toHost);
    const isFull = ofHost.length >= SIGHTINGS_PER_HOST_MAX || sightings.size >= SIGHTINGS_MAX;
    const [oldest] = ofHost.length >= SIGHTINGS_PER_HOST_MAX ? ofHost : sightings.values();
    if (isFull && oldest !== undefined) sightings.delete(oldest.to);
    sightings.set(to, { to, toHost, ...own, firstAt: isSame ? before.firstAt : now, at: now });
    return !isSame || sightings.size < countBefore;
  }

  /** Forgets all, as after sleep. */
  clear(): void {
    this.families.ipv4.clear();
    this.families.ipv6.clear();
  }

  /** What the sightings of a family say; `bound`: addresses of ours that no NAT changes. `undefined` before the first. */
  of(family: IpFamily, bound: readonly string[]): Reflexive | undefined {
    const groups = groupsOf([...this.families[family].values()]);
    if (groups.length === 0) return undefined;
    const outside = groups.filter(({ sightings }) =>
      sightings.some(({ host, port }) => !bound.includes(print(host, port))),
    );
    // On the LAN others see what is bound, which says nothing of the NAT before it; from elsewhere it says that there is none.
    const rivals = groups.filter(group => outside.includes(group) || mayProbe(print(group.host, 1), true));
    const most = rivals[0]?.voters ?? 0;
    // A few liars may speak of an address of which nobody else does: whoever were told it would send there.
    const believed = outside.filter(({ voters }) => 2 * voters > most);
    const told = believed.length > 0 ? believed : groups.filter(group => !outside.includes(group));
    const addresses = told.flatMap(addressesOf).slice(0, REFLEXIVE_MAX);
    const [first] = believed;
    if (first === undefined) return { mapping: 'endpoint-independent', portStep: 0, addresses };
    const dependent = believed.find(({ mapping }) => mapping === 'endpoint-dependent');
    if (dependent === undefined) return { mapping: first.mapping, portStep: 0, addresses };
    return { mapping: 'endpoint-dependent', portStep: stepOf(dependent.sightings), addresses };
  }
}

/** By outside address, that of most voters first. */
function groupsOf(sightings: readonly Sighting[]): Group[] {
  const byHost = grouped(sightings, ({ host }) => host);
  const groups = [...byHost].map(([host, ofHost]) => ({
    host,
    sightings: ofHost,
    voters: hostsOf(ofHost),
    mapping: mappingOf(ofHost),
  }));
  return groups.toSorted((a, b) => b.voters - a.voters);
}

/** One port for most of two or more hosts: independent; another for each: dependent. */
function mappingOf(sightings: readonly Sighting[]): NatBehaviour['mapping'] {
  const voters = hostsOf(sightings);
  if (voters < 2) return 'unknown';
  const [agreed = []] = byPort(sightings);
  const agreeing = hostsOf(agreed);
  if (agreeing >= 2 && 2 * agreeing > voters) return 'endpoint-independent';
  return agreeing === 1 ? 'endpoint-dependent' : 'unknown';
}

/** Where a NAT puts us at one of its addresses, as far as others may use it. */
function addressesOf({ host, sightings, mapping }: Group): string[] {
  const ports = byPort(sightings).map(([first]) => (first as Sighting).port);
  const newest = sightings.toSorted((a, b) => b.firstAt - a.firstAt).map(({ port }) => port);
  const told = mapping === 'endpoint-dependent' ? [...new Set(newest)].slice(0, NEWEST_PORTS_MAX) : ports.slice(0, 1);
  return told.map(port => print(host, port));
}

/** Sightings with the same port together, those of most voters first, then the newest. */
function byPort(sightings: readonly Sighting[]): Sighting[][] {
  const newest = (group: readonly Sighting[]) => Math.max(...group.map(({ at }) => at));
  const groups = [...grouped(sightings, ({ port }) => port).values()];
  return groups.toSorted((a, b) => hostsOf(b) - hostsOf(a) || newest(b) - newest(a));
}

/** How far one mapping is from the next: the commonest small distance of two ports, upwards or downwards in time; 0: none. */
function stepOf(sightings: readonly Sighting[]): number {
  const sorted = sightings.toSorted((a, b) => a.port - b.port);
  const gaps = sorted.slice(1).map(({ port }, i) => port - (sorted[i] as Sighting).port);
  const small = gaps.filter(gap => gap > 0 && gap <= STEP_MAX);
  const [step] = [...grouped(small, gap => gap)].toSorted(([a, as], [b, bs]) => bs.length - as.length || a - b);
  // As many as are alike: with two neighbours a chance of one in a thousand remains.
  if (step === undefined || 2 * small.length < gaps.length) return 0;
  const byTime = sightings.toSorted((a, b) => a.firstAt - b.firstAt);
  const isUpwards = (byTime.at(-1) as Sighting).port >= (byTime[0] as Sighting).port;
  return isUpwards ? step[0] : -step[0];
}

function grouped<T, K>(all: readonly T[], keyOf: (each: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

function hostsOf(sightings: readonly Sighting[]): number {
  return new Set(sightings.map(({ toHost }) => toHost)).size;
}

function print(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

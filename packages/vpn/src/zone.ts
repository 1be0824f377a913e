/**
 * The names of a group: what there is to a question, or that it is not ours to answer. No bytes here, no sockets.
 *
 * ```text
 * home.warren                    SOA, NS         also under the group's id, for groups of one name
 * dns.home.warren                A, AAAA         the services' addresses
 * ada.home.warren                nothing         but it exists
 * laptop.ada.home.warren         A, AAAA         a member
 * 31.88.128.10.in-addr.arpa      PTR             the reverse of both families
 * ```
 *
 * Source: RFC 1034, section 4.3.2; "no such name": RFC 2308, RFC 8020; reverse: RFC 1035, section 3.5, RFC 3596.
 */
import { toHex } from '@warren/base';
import type { PeerId } from '@warren/wire';
import { memberAddress6, PREFIX_6_BITS, prefixOf, printAddress6, serviceAddress6 } from './ipv6-address.ts';
import { inRange } from './routes.ts';
import { TOP } from './search-names.ts';
import { printAddress, type Subnet, serviceAddress } from './subnet.ts';

/** How long others may remember an answer, and that there is none: members come and move. */
const TTL_S = 30;
const NEGATIVE_TTL_S = 5;

/** A member as far as names go. */
export interface NamedMember {
  readonly peerId: PeerId;
  readonly device: string;
  readonly user: string;
  /** IPv4 as a number; `undefined` while it holds none. */
  readonly address: number | undefined;
}

/** What one group knows of names. */
export interface Zone {
  /** `home.warren`. */
  readonly domain: string;
  /** The group's id. */
  readonly group: string;
  readonly subnet: Subnet;
  readonly members: readonly NamedMember[];
}

/** A question: a name in any case, without a dot at its end, and a type such as `AAAA`. */
export interface Question {
  readonly name: string;
  readonly type: string;
}

/** One record. `data` is an address or a name; of a SOA the name of the zone's server. */
export interface ZoneRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'PTR' | 'NS' | 'SOA';
  readonly ttlS: number;
  readonly data: string;
}

/** `exists`: whether there is such a name; `soa` goes with an answer without records. */
export interface ZoneAnswer {
  readonly exists: boolean;
  readonly records: readonly ZoneRecord[];
  readonly soa: ZoneRecord;
}

/** Answers a question from these zones; `undefined` when it is about names of others and may be asked elsewhere. */
export function answerQuestion(zones: readonly Zone[], question: Question): ZoneAnswer | undefined {
  const name = question.name.toLowerCase();
  for (const zone of zones) {
    const answer = forward(zone, name) ?? reverse(zone, name);
    if (answer === undefined) continue;
    const isWanted = ({ type }: ZoneRecord): boolean => type === question.type || question.type === 'ANY';
    return { ...answer, records: answer.records.filter(isWanted) };
  }
  // Names of groups that we are not in are nobody else's business.
  return isBelow(name, TOP) ? { exists: false, records: [], soa: soaOf(TOP, `dns.${TOP}`) } : undefined;
}

function forward(zone: Zone, name: string): ZoneAnswer | undefined {
  const { domain, group, subnet, members } = zone;
  const apex = [domain, `${group}.${TOP}`].find(each => isBelow(name, each));
  if (apex === undefined) return undefined;
  const server = `dns.${apex}`;
  const soa = soaOf(apex, server);
  const answer = (records: readonly ZoneRecord[], exists = true): ZoneAnswer => ({ exists, records, soa });
  if (name === apex) return answer([soa, { name, type: 'NS', ttlS: TTL_S, data: server }]);
  const prefix = prefixOf(group);
  if (name === server) return answer(addresses(name, serviceAddress(subnet), serviceAddress6(prefix)));
  const local = name.slice(0, -apex.length - 1);
  const found = members.filter(member => nameOf(member) === local);
  const [only] = found;
  // Names with dots in them may be those of two members: then neither is believed to be meant.
  if (only !== undefined && found.length === 1) {
    return answer(addresses(name, only.address, memberAddress6(prefix, only.peerId)));
  }
  return answer([], found.length > 0 || members.some(member => nameOf(member).endsWith(`.${local}`)));
}

function reverse({ domain, group, subnet, members }: Zone, name: string): ZoneAnswer | undefined {
  const prefix = prefixOf(group);
  const apex = reverseApex(subnet, prefix, name);
  if (apex === undefined) return undefined;
  const server = `dns.${domain}`;
  const known = members.map(each => ({ ...each, name: `${nameOf(each)}.${domain}` }));
  const names4 = known.map(each => [each.address, each.name] as const);
  const names6 = known.map(each => [memberAddress6(prefix, each.peerId), each.name] as const);
  const pointers = new Map<string, string>([
    [reverse4(serviceAddress(subnet)), server],
    [reverse6(serviceAddress6(prefix)), server],
    ...names4.flatMap(([address, text]) => (address === undefined ? [] : [[reverse4(address), text] as const])),
    ...names6.map(([address, text]) => [reverse6(address), text] as const),
  ]);
  const soa = soaOf(apex, server);
  if (name === apex) return { exists: true, records: [soa, { name, type: 'NS', ttlS: TTL_S, data: server }], soa };
  const data = pointers.get(name);
  const exists = data !== undefined || [...pointers.keys()].some(key => key.endsWith(`.${name}`));
  return { exists, records: data === undefined ? [] : [{ name, type: 'PTR', ttlS: TTL_S, data }], soa };
}

/** The reverse zone of ours that a name lies in: for IPv4 by whole bytes, and then only addresses of the subnet. */
function reverseApex(subnet: Subnet, prefix: Uint8Array, name: string): string | undefined {
  const six = reverse6(prefix, PREFIX_6_BITS / 4);
  if (isBelow(name, six)) return six;
  const bytes = Math.floor(subnet.prefixBits / 8);
  const four = `${printAddress(subnet.network).split('.').slice(0, bytes).reverse().join('.')}.in-addr.arpa`;
  if (!isBelow(name, four)) return undefined;
  const [address, digits] = addressIn(name);
  const isInside = inRange(subnet, address) || inRange({ network: address, prefixBits: digits * 8 }, subnet.network);
  return isInside ? four : undefined;
}

/** The lowest address under a reverse name, and how many bytes of it are said. */
function addressIn(name: string): [number, number] {
  const said = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().map(Number);
  const sound = said.length <= 4 && said.every(byte => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  if (!sound) return [0, 0];
  return [[0, 1, 2, 3].reduce((sum, i) => sum * 256 + (said[i] ?? 0), 0), said.length];
}

function addresses(name: string, address: number | undefined, address6: Uint8Array): ZoneRecord[] {
  const four: ZoneRecord[] =
    address === undefined ? [] : [{ name, type: 'A', ttlS: TTL_S, data: printAddress(address) }];
  return [...four, { name, type: 'AAAA', ttlS: TTL_S, data: printAddress6(address6) }];
}

function soaOf(name: string, data: string): ZoneRecord {
  return { name, type: 'SOA', ttlS: NEGATIVE_TTL_S, data };
}

function nameOf({ device, user }: NamedMember): string {
  return `${device}.${user}`;
}

function isBelow(name: string, apex: string): boolean {
  return name === apex || name.endsWith(`.${apex}`);
}

function reverse4(address: number): string {
  return `${printAddress(address).split('.').reverse().join('.')}.in-addr.arpa`;
}

function reverse6(address: Uint8Array, digits = 32): string {
  return `${[...toHex(address)].slice(0, digits).reverse().join('.')}.ip6.arpa`;
}

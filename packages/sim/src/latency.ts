/**
 * How long a datagram takes from one host to another: measured matrices, a
 * synthetic Internet for any number of hosts, and several peers on one host.
 * Nothing here reads files or draws chance per datagram: a pair has one latency.
 */
import { SeededRandom, scatter } from './random.ts';

/** Latencies between hosts. */
export interface LatencyModel {
  readonly name: string;
  /** How many hosts there are; peers beyond share them, see `peopled`. */
  readonly hosts: number;
  /** Milliseconds from host `i` to host `j`, both below `hosts`; for `i` = `j` between two peers on it. Need not be the same back. */
  oneWayMs(i: number, j: number): number;
}

/** The same delay between all hosts. */
export function constantLatency(oneWayMs: number): LatencyModel {
  return { name: `constant-${oneWayMs}`, hosts: 1, oneWayMs: () => oneWayMs };
}

/** In a matrix: not measured. */
const UNKNOWN = 65_535;
/** A matrix counts round-trip time in tenths of a millisecond. */
const ONE_WAY_MS = 0.1 / 2;
/** Between peers on one host, or neighbours in a street, there is still a switch. */
const LEAST_MS = 0.1;

/**
 * Reads a square matrix of measured round-trip times: row-major, tenths of a millisecond, 65535 for unknown. What was not
 * measured is taken from the other direction, else the mean of what both hosts have to others in the median.
 */
export function matrixLatency(name: string, roundTrips: Uint16Array, hosts: number): LatencyModel {
  if (roundTrips.length !== hosts * hosts) throw new RangeError(`${name} is no matrix of ${hosts} hosts`);
  const at = (i: number, j: number): number => roundTrips[i * hosts + j] as number;
  const usual = Array.from({ length: hosts }, (_, i) => medianOf(roundTrips.subarray(i * hosts, (i + 1) * hosts)));
  const measured = (i: number, j: number): number => {
    const [there, back] = [at(i, j), at(j, i)];
    if (there !== UNKNOWN) return there;
    return back === UNKNOWN ? ((usual[i] as number) + (usual[j] as number)) / 2 : back;
  };
  return {
    name,
    hosts,
    oneWayMs: (i, j) => (i === j ? 0 : Math.max(LEAST_MS, measured(i, j) * ONE_WAY_MS)),
  };
}

/**
 * Regions of the synthetic Internet: share of hosts (reachable Bitcoin nodes of 2019, SimBlock's NetworkConfiguration),
 * and, ours, a middle in degrees and how far hosts lie from it, kilometres (standard deviation along each axis).
 */
const REGIONS = [
  { share: 0.3316, latitude: 39, longitude: -95, spreadKm: 1_300 },
  { share: 0.4998, latitude: 50, longitude: 10, spreadKm: 800 },
  { share: 0.009, latitude: -20, longitude: -50, spreadKm: 1_000 },
  { share: 0.1177, latitude: 20, longitude: 105, spreadKm: 1_700 },
  { share: 0.0224, latitude: 36, longitude: 138, spreadKm: 250 },
  { share: 0.0195, latitude: -33, longitude: 147, spreadKm: 700 },
] as const;
const EARTH_KM = 6_371;
/** Light in fibre: 2/3 of its speed in a vacuum. */
const KM_PER_MS = 200;
/** Internet latency is 2.1 times the straight line through fibre: Bozkurt et al., "Dissecting Latency in the Internet's Fiber Infrastructure", 2018. */
const INFLATION = 2.1;
/** Each pair's own factor is log-normal with mean 1: chosen so that triangles are broken as often as in measured sets. */
const DETOUR_SIGMA = 0.5;
/** An access link adds this one way in the median, log-normal: ours, so that near pairs come out as in measured sets. */
const ACCESS_MS = 3;
const ACCESS_SIGMA = 1;

/** A host of the synthetic Internet: a point of the unit sphere, and what its access link adds one way. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly accessMs: number;
}

/** A made-up Internet: places on a globe, fibre with detours, access links. The first hosts stay the same when more are asked for. */
export function syntheticLatency(hosts: number, seed: number): LatencyModel {
  const random = new SeededRandom(seed, 'latency');
  const places = Array.from({ length: hosts }, () => placeOf(random));
  const oneWayMs = (i: number, j: number): number => {
    if (i === j) return 0;
    const [from, to] = [places[i] as Place, places[j] as Place];
    const detour = Math.exp(DETOUR_SIGMA * pairNormal(seed, Math.min(i, j), Math.max(i, j)) - DETOUR_SIGMA ** 2 / 2);
    return LEAST_MS + from.accessMs + to.accessMs + detour * fibreMs(from, to);
  };
  return { name: 'synthetic', hosts, oneWayMs };
}

/**
 * Puts peers on the hosts of a model in an order drawn from `seed`. While there are hosts enough each peer has its own;
 * beyond, hosts are shared, and then every peer has an access link too, so that those on one host do not sit in one room.
 */
export function peopled(model: LatencyModel, peers: number, seed: number): LatencyModel {
  const random = new SeededRandom(seed, 'peopled');
  const order = shuffled(model.hosts, random);
  const hostOf = Int32Array.from({ length: peers }, (_, i) => order[i % model.hosts] as number);
  const isShared = peers > model.hosts;
  const access = Float64Array.from({ length: peers }, () => (isShared ? accessMs(random) : 0));
  const oneWayMs = (i: number, j: number): number => {
    if (i === j) return 0;
    const between = model.oneWayMs(hostOf[i] as number, hostOf[j] as number);
    return Math.max(LEAST_MS, between + (access[i] as number) + (access[j] as number));
  };
  return { name: model.name, hosts: peers, oneWayMs };
}

/** The share of ordered pairs that some third host would serve better than the direct way. */
export function triangleViolations({ hosts, oneWayMs }: LatencyModel): number {
  let broken = 0;
  for (let i = 0; i < hosts; i++) {
    for (let j = 0; j < hosts; j++) {
      const direct = oneWayMs(i, j);
      let k = 0;
      while (k < hosts && (k === i || k === j || oneWayMs(i, k) + oneWayMs(k, j) >= direct)) k++;
      if (k < hosts) broken++;
    }
  }
  return broken / (hosts * (hosts - 1));
}

function placeOf(random: SeededRandom): Place {
  const region = regionAt(random.unit());
  const [north, east] = normals(random.unit(), random.unit());
  const latitude = radians(region.latitude) + (north * region.spreadKm) / EARTH_KM;
  const longitude =
    radians(region.longitude) + (east * region.spreadKm) / EARTH_KM / Math.cos(radians(region.latitude));
  return {
    x: Math.cos(latitude) * Math.cos(longitude),
    y: Math.cos(latitude) * Math.sin(longitude),
    z: Math.sin(latitude),
    accessMs: accessMs(random),
  };
}

function regionAt(share: number): (typeof REGIONS)[number] {
  let below = 0;
  for (const region of REGIONS) {
    below += region.share;
    if (share < below) return region;
  }
  return REGIONS[0];
}

function fibreMs(from: Place, to: Place): number {
  const cosine = from.x * to.x + from.y * to.y + from.z * to.z;
  return (INFLATION * EARTH_KM * Math.acos(Math.min(1, Math.max(-1, cosine)))) / KM_PER_MS;
}

function accessMs(random: SeededRandom): number {
  return ACCESS_MS * Math.exp(ACCESS_SIGMA * normals(random.unit(), random.unit())[0]);
}

/** A normal deviate that belongs to a pair: nothing is kept for it. */
function pairNormal(seed: number, i: number, j: number): number {
  const mixed = scatter(scatter(scatter(seed) ^ i) ^ Math.imul(j, 0x9e3779b1));
  return normals((mixed >>> 16) / 65_536, (mixed & 0xffff) / 65_536)[0];
}

/** Two independent normal deviates from two uniform ones in [0, 1) (Box and Muller). */
function normals(u: number, v: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - u));
  return [radius * Math.cos(2 * Math.PI * v), radius * Math.sin(2 * Math.PI * v)];
}

function shuffled(count: number, random: SeededRandom): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const k = Math.floor(random.unit() * (i + 1));
    [order[i], order[k]] = [order[k] as number, order[i] as number];
  }
  return order;
}

function medianOf(row: Uint16Array): number {
  const known = row.filter(value => value !== UNKNOWN && value !== 0).sort();
  return known[known.length >> 1] ?? 0;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

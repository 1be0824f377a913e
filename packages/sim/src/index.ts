export {
  type SimAuthority,
  type SimIdentity,
  type SimParty,
  simAuthority,
  simCredentials,
  simMember,
  simParty,
  simRevocations,
  simStranger,
} from './certificates.ts';
export { cheapKem } from './cheap-kem.ts';
export { simSign, simSuite, simVerifier } from './crypto.ts';
export { type SimCapabilities, SimDatagrams } from './datagrams.ts';
export { SIM_CAN, SimDisk, SimHost, type SimHostOptions } from './host.ts';
export { SimInternet, type SimPlace } from './internet.ts';
export {
  constantLatency,
  type LatencyModel,
  matrixLatency,
  peopled,
  syntheticLatency,
  triangleViolations,
} from './latency.ts';
export { Churn, type ChurnOptions, exponential, type Lifetimes, pareto, weibull } from './mesh/churn.ts';
export { greyDropper, isForItself, misrouter, silentDropper } from './mesh/droppers.ts';
export { chosenId, eclipsers } from './mesh/eclipse.ts';
export { type FloodOptions, flooders } from './mesh/flood.ts';
export { InvariantError } from './mesh/invariants.ts';
export { liars } from './mesh/liars.ts';
export { MeshPeer } from './mesh/mesh-peer.ts';
export { type MeshOptions, type MeshStats, MeshWorld, type NewPeer } from './mesh/mesh-world.ts';
export { Poisoners } from './mesh/poison.ts';
export type { ProbeResult } from './mesh/probes.ts';
export type { Role } from './mesh/role.ts';
export { type DhtContext, type Found, SimRecords, type Stored } from './mesh/sim-records.ts';
export { areLinked, TrueRing } from './mesh/true-ring.ts';
export {
  ACCESS_KINDS,
  type AccessKind,
  type AccessName,
  NATS,
  type NatBehaviour,
  nat,
  type RouterKind,
  router,
} from './nat-kinds.ts';
export { type Corner, directPathPossible } from './nat-oracle.ts';
export { SimNetwork } from './networks.ts';
export { SeededRandom } from './random.ts';
export { cheapCrypto, realCrypto, type SimCrypto } from './sim-crypto.ts';
export { type Disk, Resident, type ResidentKind, Village } from './village.ts';
export { EPOCH_UNIX_MS, type WireOptions, World } from './world.ts';

export { type SimAuthority, simAuthority, simMember, simStranger } from './certificates.ts';
export { type SimCapabilities, SimDatagrams, SimInternet } from './datagrams.ts';
export { SeededRandom } from './random.ts';
export { Resident, type ResidentKind, Village } from './village.ts';
export { EPOCH_UNIX_MS, type WireOptions, World } from './world.ts';

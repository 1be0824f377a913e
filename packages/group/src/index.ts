export {
  GROUP_FILE_MAX,
  type GroupFile,
  isPolicy,
  POST_QUANTUM_POLICIES,
  type PostQuantumPolicy,
  parseGroupFile,
  printGroupFile,
  withoutSecret,
  withPolicy,
} from './group-file.ts';
export { ANNOUNCEMENT_BYTES, Lan, type LanOptions, type LanOutput } from './lan.ts';
export {
  RENDEZVOUS_LIFETIME_S,
  Rendezvous,
  type RendezvousOptions,
  type RendezvousOutput,
} from './rendezvous.ts';

export {
  GROUP_FILE_MAX,
  type GroupFile,
  parseGroupFile,
  parseSubnet,
  printGroupFile,
  withoutSecret,
} from './group-file.ts';
export {
  EPOCH_MS,
  RENDEZVOUS_LIFETIME_S,
  Rendezvous,
  type RendezvousOptions,
  type RendezvousOutput,
} from './rendezvous.ts';

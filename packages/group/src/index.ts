export {
  GROUP_FILE_MAX,
  type GroupFile,
  parseGroupFile,
  printGroupFile,
  withoutSecret,
} from './group-file.ts';
export {
  RENDEZVOUS_LIFETIME_S,
  Rendezvous,
  type RendezvousOptions,
  type RendezvousOutput,
} from './rendezvous.ts';

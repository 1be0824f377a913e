/**
 * What each kind of record may be: who may write under a key, how large, how
 * many, how long (RFC 6940 section 7.3 gives the idea; decisions.md the
 * FIRST-CLAIM policy). Storers check on put, readers on get.
 */
import { type DhtRecord, RecordKind } from '@warren/wire';

/** How writers share a key. */
export type Access =
  /** Several writers, one record each. */
  | 'multiple'
  /** The first live claim holds until it expires; only its writer renews it. */
  | 'first-claim';

/** The rules of one kind. */
export interface Policy {
  readonly access: Access;
  readonly valueMaxBytes: number;
  /** Live records under one key. */
  readonly writersMax: number;
  readonly lifetimeMaxS: number;
}

/** Constants of ours; counts are small because readers page through them. */
export const POLICIES: Readonly<Record<RecordKind, Policy>> = {
  [RecordKind.RENDEZVOUS]: { access: 'multiple', valueMaxBytes: 128, writersMax: 32, lifetimeMaxS: 600 },
  [RecordKind.ADDRESS]: { access: 'first-claim', valueMaxBytes: 16, writersMax: 1, lifetimeMaxS: 300 },
  [RecordKind.MEMBER]: { access: 'multiple', valueMaxBytes: 64, writersMax: 256, lifetimeMaxS: 300 },
  [RecordKind.PRESENCE]: { access: 'multiple', valueMaxBytes: 512, writersMax: 1, lifetimeMaxS: 300 },
  [RecordKind.CONTACT]: { access: 'multiple', valueMaxBytes: 2048, writersMax: 1, lifetimeMaxS: 172_800 },
  [RecordKind.MAILBOX]: { access: 'multiple', valueMaxBytes: 4096, writersMax: 64, lifetimeMaxS: 172_800 },
};

/** Whether a record keeps to its kind's policy, apart from what else is stored. */
export function obeysPolicy(record: DhtRecord): boolean {
  const policy = POLICIES[record.kind];
  return record.value.length <= policy.valueMaxBytes && record.lifetimeS <= policy.lifetimeMaxS;
}

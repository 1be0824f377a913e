/**
 * What each kind of record may be: who may write under a key, how large, how
 * many, how long (RFC 6940 section 7.3 names the policies; decisions.md adds
 * FIRST-CLAIM). Storers check on put, readers on get.
 */
import { concat, toHex, utf8 } from '@warren/base';
import { type DhtRecord, type PeerId, peerKey, RecordKind } from '@warren/wire';

/** Who may write under a key, and how writers share it. */
export type Access =
  /** The key is the writer's user; his devices replace each other's one value. */
  | 'user-match'
  /** The key is the writer's peer id; one value. */
  | 'node-match'
  /** The key is the writer's user; each of his devices has a value of its own. */
  | 'user-node-match'
  /** Any key, many writers, each with numbered values of its own: readers find all of them in one place. */
  | 'node-multiple'
  /** Any key; the first live claim holds until it expires; only its writer renews it. */
  | 'first-claim';

/** The rules of one kind. */
export interface Policy {
  readonly access: Access;
  readonly valueMaxBytes: number;
  /** Numbered values of one writer under one key. */
  readonly valuesPerWriter: number;
  /** Live records under one key. */
  readonly recordsPerKey: number;
  /** Records of one writer that one holder takes, over all keys and places. */
  readonly recordsPerHolder: number;
  readonly lifetimeMaxS: number;
  /** Whether holders keep it over a restart. What its writer renews every half minute while it is there is not worth a disk's wear. */
  readonly isKept: boolean;
}

/** One value under the key of its user or node. */
const OWN = { valuesPerWriter: 1, recordsPerKey: 1, recordsPerHolder: 16 } as const;
const TWO_DAYS_S = 172_800;

/** Constants of ours; counts are small because readers page through them. */
export const POLICIES: Readonly<Record<RecordKind, Policy>> = {
  [RecordKind.RENDEZVOUS]: {
    access: 'node-multiple',
    valueMaxBytes: 128,
    valuesPerWriter: 1,
    recordsPerKey: 32,
    recordsPerHolder: 256,
    lifetimeMaxS: 600,
    isKept: true,
  },
  [RecordKind.ADDRESS]: { access: 'first-claim', valueMaxBytes: 16, ...OWN, lifetimeMaxS: 300, isKept: true },
  [RecordKind.MEMBER]: {
    access: 'node-multiple',
    valueMaxBytes: 64,
    valuesPerWriter: 1,
    recordsPerKey: 256,
    recordsPerHolder: 256,
    lifetimeMaxS: 300,
    isKept: false,
  },
  [RecordKind.PRESENCE]: { access: 'node-match', valueMaxBytes: 512, ...OWN, lifetimeMaxS: 300, isKept: false },
  [RecordKind.CONTACT]: { access: 'user-match', valueMaxBytes: 2048, ...OWN, lifetimeMaxS: TWO_DAYS_S, isKept: true },
  [RecordKind.MAILBOX]: {
    access: 'node-multiple',
    valueMaxBytes: 4096,
    valuesPerWriter: 16,
    recordsPerKey: 256,
    recordsPerHolder: 512,
    lifetimeMaxS: TWO_DAYS_S,
    isKept: true,
  },
};

/** Whose certificate wrote a record, as far as policies ask. */
export interface Writer {
  readonly peerId: PeerId;
  /** Empty in the public overlay. */
  readonly user: string;
}

/** First 20 bytes of a hash. */
export type Place = (bytes: Uint8Array) => PeerId;

/** Whether a record keeps to its kind's policy, apart from what else is stored. */
export function obeysPolicy(record: DhtRecord, writer: Writer, place: Place): boolean {
  const policy = POLICIES[record.kind];
  if (record.value.length > policy.valueMaxBytes || record.lifetimeS > policy.lifetimeMaxS) return false;
  if (record.index >= policy.valuesPerWriter) return false;
  switch (policy.access) {
    case 'node-match':
      return peerKey(record.key) === peerKey(nodeKey(record.kind, writer.peerId, place));
    case 'user-match':
    case 'user-node-match':
      return writer.user !== '' && peerKey(record.key) === peerKey(userKey(record.kind, writer.user, place));
    case 'node-multiple':
    case 'first-claim':
      return true;
  }
}

/** The key of what a user writes under USER-MATCH and USER-NODE-MATCH. */
export function userKey(kind: RecordKind, user: string, place: Place): Uint8Array {
  return place(concat(utf8('warren-user/1'), Uint8Array.of(kind), utf8(user)));
}

/** The key of what a peer writes under NODE-MATCH. */
export function nodeKey(kind: RecordKind, peerId: PeerId, place: Place): Uint8Array {
  return place(concat(utf8('warren-node/1'), Uint8Array.of(kind), peerId));
}

/** Which value under its key a record is: records of one name replace each other. */
export function nameOf(record: Pick<DhtRecord, 'kind' | 'index'>, writer: Writer): string {
  const policy = POLICIES[record.kind];
  if (policy.access === 'user-match') return 'user';
  const peer = peerKey(writer.peerId);
  return policy.valuesPerWriter === 1 ? peer : peer + toHex(Uint8Array.of(record.index));
}

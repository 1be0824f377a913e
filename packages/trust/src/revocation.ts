/**
 * Who has been removed from a group, and whose certificates are too old to tell
 * their teams. The CA signs a short head, which rides in
 * every handshake so that whoever is behind learns it, and the whole list,
 * which replaces the former one. Certificates live at most 31 days, so the CA
 * drops older entries and the list stays short. Not how lists travel: that is
 * `group` and `peer`.
 *
 * ```text
 * head         sequence 6 | signed at 8 | signature 64                                   = 78
 * head signed  "warren-revocations/1" | group | sequence 6 | signed at 8
 * list         head 78 | count 2 | entries | signature 64
 * entry        user length 1 | user | before 8,  or for one device:  0 | peer id 20 | before 8,
 *              or for teams:  128 + user length 1 | user | before 8
 * list signed  "warren-revocation-list/1" | group | sequence 6 | signed at 8 | count 2 | entries
 * ```
 */
import { concat, sameBytes, toHex, type UnixMs, utf8 } from '@warren/base';
import { PEER_ID_BYTES, Reader, Writer } from '@warren/wire';
import { isLabel, type Leaf } from './certificate.ts';
import { type PublicKey, SIGNATURE_BYTES, type Verifier } from './verify.ts';

/** The newest state of a group's list, signed by its CA. */
export interface RevocationHead {
  /** Counts changes of the list; below 2^48. */
  readonly sequence: number;
  readonly signedAt: UnixMs;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/**
 * A removed user with all devices, or one removed device (20 bytes): certificates that begin before then are dead. Or a
 * user whose teams were changed: certificates that begin before then live, but say nothing of teams.
 */
export type Revocation = Subject & { readonly before: UnixMs };

type Subject = { readonly user: string } | { readonly peerId: Uint8Array } | { readonly teamsOf: string };

/** The whole list, signed by the CA. */
export interface RevocationList {
  readonly head: RevocationHead;
  /** At most 384. */
  readonly revoked: readonly Revocation[];
  /** 64 bytes, over head and entries. */
  readonly signature: Uint8Array;
}

/** Most entries of a list, so that it fits 16 KiB. */
export const REVOKED_MAX = 384;

/** In the first byte of an entry, beside the length of the user's name. */
const TEAMS_BIT = 0x80;

/** What stands in a handshake while no head is known, and always in the public overlay. */
export const NO_REVOCATIONS: RevocationHead = { sequence: 0, signedAt: 0, signature: new Uint8Array(SIGNATURE_BYTES) };

/** What the CA signs in a head. */
export function revocationHeadText(
  group: string,
  { sequence, signedAt }: Omit<RevocationHead, 'signature'>,
): Uint8Array {
  return concat(utf8('warren-revocations/1'), utf8(group), new Writer(14).u48(sequence).u64(signedAt).done());
}

/** What the CA signs in a list. */
export function revocationListText(
  group: string,
  { sequence, signedAt }: Omit<RevocationHead, 'signature'>,
  revoked: readonly Revocation[],
): Uint8Array {
  const dated = new Writer(14).u48(sequence).u64(signedAt).done();
  return concat(utf8('warren-revocation-list/1'), utf8(group), dated, encodeEntries(revoked));
}

/** At most 16,384 bytes. */
export function encodeRevocationList({ head, revoked, signature }: RevocationList): Uint8Array {
  const dated = new Writer(78).u48(head.sequence).u64(head.signedAt).put(head.signature).done();
  return concat(dated, encodeEntries(revoked), signature);
}

/** Reads a list; `undefined` for impossible bytes. Checks no signature. */
export function decodeRevocationList(bytes: Uint8Array): RevocationList | undefined {
  const r = new Reader(bytes);
  const head = { sequence: r.u48(), signedAt: r.u64(), signature: r.take(SIGNATURE_BYTES) };
  const count = r.u16();
  if (count > REVOKED_MAX) return undefined;
  const revoked: Revocation[] = [];
  for (let i = 0; i < count && !r.failed; i++) {
    revoked.push({ ...readSubject(r), before: r.u64() });
  }
  const signature = r.take(SIGNATURE_BYTES);
  return r.failed ? undefined : { head, revoked, signature };
}

/** What one participant knows of its group's list. Believes only what the CA signed, and only what is newer. */
export class RevocationSet {
  private readonly group: string;
  private readonly authorityKey: PublicKey | undefined;
  private readonly verifier: Verifier;
  private newestHead = NO_REVOCATIONS;
  private newestList: RevocationList | undefined;
  /** By `user:<name>`, `peer:<40 hex>` and `teams:<name>`. */
  private before = new Map<string, UnixMs>();

  /** Without a key, as in the public overlay, nobody is ever revoked. */
  constructor(group: string, authorityKey: PublicKey | undefined, verifier: Verifier) {
    this.group = group;
    this.authorityKey = authorityKey;
    this.verifier = verifier;
  }

  /** The newest head that is proved to be the CA's; `NO_REVOCATIONS` before the first. */
  get head(): RevocationHead {
    return this.newestHead;
  }

  /** The newest whole list, for whoever is behind. */
  get list(): RevocationList | undefined {
    return this.newestList;
  }

  /** Whether a list exists that is newer than ours: ask for it whoever told the head. */
  get isBehind(): boolean {
    return this.newestHead.sequence > (this.newestList?.head.sequence ?? 0);
  }

  /** Takes over a head; true when it is the CA's and newer than ours. Costs a signature check only if it claims to be newer. */
  learnHead(head: RevocationHead): boolean {
    if (!isNewer(head, this.newestHead) || !this.isByAuthority(revocationHeadText(this.group, head), head))
      return false;
    this.newestHead = head;
    return true;
  }

  /** Takes over a list with its head; true when both are the CA's and the list is newer than ours. */
  learnList(list: RevocationList): boolean {
    const { head, revoked } = list;
    if (this.newestList !== undefined && !isNewer(head, this.newestList.head)) return false;
    if (head.sequence < this.newestHead.sequence || revoked.length > REVOKED_MAX) return false;
    if (!this.isByAuthority(revocationListText(this.group, head, revoked), list)) return false;
    const isKnown = sameBytes(revocationHeadText('', head), revocationHeadText('', this.newestHead));
    if (!isKnown && !this.isByAuthority(revocationHeadText(this.group, head), head)) return false;
    if (isNewer(head, this.newestHead)) this.newestHead = head;
    this.newestList = list;
    this.before = new Map(revoked.map(entry => [keyOf(entry), entry.before]));
    return true;
  }

  /** Whether this certificate is dead, by its user or by its device. */
  isRevoked({ user, peerId, notBefore }: Pick<Leaf, 'user' | 'peerId' | 'notBefore'>): boolean {
    if (this.before.size === 0) return false;
    const before = Math.max(this.before.get(keyOf({ user })) ?? 0, this.before.get(keyOf({ peerId })) ?? 0);
    return notBefore < before;
  }

  /** Whether this certificate is older than the last change of its user's teams, and says nothing of them any more. */
  isOutdated({ user, notBefore }: Pick<Leaf, 'user' | 'notBefore'>): boolean {
    return notBefore < (this.before.get(keyOf({ teamsOf: user })) ?? 0);
  }

  /** Age of the newest head; infinite when none is known. */
  ageMs(now: UnixMs): number {
    return this.newestHead.sequence === 0 && this.newestHead.signedAt === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(0, now - this.newestHead.signedAt);
  }

  private isByAuthority(text: Uint8Array, { signature }: { readonly signature: Uint8Array }): boolean {
    return this.authorityKey !== undefined && this.verifier.verify(this.authorityKey, text, signature);
  }
}

function isNewer(a: RevocationHead, b: RevocationHead): boolean {
  return a.sequence > b.sequence || (a.sequence === b.sequence && a.signedAt > b.signedAt);
}

function keyOf(subject: Subject): string {
  if ('peerId' in subject) return `peer:${toHex(subject.peerId)}`;
  return 'user' in subject ? `user:${subject.user}` : `teams:${subject.teamsOf}`;
}

function readSubject(r: Reader): Subject {
  const first = r.u8();
  if (first === 0) return { peerId: r.take(PEER_ID_BYTES) };
  const user = String.fromCharCode(...r.take(first & ~TEAMS_BIT));
  if (!isLabel(user)) r.fail();
  return (first & TEAMS_BIT) === 0 ? { user } : { teamsOf: user };
}

function encodeEntries(revoked: readonly Revocation[]): Uint8Array {
  const writer = new Writer(2 + 24 * revoked.length).u16(revoked.length);
  for (const entry of revoked) {
    if ('peerId' in entry) writer.u8(0).put(entry.peerId);
    else if ('user' in entry) writer.u8(entry.user.length).put(utf8(entry.user));
    else writer.u8(TEAMS_BIT | entry.teamsOf.length).put(utf8(entry.teamsOf));
    writer.u64(entry.before);
  }
  return writer.done();
}

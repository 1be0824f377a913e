/**
 * Who gets an answer to HS1, and which (session.md 2.4): nobody without the
 * network's mac1; without a cookie only while there is no load; with a cookie
 * so many a second for each group of senders. Load is measured in counts.
 * Half-open handshakes themselves are in `half-opens.ts`.
 */
import { Bucket, Buckets, concat, type Instant, type Random, type Rate, utf8 } from '@warren/base';
import { HS1_BYTES, HS1_MAC1_OFFSET, HS1_MAC2_OFFSET, type Hs1 } from '@warren/wire';
import type { PathId } from './attempts.ts';
import { CookieBaker } from './cookies.ts';
import type { Caller } from './half-opens.ts';
import { type MacKey, mac1Key } from './macs.ts';

/** More half-open handshakes than this are load: HS1 needs a cookie. */
export const HALF_OPEN_LOAD = 32;
/** Handshakes without a cookie; beyond, HS1 needs one: that many strangers who finish what they begin are load, too. */
export const UNPROVEN_RATE: Rate = { burst: 32, perSecond: 20 };
/** Handshakes of one group of senders that have shown a cookie: many members behind one address may begin at once. */
export const GROUP_RATE: Rate = { burst: 20, perSecond: 20 };
/** Handshakes of all that have shown a cookie: some 0.4 ms each where OpenSSL computes, so 20 % of a core. */
export const PROVEN_RATE: Rate = { burst: 100, perSecond: 500 };
/** A group's bucket is full again after a second, so that none but a flood from true addresses needs more. */
const GROUPS_MAX = 1024;

/** An answer to HS1: go on, a COOKIE instead, or nothing. */
export type Verdict =
  | { readonly kind: 'go-on'; readonly caller: Caller }
  | { readonly kind: 'cookie'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-fast' };

/** How HS1 came. */
export interface Circumstances {
  readonly path: PathId;
  /** The neighbour who passed it on, in end-to-end scope. */
  readonly via: string | undefined;
  /** Half-open handshakes at this time. */
  readonly halfOpen: number;
}

export interface AdmissionOptions {
  readonly networkKey: Uint8Array;
  readonly random: Random;
  /** The group that pays for a caller: see `SessionsOptions`. */
  readonly groupOf: (path: PathId, via: string | undefined) => string;
}

/** The gate in front of all handshakes that others begin. */
export class Admission {
  private readonly options: AdmissionOptions;
  private readonly baker: CookieBaker;
  private readonly mac1Key: MacKey;
  private readonly unproven = new Bucket(UNPROVEN_RATE);
  private readonly proven = new Bucket(PROVEN_RATE);
  private readonly groups = new Buckets(GROUP_RATE, GROUPS_MAX);

  constructor(options: AdmissionOptions) {
    const { networkKey, random } = options;
    this.options = options;
    this.baker = new CookieBaker(networkKey, random);
    this.mac1Key = mac1Key(networkKey);
  }

  /** Whether these are 320 bytes with the mac1 of this network. */
  recognises(hs1: Uint8Array): boolean {
    if (hs1.length !== HS1_BYTES) return false;
    return this.mac1Key.verifies(hs1.subarray(HS1_MAC1_OFFSET, HS1_MAC2_OFFSET), hs1.subarray(0, HS1_MAC1_OFFSET));
  }

  /** Decides on HS1 that is recognised and new. */
  judge(hs1: Hs1, bytes: Uint8Array, { path, via, halfOpen }: Circumstances, now: Instant): Verdict {
    const descriptor = linkDescriptor(path, via);
    const group = this.options.groupOf(path, via);
    if (this.baker.isProven(bytes, descriptor, now)) {
      const isAdmitted = this.groups.take(group, now) && this.proven.take(now);
      return isAdmitted ? { kind: 'go-on', caller: { path, group, isProven: true } } : { kind: 'too-fast' };
    }
    if (halfOpen < HALF_OPEN_LOAD && this.unproven.take(now)) {
      return { kind: 'go-on', caller: { path, group, isProven: false } };
    }
    return { kind: 'cookie', bytes: this.baker.answer(hs1, descriptor, now) };
  }
}

/**
 * What a cookie is bound to: the path's own text, which names family, address and port of UDP, one connection, or
 * carrier and peer, and behind a zero the neighbour through which it came, if any.
 */
function linkDescriptor(path: PathId, via: string | undefined): Uint8Array {
  return via === undefined ? utf8(path) : concat(utf8(path), Uint8Array.of(0), utf8(via));
}

/**
 * Answers to STUN binding requests (RFC 8489 section 7): from where we see the
 * sender, so that ICE and others learn their public addresses. Sources can be
 * forged, so answers are few and small: so many a second for one sender and in
 * all, and never more than three times what was asked.
 */
import { Bucket, Buckets, type Instant, type Rate } from '@warren/base';
import { senderGroup } from '@warren/link';
import type { PathId } from '@warren/peer';
import { decodeStunRequest, encodeStunSuccess } from '@warren/wire';
import { parseEndpoint } from './sockaddr.ts';

/**
 * For one sender (`senderGroup`). A browser asks once from each of its addresses for each connection that it makes, and
 * again after 500 ms and more (section 6.2.1); 24 connections at once are its budget, and a NAT stands for a household.
 */
const SENDER_RATE: Rate = { burst: 100, perSecond: 10 };
/** For all: what a host can lose without noticing, and a victim of forged sources hardly notices either. */
const TOTAL_RATE: Rate = { burst: 1000, perSecond: 500 };
/** No answer is longer than its request by more (faults row 49). */
const AMPLIFICATION_MAX = 3;

/** The STUN server of one host. */
export class StunAnswers {
  answered = 0;
  /** What was no request that we honour, or came too often. */
  dropped = 0;
  private readonly senders = new Buckets(SENDER_RATE);
  private readonly total = new Bucket(TOTAL_RATE);

  /** The answer for whoever sent `request` on `path`; `undefined` when there is none. */
  to(path: PathId, request: Uint8Array, now: Instant): Uint8Array | undefined {
    const answer = answerTo(path, request);
    const isAllowed =
      answer !== undefined &&
      answer.length <= AMPLIFICATION_MAX * request.length &&
      this.senders.take(senderGroup(path, undefined), now) &&
      this.total.take(now);
    if (isAllowed) this.answered++;
    else this.dropped++;
    return isAllowed ? answer : undefined;
  }
}

function answerTo(path: PathId, bytes: Uint8Array): Uint8Array | undefined {
  const request = decodeStunRequest(bytes);
  const endpoint = parseEndpoint(path.slice('udp/'.length));
  return request && endpoint && encodeStunSuccess({ ...request, ...endpoint });
}

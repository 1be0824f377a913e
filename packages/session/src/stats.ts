/** What a session table counts. Hostile or useless datagrams are never logged, only counted by cause. */

/** Counters of one session table. */
export interface SessionsStats {
  handshakes: number;
  /** HS1 of no network of ours. */
  badMac: number;
  badHandshake: number;
  /** HS1 for which there was no room among half-open handshakes, or no session index. */
  halfOpenFull: number;
  unknownIndex: number;
  rejected: number;
  /** Data under keys that had to be upgraded first. */
  early: number;
  /** Messages of a key upgrade that are none, or that nobody waits for. */
  badUpgrade: number;
  /** HS1 that needed a cookie and had none, each answered with COOKIE. */
  cookiesSent: number;
  /** COOKIE that answered an HS1 of ours, which then went out again with mac2. */
  cookiesAccepted: number;
  /** COOKIE that nobody asked for, too many of them, or sealed for another HS1. */
  cookiesRefused: number;
  /** HS1 with a good cookie from a group of senders that has had its share. */
  tooFast: number;
  /** Half-open handshakes that gave way to others. */
  evicted: number;
  /** HS1 of handshakes that came to an end, played again. */
  replayedHs1: number;
  /** HS1 of ours to somebody else that came back. */
  reflectedHs1: number;
  /** HS2 not looked at, after too many wrong ones. */
  ignoredHs2: number;
  /** Sessions that ended as too many datagrams with wrong tags came for them. */
  forgedTooOften: number;
}

/** All counters at zero. */
export function noSessionsStats(): SessionsStats {
  return {
    handshakes: 0,
    badMac: 0,
    badHandshake: 0,
    halfOpenFull: 0,
    unknownIndex: 0,
    rejected: 0,
    early: 0,
    badUpgrade: 0,
    cookiesSent: 0,
    cookiesAccepted: 0,
    cookiesRefused: 0,
    tooFast: 0,
    evicted: 0,
    replayedHs1: 0,
    reflectedHs1: 0,
    ignoredHs2: 0,
    forgedTooOften: 0,
  };
}

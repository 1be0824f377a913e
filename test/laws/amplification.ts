/**
 * What whoever forges a sender's address can make us send there: every message that is answered before its sender
 * has shown to receive at that address (faults row 49), with the largest answer that it may get.
 * Not here: messages that show it. HS2, HS3 and COOKIE answer what only the reader of our datagram knows; overlay and
 * DHT answers go back hop by hop along sessions, and what a census or a crawl asks gets at most three times its bytes
 * all the same; a part of a broadcast goes to a neighbour who asks for it, once; a bootstrap WebSocket stands on a TCP handshake; NOSESS makes us call
 * a peer only where its session was heard, once in 5 s. A neighbour who names addresses (candidates) gets a fixed
 * number of small first messages sent there, which is the price of opening NATs: see link/README.md.
 */
import {
  CENSUS_TOKEN_BYTES,
  COOKIE_BYTES,
  encodeGather,
  encodeGathered,
  encodeOverlayDatagram,
  encodePeeked,
  encodeStunRequest,
  encodeStunSuccess,
  HS1_BYTES,
  HS2_FIXED_BYTES,
  LEAF_MAX_BYTES,
  NOSESS_BYTES,
  OverlayMode,
  OverlayType,
  PEEK_BYTES,
  PEER_ID_BYTES,
  SEAL_OVERHEAD_BYTES,
} from '@warren/wire';

/** One message of a stranger and its largest answer, as payloads of a UDP datagram or of the overlay's carrier. */
export interface Amplification {
  readonly message: string;
  readonly answer: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const HS2_MAX_BYTES = HS2_FIXED_BYTES + LEAF_MAX_BYTES;

/** Every pair of message and answer. */
export function amplificationTable(): Amplification[] {
  const direct: Amplification[] = [
    { message: 'HS1', answer: 'HS2, largest leaf', bytesIn: HS1_BYTES, bytesOut: HS2_MAX_BYTES },
    { message: 'HS1 under load', answer: 'COOKIE', bytesIn: HS1_BYTES, bytesOut: COOKIE_BYTES },
    { message: 'DATA or FRAME, unknown index', answer: 'NOSESS', bytesIn: SEAL_OVERHEAD_BYTES, bytesOut: NOSESS_BYTES },
  ];
  return [...direct, ...direct.map(acrossTheOverlay), stun(), peek(), gather()];
}

/** The largest of bytes out for one byte in. */
export function worstAmplification(): number {
  return Math.max(...amplificationTable().map(({ bytesIn, bytesOut }) => bytesOut / bytesIn));
}

/** The same behind overlay headers, end to end or for a path that the overlay carries. */
function acrossTheOverlay({ message, answer, bytesIn, bytesOut }: Amplification): Amplification {
  return {
    message: `${message}, by overlay`,
    answer: `${answer}, by overlay`,
    bytesIn: overlayBytes(bytesIn),
    bytesOut: overlayBytes(bytesOut),
  };
}

function overlayBytes(payload: number): number {
  const id = new Uint8Array(PEER_ID_BYTES);
  const header = { type: OverlayType.ETE, mode: OverlayMode.EXACT, hopsLeft: 1, flags: 0, requestId: 0 };
  return encodeOverlayDatagram({ ...header, source: id, target: id, payload: new Uint8Array(payload) }).length;
}

function stun(): Amplification {
  const transactionId = new Uint8Array(12);
  const answer = encodeStunSuccess({ transactionId, address: new Uint8Array(16), port: 0 });
  const { length } = encodeStunRequest({ transactionId });
  return { message: 'STUN binding request', answer: 'success, IPv6', bytesIn: length, bytesOut: answer.length };
}

function peek(): Amplification {
  const id = new Uint8Array(PEER_ID_BYTES);
  const about = { hostKind: 'edge', isResting: false, links: 1, records: 1 } as const;
  const { length } = encodePeeked({ ...about, successors: [id, id, id], predecessors: [id, id, id] });
  return { message: 'PEEK', answer: 'PEEKED', bytesIn: overlayBytes(PEEK_BYTES), bytesOut: overlayBytes(length) };
}

function gather(): Amplification {
  const id = new Uint8Array(PEER_ID_BYTES);
  const token = new Uint8Array(CENSUS_TOKEN_BYTES);
  const sum = { peers: 1, consistent: 1, links: 1, records: 1, browsers: 1, unanswered: 1, depth: 1 };
  const bytesIn = overlayBytes(encodeGather({ token, origin: id, end: id, hops: 1, waitMs: 1 }).length);
  return {
    message: 'GATHER',
    answer: 'GATHERED',
    bytesIn,
    bytesOut: overlayBytes(encodeGathered({ token, sum }).length),
  };
}

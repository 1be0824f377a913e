/**
 * WebRTC signals as JSON text, in the form of simple-peer's signal data. They
 * come from the remote side, so only the three forms that a data channel needs
 * pass; what could ask for cameras or a new negotiation does not. No browser
 * API in here.
 */
import { fingerprintOf } from '@warren/wire';

/** The largest signal, in bytes of text (`Datagrams.signalWebRtc`). */
export const MAX_SIGNAL_CHARACTERS = 16_384;
const MAX_CANDIDATE_CHARACTERS = 1_024;
/** The start of a candidate (RFC 8839 section 5.1): foundation, component, transport, priority, address, port, type. */
const CANDIDATE = /^(?:a=)?candidate:\S{1,32} \d{1,5} \w{1,8} \d{1,10} \S{1,256} \d{1,5} typ \w+(?: |$)/;

/** A signal that passed. `data` is for simple-peer. */
export type Signal =
  | {
      readonly kind: 'offer' | 'answer';
      /** 32 bytes: SHA-256 of the sender's DTLS certificate. */
      readonly fingerprint: Uint8Array;
      readonly data: { readonly type: 'offer' | 'answer'; readonly sdp: string };
    }
  | {
      readonly kind: 'candidate';
      readonly data: { readonly type: 'candidate'; readonly candidate: RTCIceCandidateInit };
    };

/** Reads a remote signal; `undefined` for anything that a data channel does not need. */
export function parseSignal(text: string): Signal | undefined {
  if (text.length > MAX_SIGNAL_CHARACTERS) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, sdp, candidate } = value as Record<string, unknown>;
  if ((type === 'offer' || type === 'answer') && typeof sdp === 'string') return parseDescription(type, sdp);
  if (typeof candidate === 'object' && candidate !== null) return parseCandidate(candidate as Record<string, unknown>);
  return undefined;
}

function parseDescription(type: 'offer' | 'answer', sdp: string): Signal | undefined {
  const media = sdp.match(/^m=\S+/gm) ?? [];
  const fingerprint = fingerprintOf(sdp);
  if (media.length !== 1 || media[0] !== 'm=application' || fingerprint === undefined) return undefined;
  return { kind: type, fingerprint, data: { type, sdp } };
}

function parseCandidate(value: Record<string, unknown>): Signal | undefined {
  const { candidate, sdpMid, sdpMLineIndex } = value;
  if (typeof candidate !== 'string' || candidate.length > MAX_CANDIDATE_CHARACTERS) return undefined;
  // An empty one says that there will be no more.
  if (candidate !== '' && !CANDIDATE.test(candidate)) return undefined;
  const mid = typeof sdpMid === 'string' && sdpMid.length <= 32 ? sdpMid : null;
  const line = sdpMLineIndex === 0 ? 0 : null;
  if (mid === null && line === null) return undefined;
  return { kind: 'candidate', data: { type: 'candidate', candidate: { candidate, sdpMid: mid, sdpMLineIndex: line } } };
}

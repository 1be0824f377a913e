/**
 * WebRTC signals as JSON text, in the form of simple-peer's signal data, which
 * tabs use. They come from the remote side: only descriptions of one data
 * channel and candidates with literal addresses pass, so that nobody makes us
 * ask the DNS. Tabs hide local addresses behind `.local` names; those are left
 * out, and their checks reach us as peer-reflexive candidates instead.
 */
import { isIP } from 'node:net';
import { fingerprintOf } from '@warren/wire';

/** The longest signal (`Datagrams.signalWebRtc`). */
const SIGNAL_MAX_CHARACTERS = 16_384;
const CANDIDATE_MAX_CHARACTERS = 1_024;

/** A signal that passed. */
export type Signal =
  | {
      readonly kind: 'offer' | 'answer';
      readonly sdp: string;
      /** 32 bytes: SHA-256 of the sender's DTLS certificate. */
      readonly fingerprint: Uint8Array;
    }
  | { readonly kind: 'candidate'; readonly candidate: string; readonly mid: string }
  /** Nothing that we need: a request to renegotiate, the end of candidates, a candidate with a host name. */
  | { readonly kind: 'nothing' };

/** Reads a remote signal; `undefined` for bad text. */
export function parseSignal(text: string): Signal | undefined {
  if (text.length > SIGNAL_MAX_CHARACTERS) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, sdp, candidate, renegotiate, transceiverRequest } = value as Record<string, unknown>;
  if ((type === 'offer' || type === 'answer') && typeof sdp === 'string') return parseDescription(type, sdp);
  if (typeof candidate === 'object' && candidate !== null) return parseCandidate(candidate as Record<string, unknown>);
  return renegotiate !== undefined || transceiverRequest !== undefined ? { kind: 'nothing' } : undefined;
}

/**
 * The text of a description for the remote side. An offer asks to begin the DTLS handshake itself: the answerer's
 * ICE is ready first, so that its first packet would be lost here and come again only a second later.
 */
export function printDescription(type: 'offer' | 'answer', sdp: string): string {
  return JSON.stringify({ type, sdp: sdp.replace('a=setup:actpass', 'a=setup:active') });
}

/** The text of a candidate for the remote side; `candidate` may begin with `a=`. */
export function printCandidate(candidate: string, mid: string): string {
  const line = candidate.replace(/^a=/, '');
  return JSON.stringify({ type: 'candidate', candidate: { candidate: line, sdpMLineIndex: 0, sdpMid: mid } });
}

function parseDescription(kind: 'offer' | 'answer', sdp: string): Signal | undefined {
  const media = sdp.match(/^m=\S+/gm) ?? [];
  const fingerprint = fingerprintOf(sdp);
  if (media.length !== 1 || media[0] !== 'm=application' || fingerprint === undefined) return undefined;
  const lines = sdp.split(/\r?\n/).filter(line => !line.startsWith('a=candidate:') || hasLiteralAddress(line));
  return { kind, sdp: lines.join('\r\n'), fingerprint };
}

function parseCandidate(value: Record<string, unknown>): Signal | undefined {
  const { candidate, sdpMid, sdpMLineIndex } = value;
  if (typeof candidate !== 'string' || candidate.length > CANDIDATE_MAX_CHARACTERS) return undefined;
  if (candidate === '') return { kind: 'nothing' };
  if (/[\r\n]/.test(candidate) || !/^(?:a=)?candidate:/.test(candidate)) return undefined;
  const mid = typeof sdpMid === 'string' && /^[\w-]{1,32}$/.test(sdpMid) ? sdpMid : undefined;
  if (mid === undefined && sdpMLineIndex !== 0) return undefined;
  if (!hasLiteralAddress(candidate)) return { kind: 'nothing' };
  return { kind: 'candidate', candidate, mid: mid ?? '0' };
}

/** RFC 8839 section 5.1: foundation, component, transport, priority, then the address. */
function hasLiteralAddress(line: string): boolean {
  return isIP(line.split(' ')[4] ?? '') !== 0;
}

/**
 * The fingerprint of a DTLS certificate as session descriptions carry it (RFC 8122 section 5), SHA-256 only. Both of a
 * connection's are what a WebRTC path is bound to, so there must be no doubt which one counts.
 */
import { fromHex } from '@warren/base';

/**
 * The fingerprint in a session description, 32 bytes. `undefined` when there is none, another hash beside it, or two
 * that differ: RFC 8122 section 5 lets a connection match any of several.
 */
export function fingerprintOf(sdp: string): Uint8Array | undefined {
  const lines = [...sdp.matchAll(/^a=fingerprint:(.*?)\r?$/gim)].map(match => (match[1] ?? '').toLowerCase());
  const [first] = lines;
  if (first === undefined || lines.some(line => line !== first)) return undefined;
  return parseFingerprint(/^sha-256 (.*)$/.exec(first)?.[1] ?? '');
}

/** Reads `C5:6D:...`, 32 bytes; `undefined` for anything else. */
export function parseFingerprint(text: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2}:){31}[0-9a-f]{2}$/i.test(text) ? fromHex(text.replaceAll(':', '')) : undefined;
}

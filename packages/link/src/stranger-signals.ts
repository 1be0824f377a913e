/**
 * WebRTC signals exchanged with strangers, without addresses of private
 * networks: neither do we tell ours, nor do we probe whatever a stranger names
 * (decisions.md "Trust between strangers"). Signals are the JSON of
 * simple-peer: a session description, or one candidate (RFC 8839 section 5.1).
 */
import { CANDIDATES_MAX } from '@warren/wire';
import { mayProbe } from './candidates.ts';

/** The signal without local candidates; `undefined` when nothing of use is left or it is no signal. */
export function withoutLocalCandidates(signal: string): string | undefined {
  const value = parsed(signal);
  if (value === undefined) return undefined;
  if (typeof value.sdp === 'string') return JSON.stringify({ ...value, sdp: withoutLocalLines(value.sdp) });
  const { candidate } = value;
  const line =
    typeof candidate === 'object' && candidate !== null && 'candidate' in candidate ? candidate.candidate : undefined;
  return typeof line === 'string' && isRemote(line) ? signal : undefined;
}

function withoutLocalLines(sdp: string): string {
  let kept = 0;
  const lines = sdp.split('\r\n').filter(line => {
    if (!line.startsWith('a=candidate:')) return true;
    return isRemote(line.slice('a='.length)) && kept++ < CANDIDATES_MAX;
  });
  return lines.join('\r\n');
}

/** `candidate:1 1 udp 2113937151 192.0.2.7 41641 typ host ...`; names are left to whoever can resolve them. */
function isRemote(candidate: string): boolean {
  const [, , , , host = '', port = ''] = candidate.split(' ');
  if (/^[0-9a-f-]{36}\.local$/.test(host)) return true;
  return mayProbe(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, true);
}

function parsed(signal: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(signal);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

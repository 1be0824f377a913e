/**
 * How the page puts the mesh into words. Pure functions.
 */
import type { LinkKind, MemberView } from './mesh.ts';

/** Names a kind of link as a person would. */
export function linkWords(kind: LinkKind): string {
  switch (kind) {
    case 'webrtc':
      return 'direct (WebRTC)';
    case 'udp':
      return 'direct (UDP)';
    case 'websocket':
      return 'through the server (WebSocket)';
    case 'relay':
      return 'relayed';
    case 'overlay':
      return 'carried';
  }
}

/** Names a kind of member. */
export function kindWords(kind: MemberView['kind']): string {
  switch (kind) {
    case 'browser':
      return 'browser tab';
    case 'edge':
      return 'Linux machine';
    case 'site':
      return 'group site';
  }
}

/** A round-trip time: one decimal below 10 ms. */
export function rttWords(rttMs: number): string {
  return rttMs < 10 ? `${rttMs.toFixed(1)} ms` : `${Math.round(rttMs)} ms`;
}

/** The teams in a line that a person typed: between commas or blanks, in small letters. */
export function teamsFrom(line: string): string[] {
  return line
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter(team => team !== '');
}

/** How long ago, roughly; `now` and `then` in Unix ms. */
export function agoWords(then: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  return seconds < 45 ? 'just now' : `${spanWords(seconds)} ago`;
}

/** How long until `then`, roughly; `expired` when it is past. */
export function leftWords(then: number, now: number): string {
  const seconds = Math.round((then - now) / 1000);
  return seconds <= 0 ? 'expired' : `${spanWords(seconds)} left`;
}

/** How long something took: whole seconds up to a minute and a half. */
export function durationWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 90 ? count(seconds, 'second') : spanWords(seconds);
}

/** A byte count with a decimal unit. */
export function bytesWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `1 record`, `2 records`. */
export function count(n: number, one: string): string {
  return `${n.toLocaleString('en-GB')} ${n === 1 ? one : `${one}s`}`;
}

/**
 * Turns a person's name into a sign-in name: 1 to 32 of `a-z 0-9 . _ -`, or empty when nothing of it is left.
 */
export function userNameFrom(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-._]+|[-._]+$/g, '')
    .slice(0, 32);
}

/** A name for this browser among a person's devices, such as `firefox-linux`; from the user agent string. */
export function deviceNameFrom(userAgent: string): string {
  const browser =
    [
      ['edg', 'edge'],
      ['opr', 'opera'],
      ['firefox', 'firefox'],
      ['chrom', 'chrome'],
      ['safari', 'safari'],
    ].find(([mark = '']) => userAgent.toLowerCase().includes(mark))?.[1] ?? 'browser';
  const system =
    [
      ['android', 'android'],
      ['iphone', 'iphone'],
      ['ipad', 'ipad'],
      ['windows', 'windows'],
      ['mac os', 'mac'],
      ['cros', 'chromebook'],
      ['linux', 'linux'],
    ].find(([mark = '']) => userAgent.toLowerCase().includes(mark))?.[1] ?? 'computer';
  return `${browser}-${system}`;
}

function spanWords(seconds: number): string {
  if (seconds < 90) return '1 minute';
  if (seconds < 45 * 60) return count(Math.round(seconds / 60), 'minute');
  if (seconds < 22 * 3600) return count(Math.max(1, Math.round(seconds / 3600)), 'hour');
  return count(Math.max(1, Math.round(seconds / 86_400)), 'day');
}

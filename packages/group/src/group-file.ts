/**
 * The group file (`*.warren`): what one device needs to enrol and to find its
 * group; the papers' "blob" (P1 III-B.1). JSON, so that people can look at it;
 * a checksum over it, so that a damaged one is told apart from a wrong one.
 * The secret in it works once.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64Url, toHex, utf8 } from '@warren/base';
import { isOrigin } from './origin.ts';

/** Whether end-to-end sessions get post-quantum keys: never, where both sides can, or before any data flows. */
export const POST_QUANTUM_POLICIES = ['off', 'on', 'required'] as const;
export type PostQuantumPolicy = (typeof POST_QUANTUM_POLICIES)[number];

export interface GroupFile {
  readonly warren: 1;
  /** 26 characters base32. */
  readonly group: string;
  /** Display name. */
  readonly name: string;
  /** Origin of the group site. */
  readonly site: string;
  /** base64url SHA-256 of the site's TLS SPKI, where the site made its own certificate. */
  readonly sitePin?: string;
  /** `ws://` or `wss://` URLs. */
  readonly bootstraps: readonly string[];
  /** STUN servers, `stun:host:port` (RFC 7064); absent where the bootstrap nodes answer none. */
  readonly stun?: readonly string[];
  /** base64url DER of the group's CA certificate. */
  readonly ca: string;
  /** base64url, 32 bytes. */
  readonly rendezvous: string;
  /** `10.128.0.0/16`. */
  readonly subnet: string;
  /** Absent in files of older sites, which means `on`. */
  readonly postQuantum?: PostQuantumPolicy;
  readonly user: string;
  readonly device: string;
  /** base64url, 16 bytes; absent once it was used. */
  readonly enrolment?: string;
  /** ISO time at which the secret ends. */
  readonly expires: string;
  /** 64 hex digits: SHA-256 of the rest. */
  readonly check: string;
}

const FIELDS: ReadonlySet<string> = new Set(
  'warren group name site sitePin bootstraps stun ca rendezvous subnet postQuantum user device enrolment expires check'.split(
    ' ',
  ),
);

/** Longest text that is read as a group file. */
export const GROUP_FILE_MAX = 16_384;

/** Reads a group file; `error` is a sentence for a person. */
export function parseGroupFile(text: string): GroupFile | { readonly error: string } {
  if (text.length > GROUP_FILE_MAX) return { error: 'This is not a group file: it is too large.' };
  const value = parseJson(text);
  if (value === undefined)
    return { error: 'The group file is damaged or cut off. Download it again from the group page.' };
  if (value.warren !== 1) return { error: 'This is not a group file of this version of Warren.' };
  if (!Object.entries(value).every(([key, entry]) => FIELDS.has(key) && isPlain(entry))) {
    return { error: 'This is not a group file of this version of Warren.' };
  }
  if (typeof value.check !== 'string' || checksum(value) !== value.check) {
    return { error: 'The group file is damaged: its checksum does not match. Download it again from the group page.' };
  }
  const fault = faultOf(value);
  return fault === undefined ? (value as unknown as GroupFile) : { error: `The group file has no valid "${fault}".` };
}

/** Prints a group file with its checksum. */
export function printGroupFile(file: Omit<GroupFile, 'check'>): string {
  const check = checksum(file as unknown as Record<string, unknown>);
  return `${JSON.stringify({ ...file, check }, undefined, 2)}\n`;
}

/** The file with another policy, as the site says later. */
export function withPolicy(file: GroupFile, postQuantum: PostQuantumPolicy): GroupFile {
  const { check: _old, ...rest } = file;
  const changed = { ...rest, postQuantum };
  return { ...changed, check: checksum(changed) };
}

/** The file once its secret was used. */
export function withoutSecret(file: GroupFile): GroupFile {
  const { enrolment: _used, check: _old, ...rest } = file;
  return { ...rest, check: checksum(rest) };
}

/** Reads `10.128.0.0/16`; `undefined` unless it is a unicast range of 8 to 30 prefix bits with zero host bits. */
export function parseSubnet(text: string): { readonly network: number; readonly prefixBits: number } | undefined {
  const number = '(0|[1-9][0-9]{0,2})';
  const match = new RegExp(`^${number}[.]${number}[.]${number}[.]${number}/([1-9][0-9]?)$`).exec(text);
  if (match === null) return undefined;
  const [a, b, c, d, prefixBits] = match.slice(1).map(Number) as [number, number, number, number, number];
  if ([b, c, d].some(part => part > 255) || prefixBits < 8 || prefixBits > 30) return undefined;
  if (a === 0 || a === 127 || a >= 224) return undefined;
  const network = a * 2 ** 24 + b * 2 ** 16 + c * 256 + d;
  return network % 2 ** (32 - prefixBits) === 0 ? { network, prefixBits } : undefined;
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Texts, numbers and lists of texts: nothing nested, which a checksum could not walk at any depth. */
function isPlain(value: unknown): boolean {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [];
  return (
    ['string', 'number'].includes(typeof value) || (Array.isArray(value) && texts.every(t => typeof t === 'string'))
  );
}

/** SHA-256 over the JSON without `check`, keys sorted, no white space. */
function checksum(value: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(value)
    .filter(([key, entry]) => key !== 'check' && entry !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return toHex(sha256(utf8(JSON.stringify(Object.fromEntries(entries)))));
}

/** The name of the first field that is not as it should be. */
function faultOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const text = (key: string, pattern: RegExp) => typeof value[key] === 'string' && pattern.test(value[key]);
  const bytes = (key: string, length?: number) => {
    const decoded = typeof value[key] === 'string' ? fromBase64Url(value[key]) : undefined;
    return decoded !== undefined && (length === undefined ? decoded.length > 0 : decoded.length === length);
  };
  const checks: readonly (readonly [string, boolean])[] = [
    ['group', text('group', /^[a-z2-7]{26}$/)],
    ['name', text('name', /^[^\p{Cc}\p{Cs}]{1,64}$/u)],
    ['site', typeof value.site === 'string' && isOrigin(value.site)],
    ['sitePin', value.sitePin === undefined || bytes('sitePin', 32)],
    ['bootstraps', areTexts(value.bootstraps, /^wss?:\/\/\S{1,200}$/)],
    ['stun', value.stun === undefined || areTexts(value.stun, /^stun:\S{1,200}$/)],
    ['ca', bytes('ca')],
    ['rendezvous', bytes('rendezvous', 32)],
    ['subnet', typeof value.subnet === 'string' && parseSubnet(value.subnet) !== undefined],
    ['postQuantum', value.postQuantum === undefined || isPolicy(value.postQuantum)],
    ['user', text('user', /^[a-z0-9._-]{1,32}$/)],
    ['device', text('device', /^[a-z0-9._-]{1,32}$/)],
    ['enrolment', value.enrolment === undefined || bytes('enrolment', 16)],
    ['expires', text('expires', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/)],
  ];
  return checks.find(([, isGood]) => !isGood)?.[0];
}

/** Whether a value is the name of a policy. */
export function isPolicy(value: unknown): value is PostQuantumPolicy {
  return POST_QUANTUM_POLICIES.some(policy => policy === value);
}

/** One to sixteen texts of that form. */
function areTexts(value: unknown, form: RegExp): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > 16) return false;
  return value.every(text => typeof text === 'string' && form.test(text));
}

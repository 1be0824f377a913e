/**
 * Becoming a member: a key made here, a certificate from the group site, kept
 * for later starts. The same in a tab and in Node. The enrolment secret goes
 * to the site once, over TLS or loopback, and is not kept (site.md; P1 III-B.1).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromBase64Url, fromUtf8, sameBytes, toBase64Url, utf8 } from '@warren/base';
import { type GroupFile, isPolicy, parseGroupFile, printGroupFile, withoutSecret, withPolicy } from '@warren/group';
import { Authority, type Leaf, readLeaf } from '@warren/trust';
import { Writer } from '@warren/wire';
import { makeRequest } from './certificates.ts';
import { PeerError } from './error.ts';
import type { Host } from './host.ts';
import { dropAcquaintances } from './kept-acquaintances.ts';
import { dropRevocations, keepRevocations, keptRevocations, listOf } from './kept-revocations.ts';

/** What a device keeps of its membership. */
export interface Membership {
  readonly file: GroupFile;
  readonly leaf: Leaf;
}

/** How requests reach the site; the global `fetch` or one that pins the site's key. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
) => Promise<Response>;

const INDEX = 'memberships';
const RENEWAL_LABEL = utf8('warren-renew/1');

/** Turns a group file into a membership: once per file. */
export async function enrol(host: Host, file: GroupFile, o: { fetch: Fetch }): Promise<Membership> {
  const secret = fromBase64Url(file.enrolment ?? '');
  if (secret === undefined || secret.length !== 16) {
    throw new PeerError('no-secret', 'This group file was used before.', 'Download a new one from the group page.');
  }
  const key = await host.identity(`group-${file.group}`);
  const csr = await makeRequest(key, file.device, secret);
  const body = { group: file.group, enrolment: toBase64Url(secret), csr: toBase64Url(csr) };
  const answer = await post(file.site, '/api/enrol', body, o.fetch);
  const leaf = certified(file, bytesOf(answer.leaf), host.clock.unixMs());
  if (!sameBytes(leaf.spki, key.spki)) throw new PeerError('wrong-leaf', 'The site certified another key than ours.');
  const membership = { file: answeredFile(withoutSecret(file), answer), leaf };
  await saveMembership(host, membership);
  await keepAnswered(host, file, answer);
  return membership;
}

/** Whether two thirds of a certificate's time are over, 20 of 30 days: from then on it should be renewed. */
export function isRenewalDue(leaf: Leaf, today: number): boolean {
  return today >= leaf.notBefore + ((leaf.notAfter - leaf.notBefore) * 2) / 3;
}

/** Whether a certificate that we sign ourselves is to be made anew: in time, or because a clock that was ahead dated it. */
export function isOwnRenewalDue(leaf: Leaf, today: number): boolean {
  return today < leaf.notBefore || isRenewalDue(leaf, today);
}

/** Gets the next certificate against the present one, while that is good; same key, same peer id. Stored too. */
export async function renew(host: Host, membership: Membership, o: { fetch: Fetch }): Promise<Membership> {
  const { file, leaf } = membership;
  const key = await host.identity(`group-${file.group}`);
  const csr = await makeRequest(key, file.device);
  const at = Math.floor(host.clock.unixMs());
  const signature = await key.sign(concat(RENEWAL_LABEL, leaf.tbsHash, new Writer(8).u64(at).done(), sha256(csr)));
  const body = { leaf: toBase64Url(leaf.der), csr: toBase64Url(csr), at, signature: toBase64Url(signature) };
  const answer = await post(file.site, '/api/renew', body, o.fetch);
  const next = certified(file, bytesOf(answer.leaf), host.clock.unixMs());
  if (!sameBytes(next.spki, leaf.spki) || !sameBytes(next.peerId, leaf.peerId)) {
    throw new PeerError('wrong-leaf', 'The site certified another key or peer id than ours.');
  }
  const renewed = { file: answeredFile(file, answer), leaf: next };
  await saveMembership(host, renewed);
  await keepAnswered(host, file, answer);
  return renewed;
}

/** All memberships of this device, in the order of joining. Damaged ones are left out. */
export async function loadMemberships(host: Host): Promise<Membership[]> {
  const memberships: Membership[] = [];
  for (const group of await index(host)) {
    const stored = parseStored(fromUtf8((await host.storage.get(`membership-${group}`)) ?? new Uint8Array(0)));
    if (stored !== undefined) memberships.push(stored);
  }
  return memberships;
}

/** Whether the authority has declared the certificate dead, as far as this device was told. */
export async function isRemoved(host: Host, { file, leaf }: Membership): Promise<boolean> {
  const list = await keptRevocations(host, file.group);
  const authority = Authority.group(fromBase64Url(file.ca) ?? new Uint8Array(0));
  if (list === undefined || authority?.revocations.learnList(list) !== true) return false;
  return authority.revocations.isRevoked(leaf);
}

/** Forgets a membership on this device. */
export async function forgetMembership(host: Host, group: string): Promise<void> {
  const rest = (await index(host)).filter(other => other !== group);
  await host.storage.set(INDEX, utf8(JSON.stringify(rest)));
  await host.storage.delete(`membership-${group}`);
  await dropRevocations(host, group);
  await dropAcquaintances(host, group);
  await emptyShelf(host, group).catch(() => {
    // Nobody is hurt by records of others on a disk that does not work, and they run out.
  });
}

async function emptyShelf(host: Host, group: string): Promise<void> {
  const shelf = await host.shelf?.(group);
  await shelf?.clear();
  shelf?.close();
}

/** Keeps a membership, in place of an older one of its group. */
export async function saveMembership(host: Host, { file, leaf }: Membership): Promise<void> {
  const text = JSON.stringify({ file: printGroupFile(file), leaf: toBase64Url(leaf.der) });
  await host.storage.set(`membership-${file.group}`, utf8(text));
  const groups = await index(host);
  if (!groups.includes(file.group)) await host.storage.set(INDEX, utf8(JSON.stringify([...groups, file.group])));
}

/** A site hands its list out with each certificate; it is kept only in place of an older one. */
async function keepAnswered(host: Host, file: GroupFile, answer: Record<string, unknown>): Promise<void> {
  const [kept, list] = [await keptRevocations(host, file.group), listOf(answer.list)];
  const authority = Authority.group(fromBase64Url(file.ca) ?? new Uint8Array(0));
  if (kept !== undefined) authority?.revocations.learnList(kept);
  if (list !== undefined && authority?.revocations.learnList(list)) await keepRevocations(host, file.group, list);
}

/** The group's policy may have changed since the file was made. */
function answeredFile(file: GroupFile, { postQuantum }: Record<string, unknown>): GroupFile {
  return isPolicy(postQuantum) && postQuantum !== file.postQuantum ? withPolicy(file, postQuantum) : file;
}

async function index(host: Host): Promise<string[]> {
  const value = parsed(fromUtf8((await host.storage.get(INDEX)) ?? new Uint8Array(0)));
  return Array.isArray(value) ? value.filter(entry => typeof entry === 'string') : [];
}

function parseStored(text: string | undefined): Membership | undefined {
  const value = parsed(text) as { file?: unknown; leaf?: unknown } | undefined;
  const file = typeof value?.file === 'string' ? parseGroupFile(value.file) : undefined;
  const der = typeof value?.leaf === 'string' ? fromBase64Url(value.leaf) : undefined;
  const leaf = der && readLeaf(der);
  if (file === undefined || 'error' in file || leaf === undefined || typeof leaf === 'string') return undefined;
  return { file, leaf };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function bytesOf(text: unknown): Uint8Array | undefined {
  return typeof text === 'string' ? fromBase64Url(text) : undefined;
}

/** Accepts what the site sent only if it is a certificate of this group's CA for this user and device. */
function certified(file: GroupFile, der: Uint8Array | undefined, today: number): Leaf {
  const leaf = der && readLeaf(der);
  const authority = Authority.group(fromBase64Url(file.ca) ?? new Uint8Array(0));
  const fits =
    typeof leaf === 'object' && leaf.group === file.group && leaf.user === file.user && leaf.device === file.device;
  if (!fits || authority?.group !== file.group || !authority.certifies(leaf, today)) {
    throw new PeerError('wrong-leaf', 'The site answered with a certificate that does not fit the group file.');
  }
  return leaf;
}

async function post(site: string, path: string, body: object, fetch: Fetch): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json', 'x-warren': '1' };
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${site}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    text = await response.text();
  } catch (error) {
    if (error instanceof PeerError) throw error;
    const hint = 'Check that it runs, then try again.';
    throw new PeerError('site-unreachable', `Cannot reach the group site at ${site}.`, hint);
  }
  const answer = asRecord(parsed(text));
  if (response.ok && answer !== undefined) return answer;
  throw refusal(site, response.status, asRecord(answer?.error));
}

/** What the site says, as far as it is a code and sentences for a person. */
function refusal(site: string, status: number, error: Record<string, unknown> | undefined): PeerError {
  const { code, message, hint } = error ?? {};
  if (typeof code === 'string' && /^[a-z0-9-]{1,64}$/.test(code) && isSentence(message)) {
    return new PeerError(code, message, isSentence(hint) ? hint : undefined);
  }
  const what = `The group site at ${site} answered ${status}, and nothing that this device understands.`;
  return new PeerError('site-error', what, 'Check that a group site of this version runs there, then try again.');
}

function isSentence(value: unknown): value is string {
  return typeof value === 'string' && /^[^\p{Cc}]{1,500}$/u.test(value);
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : undefined;
}

/**
 * The newest revocation list of a group on the disk of a member, and at the
 * site: what a start begins with, so that a removed member is refused before
 * anybody was asked. The list proves itself; a damaged or forged one is nothing.
 */
import { fromBase64Url } from '@warren/base';
import type { GroupFile } from '@warren/group';
import { decodeRevocationList, encodeRevocationList, type RevocationList } from '@warren/trust';
import type { Fetch } from './enrol.ts';
import { PeerError } from './error.ts';
import type { Host } from './host.ts';

/** Reads what was kept; `undefined` when there is nothing, or nothing whole. */
export async function keptRevocations(host: Host, group: string): Promise<RevocationList | undefined> {
  return decodeRevocationList((await host.storage.get(key(group))) ?? new Uint8Array(0));
}

/** Keeps a list in place of the one before. */
export function keepRevocations(host: Host, group: string, list: RevocationList): Promise<void> {
  return host.storage.set(key(group), encodeRevocationList(list));
}

/** Forgets the list, as the membership is forgotten. */
export function dropRevocations(host: Host, group: string): Promise<void> {
  return host.storage.delete(key(group));
}

/** Asks the site for the newest list, unproved; rejects when the site does not answer with one. */
export async function fetchRevocations(file: GroupFile, o: { fetch: Fetch }): Promise<RevocationList> {
  const answer = await o
    .fetch(`${file.site}/api/groups/${file.group}/revocations`, { method: 'GET', headers: {} })
    .then(response => response.json() as Promise<{ list?: unknown } | undefined>)
    .catch(() => undefined);
  const list = listOf(answer?.list);
  if (list !== undefined) return list;
  throw new PeerError('no-revocations', `The group site at ${file.site} gives no list of removed members.`);
}

/** A list in an answer of the site, base64url. */
export function listOf(text: unknown): RevocationList | undefined {
  const bytes = typeof text === 'string' ? fromBase64Url(text) : undefined;
  return bytes && decodeRevocationList(bytes);
}

/** What a removed participant says. */
export function removedError(group: string): PeerError {
  const hint = 'If that is a mistake, ask an administrator to let you in again, and use a new group file.';
  return new PeerError('removed', `This device was removed from ${group}.`, hint);
}

function key(group: string): string {
  return `revocations-${group}`;
}

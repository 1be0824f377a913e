/**
 * Fills in the group file of one device (`*.warren`): everything an edge or a
 * tab needs to enrol and to find its group. Its form is `@warren/group`'s.
 * Source: P1 section III-B.1 (the "configuration data"); decisions.md "Site and edges".
 */
import { toBase64Url } from '@warren/base';
import { type GroupFile, printGroupFile } from '@warren/group';
import type { GroupRow } from './database/schema.ts';
import type { SiteAddress } from './site.ts';

/** Makes the file of one device. `expires` is Unix ms, `enrolment` base64url of 16 bytes. */
export function groupFile(
  address: SiteAddress,
  group: GroupRow,
  device: { user: string; device: string; enrolment: string; expires: number },
): GroupFile {
  const text = printGroupFile({
    warren: 1,
    group: group.id,
    name: group.name,
    site: address.origin,
    ...(address.pin === undefined ? {} : { sitePin: address.pin }),
    bootstraps: address.bootstraps,
    ...(address.stun.length === 0 ? {} : { stun: address.stun }),
    ca: toBase64Url(group.ca_certificate),
    rendezvous: toBase64Url(group.rendezvous),
    subnet: group.subnet,
    postQuantum: group.post_quantum,
    ...device,
    expires: new Date(device.expires).toISOString(),
  });
  return JSON.parse(text) as GroupFile;
}

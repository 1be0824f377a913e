/**
 * The group file of one device (`*.warren`): everything an edge or a tab needs
 * to enrol and to find its group, and one secret that works once.
 * Source: P1 section III-B.1 (the "configuration data"); decisions.md "Site and edges".
 */
import { toBase64Url, toHex, utf8 } from '@warren/base';
import type { GroupRow } from './database/schema.ts';
import { sha256 } from './secrets.ts';
import type { SiteAddress } from './site.ts';

/** The file as JSON; `check` is the hexadecimal SHA-256 over all else, so that damage shows. */
export interface GroupFileObject {
  readonly warren: 1;
  readonly group: string;
  readonly name: string;
  readonly site: string;
  readonly sitePin?: string;
  readonly bootstraps: readonly string[];
  readonly ca: string;
  readonly rendezvous: string;
  readonly subnet: string;
  readonly user: string;
  readonly device: string;
  readonly enrolment: string;
  readonly expires: string;
  readonly check: string;
}

/** Makes the file of one device. `expires` is Unix ms, `enrolment` base64url of 16 bytes. */
export function groupFile(
  address: SiteAddress,
  group: GroupRow,
  device: { user: string; device: string; enrolment: string; expires: number },
): GroupFileObject {
  const content = {
    warren: 1,
    group: group.id,
    name: group.name,
    site: address.origin,
    ...(address.pin === undefined ? {} : { sitePin: address.pin }),
    bootstraps: address.bootstraps,
    ca: toBase64Url(group.ca_certificate),
    rendezvous: toBase64Url(group.rendezvous),
    subnet: group.subnet,
    user: device.user,
    device: device.device,
    enrolment: device.enrolment,
    expires: new Date(device.expires).toISOString(),
  } as const;
  const sorted = Object.fromEntries(Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...content, check: toHex(sha256(utf8(JSON.stringify(sorted)))) };
}

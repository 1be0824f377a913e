/**
 * What devices may do for others in their group: an administrator says it, the
 * next certificate carries it (`@warren/trust`). A new device may relay and
 * nothing else: relaying moves sealed datagrams of members only, while gateways
 * and routers see or send traffic beyond the group.
 */
import { RIGHTS, type Right } from '@warren/trust';

/** What a new device has, as in `devices.rights`. */
export const NEW_DEVICE_RIGHTS = 'relay';

/** The rights in a column of the database. */
export function rightsOf(text: string): Right[] {
  const names = text.split(' ');
  return RIGHTS.filter(right => names.includes(right));
}

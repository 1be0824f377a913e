/**
 * How Warren's own packets are told from the user's while a full tunnel is on: by a firewall mark. Our UDP sockets
 * carry it themselves (SO_MARK). Sockets that libraries open (WebRTC, WebSockets, name lookups) cannot be reached from
 * here; they carry the group id of the process, which `full-tunnel-rules.ts` turns into the mark.
 */
import { readFileSync } from 'node:fs';

/** The mark of our own packets: `WA`. They go by the machine's main routing table, never into the tunnel. */
export const OWN_MARK = 0x5741;
/** The mark of the user's packets that a pause lets out. */
export const PAUSED_MARK = 0x5743;
/** Bits that tell both marks from all others. */
export const MARK_MASK = 0xfffd;
/** The group id of the daemon where the system has no group of that name: the mark again. */
export const SPARE_GROUP_ID = OWN_MARK;
const GROUP_NAME = 'warren';

/**
 * Gives this process, and all sockets that it opens from now on, the group id by which its packets are known; call it
 * before anything opens a socket. Returns the id, or `undefined` where that is not allowed: neither root nor
 * started with the group `warren` (`Group=` of a systemd unit).
 */
export function enterTunnelGroup(): number | undefined {
  const wanted = tunnelGroupId(readFileSync('/etc/group', 'latin1'));
  if (wanted === undefined || process.getegid?.() === wanted) return wanted;
  try {
    process.setegid?.(wanted);
  } catch {
    return undefined;
  }
  return wanted;
}

/**
 * The id of the group `warren` in the text of /etc/group, else a fixed number that nobody has; `undefined` when somebody
 * has it: packets of a group with people in it must not pass the kill switch.
 */
export function tunnelGroupId(etcGroup: string): number | undefined {
  const groups = etcGroup.split('\n').map(line => line.split(':'));
  const id = Number(groups.find(([name]) => name === GROUP_NAME)?.[2] ?? Number.NaN);
  // Group 0 is that of everything that root runs.
  if (Number.isInteger(id) && id > 0) return id;
  return groups.some(([, , other]) => Number(other) === SPARE_GROUP_ID) ? undefined : SPARE_GROUP_ID;
}

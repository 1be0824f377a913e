/**
 * Which groups this browser goes back into after a reload. Local storage, so
 * that all tabs of the profile know it.
 */

/** A JSON list of group ids. */
const JOINED = 'warren-joined';

/** The groups that a tab of this browser was in. */
export function joinedBefore(): ReadonlySet<string> {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(JOINED) ?? '[]');
    return new Set(Array.isArray(list) ? list.filter(item => typeof item === 'string') : []);
  } catch {
    return new Set();
  }
}

/** Notes that this browser is in `group`, or is not any more. */
export function rememberJoined(group: string, joined: boolean): void {
  const list = new Set(joinedBefore());
  if (joined) list.add(group);
  else list.delete(group);
  localStorage.setItem(JOINED, JSON.stringify([...list]));
}

/** Forgets all groups. */
export function forgetJoined(): void {
  localStorage.removeItem(JOINED);
}

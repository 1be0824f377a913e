/**
 * One polite live region for the whole page, so that changes are heard by who
 * does not see them.
 */
import { signal } from '@preact/signals';

/** What was announced last. */
export const announcement = signal('');

/** Lets screen readers say `text` when they are idle. */
export function announce(text: string): void {
  // The same sentence twice would not be a change.
  announcement.value = announcement.value === text ? `${text}\u00a0` : text;
}

/**
 * Names that people choose, and how far they may go. User and device names
 * travel in certificates and keep to a strict alphabet; display names, group
 * names and reasons are free text for people, without characters that hide or
 * reorder others. Everything else is refused with the reason.
 * Source: decisions.md "Bytes", row "names"; faults.md row 97.
 */
import { SiteError } from './errors.ts';

/** JSON schema pattern of a user or device name: 1 to 32 of `a-z 0-9 . _ -`, first a letter or digit. */
export const NAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,31}$';

/** JSON schema pattern of a group id: 26 characters base32, lower case. */
export const GROUP_PATTERN = '^[a-z2-7]{26}$';

const LABEL_LIMIT = 64;
const REASON_LIMIT = 200;
const PASSWORD_LEAST = 8;
const PASSWORD_MOST_BYTES = 256;

/**
 * Controls, surrogates, private use, line breaks, zero-width characters and direction marks. ZWJ and ZWNJ (U+200C,
 * U+200D) stay: emoji and several scripts need them.
 */
const HIDDEN =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]/u;

/** Returns a user or device name unchanged, or throws a 400 that says what is wrong. `what` is "user" or "device". */
export function checkName(what: 'user' | 'device', name: string): string {
  if (new RegExp(NAME_PATTERN).test(name)) return name;
  const rule = 'Use 1 to 32 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit.';
  throw new SiteError(400, 'bad-name', `This ${what} name cannot be used.`, rule);
}

/** Returns a display name in NFC without outer spaces, 1 to 64 characters, or throws a 400. */
export function checkLabel(what: 'display name' | 'group name', text: string): string {
  const label = visible(what, text);
  if (label.length > 0 && [...label].length <= LABEL_LIMIT) return label;
  throw new SiteError(400, 'bad-name', `A ${what} has 1 to ${LABEL_LIMIT} characters.`, 'Choose another one.');
}

/** Returns why somebody wants to join, in NFC, 0 to 200 characters, or throws a 400. */
export function checkReason(text: string): string {
  const reason = visible('reason', text);
  if ([...reason].length <= REASON_LIMIT) return reason;
  throw new SiteError(400, 'bad-reason', `A reason has at most ${REASON_LIMIT} characters.`, 'Shorten it.');
}

/** Returns the password in NFC (so that all keyboards make the same bytes), or throws a 400. */
export function checkPassword(text: string): string {
  const password = text.normalize('NFC');
  if ([...password].length >= PASSWORD_LEAST && Buffer.byteLength(password) <= PASSWORD_MOST_BYTES) return password;
  const rule = `A password has ${PASSWORD_LEAST} characters or more, and at most ${PASSWORD_MOST_BYTES} bytes.`;
  throw new SiteError(400, 'bad-password', rule, 'Choose another one; a few random words are good.');
}

function visible(what: string, text: string): string {
  const label = text.normalize('NFC').trim();
  if (HIDDEN.test(label)) {
    throw new SiteError(400, 'bad-name', `This ${what} contains invisible characters.`, 'Type it again without them.');
  }
  return label;
}

/** What a group is called in names: `laptop.ada.home.warren` is the device laptop of ada in the group Home. */

/** The top of all our names. It is nobody's in the public DNS; who asks for it there learns nothing and tells a little. */
export const TOP = 'warren';

const LABEL_MAX = 63;

/** A group's domain, and where short names are looked for. */
export interface SearchNames {
  /** `home.warren`. */
  readonly domain: string;
  /** `ada.home.warren`, then `home.warren`: so that `laptop` and `laptop.ada` are enough. */
  readonly search: readonly string[];
}

/** The names of a group for one of its users. `title` is its display name, `group` its id. */
export function searchNames(title: string, group: string, user: string): SearchNames {
  const domain = `${groupLabel(title, group)}.${TOP}`;
  return { domain, search: [`${user}.${domain}`, domain] };
}

/** A display name as one label (RFC 1123, section 2.1); the group's id where nothing of it can stand in a name. */
export function groupLabel(title: string, group: string): string {
  const plain = title
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase();
  const label = plain
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LABEL_MAX)
    .replaceAll(/^-+|-+$/g, '');
  return label === '' ? group : label;
}

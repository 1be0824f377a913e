/**
 * The teams of a user, as a group's CA wrote them into a leaf: labels that other
 * members' rules go by (vpn.md calls one a certificate group). They stand in the
 * standard's place for attributes of a subject, subjectDirectoryAttributes (RFC
 * 5280 section 4.2.1.8), as values of organizationalUnitName (RFC 4519 section
 * 2.20), each named once for all. The extension is not critical, as the standard
 * says: whoever does not know it has no rules about teams. Without it a user has none.
 *
 * ```text
 * SubjectDirectoryAttributes ::= SEQUENCE { Attribute }                exactly one
 * Attribute                  ::= SEQUENCE { type 2.5.4.11, values SET OF UTF8String }   1 to 4 values
 * ```
 * DER puts the values of a SET OF in order (X.690 section 11.6): shorter ones
 * first, then by their bytes. Which bounds hold, so that the largest leaf fits:
 * `LEAF_MAX_BYTES` of `wire`.
 */
import { fromUtf8, sameBytes, utf8 } from '@warren/base';
import { DerReader, encodeDer, Tag } from './der.ts';
import { OID_ORGANIZATIONAL_UNIT } from './oids.ts';

/** Most teams of one user. */
export const TEAMS_MAX = 4;

/** Most characters of all teams of one user together. */
export const TEAMS_CHARACTERS_MAX = 24;

const TEAM = /^[a-z0-9][a-z0-9-]{0,15}$/;

/** Whether `text` may be a team: 1 to 16 of `a-z 0-9 -`, first a letter or digit. */
export function isTeam(text: string): boolean {
  return TEAM.test(text);
}

/** Whether these may be the teams of one user: sound, each once, within both bounds. */
export function areTeams(teams: readonly string[]): boolean {
  const isShort = teams.length <= TEAMS_MAX && teams.join('').length <= TEAMS_CHARACTERS_MAX;
  return isShort && new Set(teams).size === teams.length && teams.every(isTeam);
}

/** One to four teams, in any order, as the value of the extension. */
export function encodeTeams(teams: readonly string[]): Uint8Array {
  const inOrder = [...teams].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const values = inOrder.map(team => encodeDer(Tag.utf8String, utf8(team)));
  return encodeDer(Tag.sequence, encodeDer(Tag.sequence, OID_ORGANIZATIONAL_UNIT, encodeDer(Tag.set, ...values)));
}

/** Reads the value of the extension, by the alphabet; `undefined` for anything that `encodeTeams` would not write. */
export function readTeams(value: Uint8Array): readonly string[] | undefined {
  const r = new DerReader(value);
  const teams = r.inside(Tag.sequence, attributes =>
    attributes.inside(Tag.sequence, attribute => {
      attribute.element(Tag.oid);
      return attribute.inside(Tag.set, readValues);
    }),
  );
  if (r.failed || teams.length === 0 || !areTeams(teams)) return undefined;
  return sameBytes(encodeTeams(teams), value) ? teams.sort() : undefined;
}

function readValues(r: DerReader): string[] {
  const teams: string[] = [];
  while (!r.isEmpty && teams.length <= TEAMS_MAX) teams.push(fromUtf8(r.content(Tag.utf8String)) ?? '');
  return teams;
}

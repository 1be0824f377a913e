/**
 * Who is in a group: what the site knows (people, devices) and what the mesh
 * sees (who is there, how we reach them) in one list. Pure.
 */
import type { GroupView, MemberView } from './mesh.ts';
import type { GroupDetails, MemberEntry, Right } from './site-api.ts';

/** One device of a member. */
export interface Person {
  /** 40 hex digits. */
  readonly peerId: string;
  /** `device.user`. */
  readonly name: string;
  readonly user: string;
  /** Of its user, by the site, else by the certificate. */
  readonly teams: readonly string[];
  /** What the site has it do for others; absent while the site does not answer, or does not know the device any more. */
  readonly rights: readonly Right[] | undefined;
  /** What the person is called on the site; absent while the site does not answer. */
  readonly displayName: string | undefined;
  readonly kind: MemberView['kind'];
  readonly address: string | undefined;
  readonly self: boolean;
  /** `unknown` while this tab is not in the mesh. */
  readonly presence: 'online' | 'offline' | 'unknown';
  /** A hidden tab or a device on battery: there, but chosen last for duties. */
  readonly resting: boolean;
  readonly link: MemberView['link'] | undefined;
  /** Whether what goes to it is safe from whoever records it for a quantum computer. */
  readonly pq: boolean;
}

/** All devices: this tab first, then who is online, then the others, each by name. */
export function people(view: GroupView | undefined, details: GroupDetails | undefined): readonly Person[] {
  const onSite = new Map(details?.members.map(member => [member.user, member]));
  const found = new Map<string, Person>();
  for (const member of details?.members ?? []) {
    for (const { peerId, device, kind, rights } of member.devices) {
      const presence = view === undefined ? 'unknown' : 'offline';
      const [name, displayName] = [`${device}.${member.user}`, member.displayName];
      found.set(peerId, {
        peerId,
        name,
        user: member.user,
        teams: member.teams,
        rights,
        displayName,
        kind,
        address: undefined,
        self: false,
        presence,
        resting: false,
        link: undefined,
        pq: false,
      });
    }
  }
  for (const member of view?.members ?? []) {
    const { peerId, name, user, kind, address, self, online, link, pq = false, resting = false } = member;
    const presence = online ? 'online' : 'offline';
    const { displayName, teams = member.teams ?? [] } = onSite.get(user) ?? {};
    const rights = found.get(peerId)?.rights;
    const said = { peerId, name, user, teams, rights, displayName, kind };
    found.set(peerId, { ...said, address, self, presence, resting, link, pq });
  }
  return [...found.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en'));
}

/** Members without any device: let in, but not yet joined. */
export function withoutDevice(details: GroupDetails | undefined): readonly MemberEntry[] {
  return (details?.members ?? []).filter(member => member.devices.length === 0);
}

function rank(person: Person): number {
  if (person.self) return 0;
  return person.presence === 'online' ? 1 : 2;
}

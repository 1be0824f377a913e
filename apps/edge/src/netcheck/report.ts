/** What the network lets us do, from what the daemon has seen: for `warren netcheck` and `warren doctor`. */
import type { NatView } from '@warren/peer';
import type { Status } from '../control-api.ts';

/** `warren netcheck --json` is `{ schema: 1, ...NetReport }`. */
export interface NetReport {
  readonly udp: { readonly isUsable: boolean; readonly message: string };
  readonly ipv4: NatReport | null;
  readonly ipv6: NatReport | null;
  readonly bootstraps: readonly { readonly url: string; readonly state: string }[];
  readonly members: {
    readonly online: number;
    readonly direct: number;
    readonly relayed: number;
    readonly carried: number;
  };
}

/** How others see our UDP in one address family. */
export interface NatReport {
  readonly mapping: NatView['mapping'];
  readonly portStep: number;
  readonly addresses: readonly string[];
  /** The same in words. */
  readonly message: string;
}

/** Reads the report off the daemon's status. */
export function netReport({
  public: { nat, bootstraps, links },
  groups,
}: Pick<Status, 'public' | 'groups'>): NetReport {
  const [ipv4, ipv6] = [nat?.ipv4, nat?.ipv6].map(view => (view === undefined ? null : natReport(view)));
  const all = [...links, ...groups.flatMap(group => group.links)];
  const isUsable = all.some(({ kind }) => kind === 'udp') || nat !== undefined;
  const online = groups.flatMap(({ members }) => members).filter(member => member.online && !member.self);
  const reached = (kinds: readonly string[]) =>
    online.filter(({ link }) => link !== undefined && kinds.includes(link.kind)).length;
  const direct = reached(['udp', 'webrtc', 'websocket']);
  const relayed = reached(['relay']);
  return {
    udp: { isUsable, message: isUsable ? 'UDP passes' : 'no datagram has come in by UDP' },
    ipv4: ipv4 ?? null,
    ipv6: ipv6 ?? null,
    bootstraps,
    members: { online: online.length, direct, relayed, carried: online.length - direct - relayed },
  };
}

function natReport({ mapping, portStep, addresses }: NatView): NatReport {
  return {
    mapping,
    portStep,
    addresses,
    message: `${addresses.join(', ') || 'address not known'}; ${MAPPINGS[mapping](portStep)}`,
  };
}

/** RFC 4787 section 4.1 in words. */
const MAPPINGS: Readonly<Record<NatView['mapping'], (portStep: number) => string>> = {
  unknown: () => 'only one host has said where it sees us',
  'endpoint-independent': () => 'the same for everybody: direct links work with nearly all',
  'endpoint-dependent': step => {
    const guess = step === 0 ? 'ports at random' : `ports in steps of ${step}`;
    return `another for each destination (${guess}): direct links with easier networks, relays with those alike`;
  },
};

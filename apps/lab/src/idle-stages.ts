/** The stages of P2 5.3: one member pings so many others every 15 s, and what that costs beside other VPNs. */
import { rounded } from './report.ts';
import type { Figures } from './scenario.ts';

/** With so many others a member talks. */
const STAGES = [0, 1, 8, 32, 128] as const;
/** As in P2 5.3. */
export const PING_EVERY_MS = 15_000;

/** What one stage cost. */
export interface IdleStage {
  readonly active: number;
  readonly links: number;
  /** Both ways, with IP headers, a second. */
  readonly bytesPerSecond: number;
}

/** The stages that a group of so many has. */
export function stagesOf(members: number): number[] {
  return [...new Set(STAGES.map(active => Math.min(active, members - 1)))];
}

/** Figures of all stages, beside P2's regression for Hamachi. */
export function stageFigures(stages: readonly IdleStage[], members: number): Figures {
  const figures = stages.flatMap(({ active, links, bytesPerSecond }) => [
    [`bytesPerSecondAt${active}`, rounded(bytesPerSecond)] as const,
    [`hamachiBytesPerSecondAt${active}`, rounded(1_000 * (0.049 + 0.002 * members + 0.02 * active))] as const,
    [`linksAt${active}`, links] as const,
  ]);
  const [rest] = stages;
  return {
    members,
    ...Object.fromEntries(figures),
    ...(rest && { idleBytesPerSecondPerLink: rounded(rest.bytesPerSecond / rest.links) }),
  };
}

/** What P2 says of others. */
export const IDLE_REMARKS = [
  'Hamachi in P2 figure 6: 0.049 + 0.002 N + 0.02 A KB/s for N members, A of them active, by regression; it has a server.',
  'Memory in P2 5.3: IPOP 200 KB for each active peer and none for others, Hamachi 4 KB for each peer, OpenVPN 1 MB for each client at the server.',
];

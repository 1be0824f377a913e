/** What a group's stack asks for, and what of it is for its user. */
import type { RendezvousOutput } from '@warren/group';
import type { RevocationList } from '@warren/trust';
import type { Range, VpnOutput } from '@warren/vpn';
import type { CommonOutput, RingWideOutput } from './network-options.ts';
import type { TextsOutput } from './texts.ts';

export type GroupOutput =
  | CommonOutput
  | Extract<RendezvousOutput, { kind: 'publish' | 'read' }>
  | Extract<VpnOutput, { kind: 'tap' | 'configured' | 'dns' | 'dns-answer' | 'pong' }>
  | Extract<TextsOutput, { kind: 'text' }>
  | Extract<RingWideOutput, { kind: 'gathered' | 'crawled' }>
  /** These ranges are reached through the group's device, by the address of its services. */
  | { readonly kind: 'routes'; readonly ranges: readonly Range[] }
  /** A newer list of removed members holds: keep it. */
  | { readonly kind: 'revocations'; readonly list: RevocationList }
  /** We were removed ourselves: the group is over for this participant. */
  | { readonly kind: 'removed' };

/** Kinds of what is for the user of the group and for the host's device. */
const FOR_USER = [
  ...(['tap', 'configured', 'routes', 'dns', 'dns-answer', 'pong'] as const),
  ...(['text', 'revocations', 'removed', 'gathered', 'crawled'] as const),
] as const;

export type UserGroupOutput = Extract<GroupOutput, { readonly kind: (typeof FOR_USER)[number] }>;

/** Whether it is for the user of the group and for the host's device, not for the sockets that networks share. */
export function isForUser(out: GroupOutput): out is UserGroupOutput {
  return FOR_USER.some(kind => kind === out.kind);
}

/** Whether a survey has begun, or why not: we are no member any more, have left, or asked for another just now. */
export type SurveyStart = 'begun' | 'removed' | 'left' | 'busy';

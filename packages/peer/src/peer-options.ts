/** What a participant needs to know, what it is told to join, and what it gives back. The participant is `peer.ts`. */
import type { Authority, Credentials } from '@warren/trust';
import type { GroupOptions } from './group-options.ts';
import type { UserGroupOutput } from './group-output.ts';
import type { PathId } from './host.ts';
import type { Surroundings } from './network-options.ts';

/** What a participant asks of its host and of whoever uses it. */
export type PeerOutput =
  | { readonly kind: 'send'; readonly path: PathId; readonly bytes: Uint8Array }
  | { readonly kind: 'dial'; readonly url: string }
  | { readonly kind: 'open-webrtc'; readonly connection: string; readonly role: 'offerer' | 'answerer' }
  | { readonly kind: 'signal-webrtc'; readonly connection: string; readonly signal: string }
  | { readonly kind: 'close-path'; readonly path: PathId }
  | {
      readonly kind: 'group';
      readonly group: string;
      readonly out: UserGroupOutput;
    }
  /** Something in the views changed. */
  | { readonly kind: 'changed' }
  /** The host slept, or its clock was set: what runs out by date wants to be looked at. */
  | { readonly kind: 'resumed' }
  /** What the disk is to hold of a network's records, from before the next `send` on. */
  | { readonly kind: 'keep'; readonly network: string; readonly slot: string; readonly bytes: Uint8Array }
  | { readonly kind: 'drop'; readonly network: string; readonly slot: string }
  /** Whom a network met: to be kept for the next start. */
  | { readonly kind: 'acquaintances'; readonly network: string; readonly bytes: Uint8Array };

export interface PeerOptions extends Omit<Surroundings, 'indices' | 'clockHint' | 'remotes' | 'nat' | 'isOurTunnel'> {
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly bootstraps: readonly string[];
  /** The strangers of before, as an output of the last run gave them. */
  readonly acquaintances?: Uint8Array;
  /** Own UDP addresses as the host has bound them. */
  readonly addresses: () => readonly string[];
}

/** What a group brings beside what the participant knows. */
export type JoinOptions = Pick<
  GroupOptions,
  | 'name'
  | 'authority'
  | 'credentials'
  | 'rendezvousSecret'
  | 'subnet'
  | 'hasTap'
  | 'preferredAddress'
  | 'title'
  | 'announced'
  | 'acceptsRoutes'
  | 'hearsGroups'
  | 'access'
  | 'postQuantum'
  | 'acquaintances'
>;

/**
 * The group site's HTTP API, as the page uses it. One function for each call;
 * errors come as `SiteError` with words for a person. No state in here.
 */

/** Who is signed in. */
export interface User {
  /** 1-32 of `a-z 0-9 . _ -`. */
  readonly name: string;
  readonly displayName: string;
  readonly siteAdmin?: boolean;
}

/** What the site says of itself. */
export interface SiteState {
  /** True until the first account is made. */
  readonly setup: boolean;
  readonly user?: User;
  readonly bootstraps: readonly string[];
  /** STUN servers, `stun:host:port`. */
  readonly stun: readonly string[];
  readonly version: string;
}

/** What a device may do for others. */
export type Right = 'relay' | 'gateway' | 'router';

export type Role = 'admin' | 'member' | 'pending';

/** What a group asks of the keys of its sessions. */
export type PostQuantumPolicy = 'off' | 'on' | 'required';

/** A group in the list. */
export interface GroupSummary {
  readonly group: string;
  readonly name: string;
  readonly subnet: string;
  readonly role: Role;
}

/** A device with a certificate. */
export interface DeviceEntry {
  readonly device: string;
  readonly peerId: string;
  readonly kind: 'browser' | 'edge';
  /** What its next certificate lets it do for others. */
  readonly rights: readonly Right[];
  readonly issuedAt: string | number;
  readonly expiresAt: string | number;
}

export interface MemberEntry {
  readonly user: string;
  readonly displayName: string;
  readonly role: 'admin' | 'member';
  /** By the alphabet; its next certificates carry them. */
  readonly teams: readonly string[];
  readonly devices: readonly DeviceEntry[];
}

/** Somebody who asks to be let in. */
export interface JoinRequest {
  readonly user: string;
  readonly displayName: string;
  readonly reason?: string;
  readonly at: string | number;
  readonly invite?: string;
}

export interface Invite {
  readonly id: string;
  readonly uses: number;
  readonly used: number;
  readonly expires: string | number;
  readonly autoApprove: boolean;
  readonly createdBy?: string;
}

/** All of one group; `requests` and `invites` for its administrators only. */
export interface GroupDetails extends GroupSummary {
  readonly postQuantum: PostQuantumPolicy;
  readonly members: readonly MemberEntry[];
  readonly requests?: readonly JoinRequest[];
  readonly invites?: readonly Invite[];
}

/** What an invite leads to, before it is accepted. */
export interface InvitePreview {
  readonly group: string;
  readonly name: string;
  readonly invitedBy: string;
  readonly autoApprove: boolean;
  readonly signedIn: boolean;
  readonly membership?: 'member' | 'pending';
}

/** The personal group file of one device, as an object; the page passes it on unread. */
export interface DeviceFile {
  readonly file: { readonly expires?: string } & Readonly<Record<string, unknown>>;
  readonly fileName: string;
}

/** An error of the site; `status` 0 when it did not answer at all. */
export class SiteError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: number, code: string, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

export const siteApi = {
  state: () => call<SiteState>('GET', '/api/state'),
  signUp: (body: { name: string; displayName: string; password: string; token: string }) =>
    call<{ user: User }>('POST', '/api/signup', body),
  signIn: (body: { name: string; password: string }) => call<{ user: User }>('POST', '/api/signin', body),
  signOut: () => call<unknown>('POST', '/api/signout', {}),
  groups: () => call<{ groups: readonly GroupSummary[] }>('GET', '/api/groups'),
  createGroup: (body: { name: string; postQuantum: PostQuantumPolicy }) =>
    call<{ group: GroupSummary }>('POST', '/api/groups', body),
  setSettings: (group: string, body: { postQuantum: PostQuantumPolicy }) =>
    call<unknown>('PUT', `${groupPath(group)}/settings`, body),
  group: (group: string) => call<GroupDetails>('GET', groupPath(group)),
  createInvite: (group: string, body: { uses: number; expiresHours: number; autoApprove: boolean }) =>
    call<{ invite: Invite; url: string }>('POST', `${groupPath(group)}/invites`, body),
  deleteInvite: (group: string, id: string) =>
    call<unknown>('DELETE', `${groupPath(group)}/invites/${encodeURIComponent(id)}`),
  previewInvite: (token: string) => call<InvitePreview>('POST', '/api/invites/preview', { token }),
  acceptInvite: (body: { token: string; reason?: string }) =>
    call<{ status: 'member' | 'pending'; group: string }>('POST', '/api/invites/accept', body),
  answerRequest: (group: string, user: string, answer: 'approve' | 'deny') =>
    call<unknown>('POST', `${groupPath(group)}/requests/${encodeURIComponent(user)}/${answer}`, {}),
  addDevice: (group: string, body: { device: string; kind: 'browser' | 'edge' }) =>
    call<DeviceFile>('POST', `${groupPath(group)}/devices`, body),
  /** This and the next two give the list of removed members and changed teams as the authority signed it, base64url. */
  removeMember: (group: string, user: string) =>
    call<{ list: string }>('DELETE', `${groupPath(group)}/members/${encodeURIComponent(user)}`),
  removeDevice: (group: string, peerId: string) =>
    call<{ list: string }>('DELETE', `${groupPath(group)}/devices/${peerId}`),
  setTeams: (group: string, user: string, teams: readonly string[]) =>
    call<{ teams: readonly string[]; list: string }>(
      'PUT',
      `${groupPath(group)}/members/${encodeURIComponent(user)}/teams`,
      { teams },
    ),
  setRights: (group: string, peerId: string, rights: readonly Right[]) =>
    call<unknown>('PUT', `${groupPath(group)}/devices/${peerId}/rights`, { rights }),
};

function groupPath(group: string): string {
  return `/api/groups/${encodeURIComponent(group)}`;
}

async function call<Answer>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Answer> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { 'x-warren': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  }).catch(() => {
    throw unreachableSite();
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as Answer;
  const error = (answer as { error?: { code?: string; message?: string; hint?: string } } | undefined)?.error;
  // A proxy in front of a dead site answers for it, without our form.
  if (error?.message === undefined && response.status >= 500) throw unreachableSite();
  throw new SiteError(
    response.status,
    error?.code ?? `http-${response.status}`,
    error?.message ?? `The site answered with error ${response.status}`,
    error?.hint,
  );
}

function unreachableSite(): SiteError {
  return new SiteError(
    0,
    'site-unreachable',
    'The group site does not answer.',
    'Check your connection. The page tries again by itself.',
  );
}

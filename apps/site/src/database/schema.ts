/**
 * The tables as Kysely sees them, column by column as in `migrations/`.
 * Times are Unix milliseconds, truth values 0 or 1, hashes 32 bytes.
 */
import type { PostQuantumPolicy } from '@warren/group';
import type { Generated, Kysely } from 'kysely';

/** The database, or a transaction on it. Inside a transaction use only the transaction: there is one connection. */
export type Database = Kysely<Tables>;

export interface Tables {
  settings: { key: string; value: Uint8Array };
  setup_tokens: { token_hash: Uint8Array; made_at: number };
  users: { name: string; display_name: string; password_hash: string; site_admin: number; created_at: number };
  sessions: { token_hash: Uint8Array; user: string; expires_at: number };
  groups: GroupRow;
  members: {
    group_id: string;
    user: string;
    role: 'admin' | 'member';
    joined_at: number;
    /** With blanks between. */
    teams: Generated<string>;
    teams_since: Generated<number>;
  };
  invites: InviteRow;
  invite_uses: { invite_id: string; user: string };
  requests: {
    group_id: string;
    user: string;
    reason: string;
    state: 'pending' | 'denied';
    invite_id: string;
    at: number;
  };
  devices: DeviceRow;
  certificates: {
    tbs_hash: Uint8Array;
    group_id: string;
    peer_id: string;
    spki: Uint8Array;
    issued_at: number;
    expires_at: number;
    via: 'enrol' | 'renew';
  };
  removals: {
    group_id: string;
    user: string;
    /** 40 hex digits, or empty for all devices of the user. */
    peer_id: string;
    dead_before: number;
    removed_at: number;
    removed_by: string;
  };
  activity: { at: number; group_id: string | null; actor: string; action: string; target: string };
}

export interface GroupRow {
  /** 26 characters base32. */
  id: string;
  name: string;
  /** IPv4 network with prefix, such as `10.128.0.0/16`. */
  subnet: string;
  /** DER. */
  ca_certificate: Uint8Array;
  /** See `ca-keys.ts`. */
  ca_key_sealed: Uint8Array;
  /** 32 bytes. */
  rendezvous: Uint8Array;
  created_by: string;
  created_at: number;
  head_sequence: number;
  head_signed_at: number;
  /** 64 bytes. */
  head_signature: Uint8Array;
  /** 64 bytes over the whole list; null until it is signed. */
  list_signature: Uint8Array | null;
  post_quantum: PostQuantumPolicy;
}

export interface InviteRow {
  id: string;
  group_id: string;
  token_hash: Uint8Array;
  uses: number;
  used: number;
  auto_approve: number;
  expires_at: number;
  revoked_at: number | null;
  created_by: string;
  created_at: number;
}

export interface DeviceRow {
  /** 40 hex digits. */
  peer_id: string;
  group_id: string;
  user: string;
  name: string;
  kind: 'browser' | 'edge';
  created_at: number;
  secret_hash: Uint8Array | null;
  secret_expires_at: number;
  key_hash: Uint8Array | null;
  /** DER of the newest certificate; with `issued_at` and `expires_at` null until the device enrolled. */
  leaf: Uint8Array | null;
  issued_at: number | null;
  expires_at: number | null;
  renewed_at: number;
  /** Of `RIGHTS`, with blanks between. */
  rights: string;
}

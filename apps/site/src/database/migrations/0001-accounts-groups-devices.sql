-- Accounts, sessions, groups with their CA, invites, requests, devices, issued certificates.
-- Times are Unix milliseconds. Tokens and enrolment secrets are kept as SHA-256 only.

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setup_tokens (
  token_hash BLOB PRIMARY KEY,
  made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  name TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  site_admin INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY,
  user TEXT NOT NULL REFERENCES users (name),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user, expires_at);

CREATE TABLE groups (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  subnet TEXT NOT NULL,
  ca_certificate BLOB NOT NULL,
  ca_key_sealed BLOB NOT NULL,
  rendezvous BLOB NOT NULL,
  created_by TEXT NOT NULL REFERENCES users (name),
  created_at INTEGER NOT NULL,
  head_sequence INTEGER NOT NULL,
  head_signed_at INTEGER NOT NULL,
  head_signature BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
  group_id TEXT NOT NULL REFERENCES groups (id),
  user TEXT NOT NULL REFERENCES users (name),
  role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (group_id, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user);

CREATE TABLE invites (
  id TEXT PRIMARY KEY,
  group_id TEXT NOT NULL REFERENCES groups (id),
  token_hash BLOB NOT NULL UNIQUE,
  uses INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0 CHECK (used <= uses),
  auto_approve INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  created_by TEXT NOT NULL REFERENCES users (name),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_by_group ON invites (group_id);

-- Who took one of an invite's uses: signing up and accepting count once together.
CREATE TABLE invite_uses (
  invite_id TEXT NOT NULL REFERENCES invites (id),
  user TEXT NOT NULL REFERENCES users (name),
  PRIMARY KEY (invite_id, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
  group_id TEXT NOT NULL REFERENCES groups (id),
  user TEXT NOT NULL REFERENCES users (name),
  reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'denied')),
  invite_id TEXT NOT NULL REFERENCES invites (id),
  at INTEGER NOT NULL,
  PRIMARY KEY (group_id, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
  peer_id TEXT PRIMARY KEY,
  group_id TEXT NOT NULL REFERENCES groups (id),
  user TEXT NOT NULL REFERENCES users (name),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('browser', 'edge')),
  created_at INTEGER NOT NULL,
  secret_hash BLOB UNIQUE,
  secret_expires_at INTEGER NOT NULL,
  -- SHA-256 of the SubjectPublicKeyInfo; set by the first enrolment and never changed.
  key_hash BLOB,
  leaf BLOB,
  issued_at INTEGER,
  expires_at INTEGER,
  -- The newest renewal request, so that it cannot be replayed.
  renewed_at INTEGER NOT NULL DEFAULT 0,
  UNIQUE (group_id, user, name)
) STRICT, WITHOUT ROWID;

-- The issue log: rows are only ever added.
CREATE TABLE certificates (
  tbs_hash BLOB PRIMARY KEY,
  group_id TEXT NOT NULL REFERENCES groups (id),
  peer_id TEXT NOT NULL REFERENCES devices (peer_id),
  spki BLOB NOT NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  via TEXT NOT NULL CHECK (via IN ('enrol', 'renew'))
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_by_peer ON certificates (peer_id, issued_at);
CREATE TRIGGER certificates_stay BEFORE DELETE ON certificates BEGIN SELECT raise(ABORT, 'the issue log only grows'); END;
CREATE TRIGGER certificates_keep BEFORE UPDATE ON certificates BEGIN SELECT raise(ABORT, 'the issue log only grows'); END;

-- Who decided what; rows are only ever added.
CREATE TABLE activity (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  group_id TEXT,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL
) STRICT;

-- Removed members and devices with the signature over the list of them; what a device may do for others.

-- 64 bytes over the whole list; null in groups of an older version until their list is signed again.
ALTER TABLE groups ADD COLUMN list_signature BLOB;

-- Certificates of a user, or of one device (peer_id, else ''), that begin before `dead_before` are dead.
CREATE TABLE removals (
  group_id TEXT NOT NULL REFERENCES groups (id),
  user TEXT NOT NULL REFERENCES users (name),
  peer_id TEXT NOT NULL,
  dead_before INTEGER NOT NULL,
  removed_at INTEGER NOT NULL,
  removed_by TEXT NOT NULL REFERENCES users (name),
  PRIMARY KEY (group_id, user, peer_id)
) STRICT, WITHOUT ROWID;

-- Names with blanks between; the next certificate carries them.
ALTER TABLE devices ADD COLUMN rights TEXT NOT NULL DEFAULT 'relay';

-- What a group asks of the keys of its sessions.

ALTER TABLE groups ADD COLUMN post_quantum TEXT NOT NULL DEFAULT 'on' CHECK (post_quantum IN ('off', 'on', 'required'));

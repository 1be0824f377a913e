-- Labels of members, which others' rules go by.

-- Names with blanks between; certificates carry them.
ALTER TABLE members ADD COLUMN teams TEXT NOT NULL DEFAULT '';
-- Certificates of the member that begin before then say nothing of teams: they were changed. 0 while none was issued.
ALTER TABLE members ADD COLUMN teams_since INTEGER NOT NULL DEFAULT 0;

-- What happened to files: one row for each move into a rest or out of one, for each
-- cancel, and for each new reason to wait. The middle of a life without trouble is in
-- attempts and parts.
CREATE TABLE events (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    entry_id INTEGER,                   -- NULL is of a folder, or of all of them
    folder   TEXT NOT NULL DEFAULT '',  -- of what is about no entry; '' is all folders
    kind     TEXT NOT NULL,             -- the status that the entry has from then on, or what happened to the folder
    was      TEXT NOT NULL DEFAULT '',  -- the status that the entry had; the same as kind where it stays and waits
    class    TEXT NOT NULL DEFAULT '',
    message  TEXT NOT NULL DEFAULT '',
    hint     TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX events_entry ON events (entry_id) WHERE entry_id IS NOT NULL;

-- Who reads the events in their order, and how far each has come.
CREATE TABLE followers (
    name  TEXT NOT NULL PRIMARY KEY,
    event INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When what was created was recorded; 0 is not known.
ALTER TABLE attempts ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;

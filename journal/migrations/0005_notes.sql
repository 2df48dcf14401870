-- The notes that are left beside files that are held, or failed and stay, in folders that
-- tell people so.

-- What the notes of the folder are made with besides what the journal knows; '' is none.
ALTER TABLE folders ADD COLUMN tell TEXT NOT NULL DEFAULT '';

-- One row for each entry of which something is told, or was.
CREATE TABLE notes (
    entry_id INTEGER NOT NULL PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    path     BLOB NOT NULL DEFAULT x'',   -- where the note was written; x'' where there is none
    told     BLOB NOT NULL DEFAULT x'',   -- a hash of the reason that it gives; x'' where none was ever written
    version  INTEGER NOT NULL DEFAULT 1,  -- goes up with each change of the entry that concerns the note
    due      INTEGER,                     -- when the note is to be looked at; NULL where it is as it should be
    tries    INTEGER NOT NULL DEFAULT 0,  -- how often that did not succeed
    message  TEXT NOT NULL DEFAULT ''     -- why it did not the last time
) STRICT;

CREATE INDEX notes_due ON notes (due) WHERE due IS NOT NULL;
CREATE INDEX notes_path ON notes (path) WHERE path <> x'';
CREATE INDEX notes_message ON notes (entry_id) WHERE message <> '';

-- Whoever moves an entry, in whatever way: the note is due with the same commit.
CREATE TRIGGER entries_notes AFTER UPDATE OF status, path, message ON entries
WHEN new.kind = '' AND (new.status IN ('held', 'failed') OR old.status IN ('held', 'failed'))
    AND (new.status <> old.status OR new.path <> old.path OR new.message <> old.message)
BEGIN
    INSERT INTO notes (entry_id, due)
        SELECT new.id, 0 FROM folders WHERE name = new.folder AND tell <> ''
        ON CONFLICT (entry_id) DO NOTHING;
    UPDATE notes SET due = 0, tries = 0, version = version + 1 WHERE entry_id = new.id;
END;

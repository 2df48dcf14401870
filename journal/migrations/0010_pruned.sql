-- What was forgotten of a folder: how many entries were pruned, which are in no other
-- count. Of those that have an asset enough stays to know it again: its ids, and what it
-- holds, by the SHA-256 or, where that was never asked for, the MD5 of its only part.
ALTER TABLE folders ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;

CREATE TABLE pruned (
    id        INTEGER PRIMARY KEY, -- the entry's
    folder    TEXT NOT NULL,
    path      BLOB NOT NULL,
    size      INTEGER NOT NULL,
    sha256    BLOB,
    md5       BLOB,
    object_id TEXT NOT NULL,
    file_id   TEXT NOT NULL,
    current   INTEGER NOT NULL -- filed, and not replaced
) STRICT;

CREATE INDEX pruned_content ON pruned (size, sha256) WHERE current = 1;
CREATE INDEX pruned_object ON pruned (object_id);
CREATE INDEX pruned_path ON pruned (folder, path);

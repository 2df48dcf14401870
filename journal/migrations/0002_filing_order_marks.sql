-- A file that was moved or deleted after it was ingested: the hidden name beside
-- it that it gets first, and where it ends. Both are stored before anything is
-- done. An aside without a moved_to is a file that was, or is to be, deleted.
ALTER TABLE entries ADD COLUMN aside    BLOB NOT NULL DEFAULT x'';
ALTER TABLE entries ADD COLUMN moved_to BLOB NOT NULL DEFAULT x'';

-- What the order of the queue is by, as its folder wants it; see order.go.
ALTER TABLE entries ADD COLUMN sort_key BLOB NOT NULL DEFAULT x'';

-- A scan asks for the marks of a whole directory at once: place is a hash of
-- folder and directory, mark one of the path and everything that hints at its
-- content. Only the generation that describes its path has a mark; see mark.go.
ALTER TABLE entries ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entries ADD COLUMN mark  INTEGER;

CREATE INDEX entries_mark ON entries (place, mark) WHERE mark IS NOT NULL;

-- The queue of one folder: in its order what was never deferred, by time what
-- was. The sizes are there to be added up.
CREATE INDEX entries_next ON entries (folder, sort_key, id, size)
    WHERE status IN ('settled', 'mapped') AND not_before = 0;
CREATE INDEX entries_deferred ON entries (folder, not_before, id, size)
    WHERE status IN ('settled', 'mapped') AND not_before > 0;

-- Which paths held the same file, for renames.
CREATE INDEX entries_inode ON entries (ino, size);

-- More of what only the watcher knows.
ALTER TABLE folders ADD COLUMN polled    INTEGER NOT NULL DEFAULT 0; -- directories that are polled for want of watches
ALTER TABLE folders ADD COLUMN open      INTEGER NOT NULL DEFAULT 0; -- of settling: a writer has the file open
ALTER TABLE folders ADD COLUMN waiting   INTEGER NOT NULL DEFAULT 0; -- files whose sentinel is not there
ALTER TABLE folders ADD COLUMN last_scan INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN sort      TEXT NOT NULL DEFAULT '';   -- the order that its sort keys are of

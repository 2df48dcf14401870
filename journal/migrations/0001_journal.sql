-- The journal: what became of every file, and what is still to be done.
--
-- Times are INTEGER: unix milliseconds, but for mod_time and change_time, which
-- are unix nanoseconds as the file system gave them. 0 or NULL is "none".
-- Paths are BLOB: the bytes of the name, for file names need not be UTF-8.
-- Truth values are INTEGER, 0 or 1. Ids are AUTOINCREMENT so that an id an
-- operator has seen never names something else later.

PRAGMA application_id = 0x696e676a; -- "ingj"

-- The drop folders: what their configuration was when it was last looked at, and
-- what only the watcher knows, as gauges.
CREATE TABLE folders (
    name       TEXT NOT NULL PRIMARY KEY,
    path       TEXT NOT NULL DEFAULT '',
    seen       INTEGER NOT NULL DEFAULT 0,  -- entries ever admitted, counted apart from the entries
    pruned     INTEGER NOT NULL DEFAULT 0,  -- entries that were forgotten; they are in no other count
    sort       TEXT NOT NULL DEFAULT '',    -- the order that the sort keys of its work are of
    rules      TEXT NOT NULL DEFAULT '',    -- what its rules were when its files were last held against them
    batch      INTEGER NOT NULL DEFAULT 0,  -- its files are created drop by drop
    watch      TEXT NOT NULL DEFAULT '',    -- how it is watched
    paused     TEXT NOT NULL DEFAULT '',    -- why it is not; '' while it is
    settling   INTEGER NOT NULL DEFAULT 0,  -- files seen but not stable yet
    open       INTEGER NOT NULL DEFAULT 0,  -- of these, files that a writer has open
    arriving   INTEGER NOT NULL DEFAULT 0,  -- of these, files beside which a transfer is under way
    beside     TEXT NOT NULL DEFAULT '',    -- the first of these transfers
    empty      INTEGER NOT NULL DEFAULT 0,  -- of settling, empty files that wait for their content
    empty_file TEXT NOT NULL DEFAULT '',    -- the first of these
    waiting    INTEGER NOT NULL DEFAULT 0,  -- files whose sentinel is not there
    polled     INTEGER NOT NULL DEFAULT 0,  -- directories that are polled for want of watches
    unreadable INTEGER NOT NULL DEFAULT 0,  -- what the latest scan could not read
    unread     TEXT NOT NULL DEFAULT '',    -- the first of that, with the reason
    last_scan  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- An entry is one generation of one path: what was found there at one time.
CREATE TABLE entries (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    folder           TEXT NOT NULL REFERENCES folders (name),
    path             BLOB NOT NULL,
    generation       INTEGER NOT NULL,               -- 1 is the first content of the path
    kind             TEXT NOT NULL DEFAULT '',       -- 'federated' or 'placeholder' without a file; '' is a file
    status           TEXT NOT NULL,                  -- see status.go; Journal.Advance alone changes it
    rests            INTEGER NOT NULL DEFAULT 0,     -- the status is one to stay in: the entry has no row of work
    since            INTEGER NOT NULL,               -- when it came to its status
    updated          INTEGER NOT NULL,               -- when its status or reason was last set
    outcome          TEXT NOT NULL DEFAULT '',       -- of cancelling: the status that follows
    class            TEXT NOT NULL DEFAULT '',       -- why it is in its status: for the program,
    message          TEXT NOT NULL DEFAULT '',       -- for the operator,
    hint             TEXT NOT NULL DEFAULT '',       -- and what the operator can do
    tries            INTEGER NOT NULL DEFAULT 0,     -- how often it was deferred in its status
    failures         INTEGER NOT NULL DEFAULT 0,     -- counted against the file
    expiries         INTEGER NOT NULL DEFAULT 0,     -- attempts whose URLs died
    as_new           INTEGER NOT NULL DEFAULT 0,     -- an operator wants an asset of its own, not a version
    size             INTEGER NOT NULL,               -- what the path held: bytes,
    mod_time         INTEGER NOT NULL,
    change_time      INTEGER NOT NULL,
    dev              INTEGER NOT NULL,               -- and the 64 bits of two unsigned numbers
    ino              INTEGER NOT NULL,
    sha256           BLOB,                           -- NULL until it is known
    place            INTEGER NOT NULL,               -- a hash of folder and directory; see mark.go
    mark             INTEGER,                        -- a hash of path and hint; NULL where they no longer describe the path
    filename         TEXT NOT NULL DEFAULT '',       -- of the asset; '' until it is known
    mapped_at        INTEGER NOT NULL DEFAULT 0,     -- what a companion told before that is in the asset
    batch            BLOB,                           -- the drop that it is created with: a top directory, x'' for the folder; NULL is none
    replaced         INTEGER NOT NULL DEFAULT 0,     -- filed, as is a later generation of the path; see content.go
    object_id        TEXT NOT NULL DEFAULT '',       -- of its asset, as the next two
    file_id          TEXT NOT NULL DEFAULT '',
    original_file_id TEXT NOT NULL DEFAULT '',
    aside            BLOB NOT NULL DEFAULT x'',      -- the hidden name that its file gets before it is moved or deleted; x'' where it stays
    moved_to         BLOB NOT NULL DEFAULT x'',      -- its place in the end; x'' with an aside is a file that is deleted
    seen_at          INTEGER NOT NULL,               -- when it was admitted
    asset            TEXT NOT NULL DEFAULT '',       -- JSON of the asset to create; last, because it is the widest

    UNIQUE (folder, path, generation)
) STRICT;

-- Counts, and lists by status. What does not rest is counted in the table work: its
-- status changes too often to be in an index.
CREATE INDEX entries_status ON entries (status, folder) WHERE rests = 1;

-- Which directories hold what is known; a scan asks for the marks of a whole one.
CREATE INDEX entries_mark ON entries (place, mark) WHERE mark IS NOT NULL;

-- Which paths held the same file, for renames.
CREATE INDEX entries_inode ON entries (ino, size);

-- Which assets are known, those that were adopted included.
CREATE INDEX entries_object ON entries (object_id) WHERE object_id <> '';

-- What Tenovos has of a size. Nothing that rests otherwise, has other content or is
-- replaced may be read by who looks for a copy, however much of it there is.
CREATE INDEX entries_content ON entries (size, sha256) WHERE status = 'filed' AND replaced = 0;

-- Which assets have a filename, for versions by filename.
CREATE INDEX entries_filename ON entries (filename, status, id)
    WHERE filename <> '' AND rests = 1 AND status IN ('held', 'filed');

-- Never two creates of one file name at once: their lost replies could not be told apart.
CREATE UNIQUE INDEX entries_creating ON entries (filename) WHERE status = 'creating';

-- The members of drops that were not released; see batch.go.
CREATE INDEX entries_batch ON entries (folder, batch, status, seen_at, mod_time)
    WHERE batch IS NOT NULL AND status IN ('settled', 'mapped', 'held', 'failed');

-- The queue: one row for each entry that does not rest, and none for the others, so
-- that what is done to it costs the same however many files were ever seen. lane and
-- not_before are here alone; the rest is copied from the entry for the indexes.
CREATE TABLE work (
    entry_id   INTEGER NOT NULL PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    lane       INTEGER NOT NULL,  -- 0: it waits for its turn; 1: the same, and was deferred; 2: it was begun
    not_before INTEGER NOT NULL DEFAULT 0,
    folder     TEXT NOT NULL,
    status     TEXT NOT NULL,
    sort_key   BLOB NOT NULL,     -- its place in the order of its folder; see order.go
    size       INTEGER NOT NULL,
    sha256     BLOB,
    filename   TEXT NOT NULL
) STRICT;

-- What was begun comes first, whatever its folder: its URLs are dying.
CREATE INDEX work_due ON work (lane, not_before, entry_id);

-- The turns of a folder: in its order what was never deferred, by time what was.
CREATE INDEX work_order ON work (folder, lane, not_before, sort_key, entry_id);

-- Who could come to hold the same content, or the same filename.
CREATE INDEX work_size ON work (size, entry_id);
CREATE INDEX work_content ON work (size, lane, sha256, entry_id);
CREATE INDEX work_filename ON work (filename, entry_id) WHERE filename <> '';

-- An attempt is one creation of an asset and the upload into it.
CREATE TABLE attempts (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id         INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    number           INTEGER NOT NULL,           -- 1 is the first of its entry
    intent_at        INTEGER NOT NULL,           -- when the intent to create was stored
    object_id        TEXT NOT NULL DEFAULT '',   -- '' until it is created, as the next two
    file_id          TEXT NOT NULL DEFAULT '',
    original_file_id TEXT NOT NULL DEFAULT '',
    upload_id        TEXT NOT NULL DEFAULT '',   -- '' is a single PUT
    expires          INTEGER NOT NULL DEFAULT 0, -- when the first of its URLs dies
    part_size        INTEGER NOT NULL DEFAULT 0, -- bytes
    completing_at    INTEGER,                    -- when the intent to complete was stored
    unconfirmed      INTEGER NOT NULL DEFAULT 0, -- handed over, but nobody answered for it
    ended_at         INTEGER,

    UNIQUE (entry_id, number)
) STRICT;

CREATE INDEX attempts_object ON attempts (object_id) WHERE object_id <> '';
CREATE INDEX attempts_file ON attempts (file_id) WHERE file_id <> '';

-- A part is one range of the file.
CREATE TABLE parts (
    attempt_id INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    "offset"   INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    url        BLOB,                       -- a secret: a BLOB so that no tool shows it as text, NULL once the attempt has ended
    etag       TEXT NOT NULL DEFAULT '',   -- as the store gave it
    md5        BLOB,                       -- of what was sent
    comparable INTEGER NOT NULL DEFAULT 0, -- it is proved that these bytes are stored
    done_at    INTEGER,                    -- when it was stored; NULL until then

    PRIMARY KEY (attempt_id, number)
) STRICT, WITHOUT ROWID;

-- Clean-up work that outlives the status of its entry.
CREATE TABLE chores (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id   INTEGER NOT NULL REFERENCES entries (id),
    kind       TEXT NOT NULL,              -- see chores.go
    object_id  TEXT NOT NULL DEFAULT '',
    file_id    TEXT NOT NULL DEFAULT '',
    filename   TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL DEFAULT '',   -- JSON for who does it
    until      INTEGER NOT NULL DEFAULT 0, -- when to give up
    not_before INTEGER NOT NULL DEFAULT 0,
    since      INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0, -- how often it was deferred
    message    TEXT NOT NULL DEFAULT ''    -- why it was deferred last
) STRICT;

CREATE INDEX chores_due ON chores (not_before, id);
CREATE INDEX chores_entry ON chores (entry_id);

-- What operators ask of the owner of the journal.
CREATE TABLE requests (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    args        TEXT NOT NULL DEFAULT '', -- JSON
    asked_at    INTEGER NOT NULL,
    seen_at     INTEGER,                  -- when the owner was last at it: who waits for the answer sees by it that the owner lives
    answer      TEXT NOT NULL DEFAULT '', -- JSON
    error       TEXT NOT NULL DEFAULT '',
    answered_at INTEGER
) STRICT;

CREATE INDEX requests_open ON requests (id) WHERE answered_at IS NULL;
CREATE INDEX requests_answered ON requests (answered_at) WHERE answered_at IS NOT NULL;

-- Files that speak of others: XMP and other sidecars, manifests. They are no
-- entries, because they become no assets. place and mark are as those of entries.
CREATE TABLE companions (
    folder      TEXT NOT NULL,
    path        BLOB NOT NULL,
    size        INTEGER NOT NULL,
    mod_time    INTEGER NOT NULL,
    change_time INTEGER NOT NULL,
    dev         INTEGER NOT NULL,
    ino         INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    mark        INTEGER NOT NULL,
    since       INTEGER NOT NULL,           -- when it was found like this
    due         INTEGER NOT NULL DEFAULT 1, -- what it tells is still to be acted on; 2: only its rows without files
    told        TEXT NOT NULL DEFAULT '',   -- JSON of what operators are told of it; '' is nothing
    tell        INTEGER NOT NULL DEFAULT 1, -- what there is to tell is still to be found out

    PRIMARY KEY (folder, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX companions_mark ON companions (place, mark);
CREATE INDEX companions_due ON companions (since) WHERE due > 0;
CREATE INDEX companions_told ON companions (folder, path) WHERE tell = 1 OR told <> '';

-- Metadata to be worked out again for an asset that exists, and to be sent where
-- it differs: one open edit an entry.
CREATE TABLE edits (
    entry_id   INTEGER NOT NULL PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    asked_at   INTEGER NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0,
    tries      INTEGER NOT NULL DEFAULT 0,
    message    TEXT NOT NULL DEFAULT '',  -- why it waits
    asset      TEXT NOT NULL DEFAULT '',  -- JSON of the asset as it is to be; '' until it is worked out
    changes    TEXT NOT NULL DEFAULT '',  -- JSON of what differs
    alike      BLOB,                      -- a hash of template and changes: such edits can be one
    sent_at    INTEGER                    -- when a bulk edit was sent, whose effect is not seen yet
) STRICT;

CREATE INDEX edits_due ON edits (not_before);
CREATE INDEX edits_alike ON edits (alike) WHERE alike IS NOT NULL;

-- What was forgotten of a folder and has an asset: enough to know it again.
CREATE TABLE pruned (
    id        INTEGER PRIMARY KEY, -- that of the entry
    folder    TEXT NOT NULL,
    path      BLOB NOT NULL,
    size      INTEGER NOT NULL,
    sha256    BLOB,
    md5       BLOB,                -- of its only part, where there is no sha256
    object_id TEXT NOT NULL,
    file_id   TEXT NOT NULL,
    current   INTEGER NOT NULL     -- filed, and not replaced
) STRICT;

CREATE INDEX pruned_content ON pruned (size, sha256) WHERE current = 1;
CREATE INDEX pruned_object ON pruned (object_id);
CREATE INDEX pruned_path ON pruned (folder, path);

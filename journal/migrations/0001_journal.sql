-- Times are INTEGER: unix milliseconds, but for mod_time and change_time, which
-- are unix nanoseconds as the file system gave them. 0 or NULL is "none".
-- Ids are AUTOINCREMENT so that an id an operator has seen never names
-- something else later.

PRAGMA application_id = 0x696e6764; -- "ingd"

CREATE TABLE folders (
    name     TEXT NOT NULL PRIMARY KEY,
    path     TEXT NOT NULL DEFAULT '',
    watch    TEXT NOT NULL DEFAULT '',
    paused   TEXT NOT NULL DEFAULT '',
    settling INTEGER NOT NULL DEFAULT 0,
    seen     INTEGER NOT NULL DEFAULT 0  -- entries ever admitted, counted apart from the entries
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    folder           TEXT NOT NULL REFERENCES folders (name),
    path             BLOB NOT NULL, -- the bytes of the name: file names need not be UTF-8
    generation       INTEGER NOT NULL,
    status           TEXT NOT NULL,
    size             INTEGER NOT NULL,
    mod_time         INTEGER NOT NULL,
    change_time      INTEGER NOT NULL,
    dev              INTEGER NOT NULL, -- dev and ino are the 64 bits of an unsigned number
    ino              INTEGER NOT NULL,
    sha256           BLOB,
    filename         TEXT NOT NULL DEFAULT '',
    outcome          TEXT NOT NULL DEFAULT '',
    class            TEXT NOT NULL DEFAULT '',
    message          TEXT NOT NULL DEFAULT '',
    hint             TEXT NOT NULL DEFAULT '',
    failures         INTEGER NOT NULL DEFAULT 0,
    expiries         INTEGER NOT NULL DEFAULT 0,
    as_new           INTEGER NOT NULL DEFAULT 0, -- an operator wants an asset of its own, not a version
    object_id        TEXT NOT NULL DEFAULT '',
    file_id          TEXT NOT NULL DEFAULT '',
    original_file_id TEXT NOT NULL DEFAULT '',
    not_before       INTEGER NOT NULL DEFAULT 0,
    seen_at          INTEGER NOT NULL,
    since            INTEGER NOT NULL, -- when it came to its status
    tries            INTEGER NOT NULL DEFAULT 0, -- how often it was deferred there
    updated          INTEGER NOT NULL,
    asset            TEXT NOT NULL DEFAULT '', -- JSON; last, because it is the widest

    UNIQUE (folder, path, generation)
) STRICT;

-- Counts, Unfinished and lists by status.
CREATE INDEX entries_status ON entries (status, folder);

-- The queue, in two halves: what was begun goes before what was not.
-- The lists are those of begunSQL and queuedSQL in status.go, word for word.
CREATE INDEX entries_begun ON entries (not_before, id)
    WHERE status IN ('creating', 'created', 'uploading', 'completing', 'verifying', 'verified', 'cancelling');
CREATE INDEX entries_queued ON entries (not_before, id)
    WHERE status IN ('settled', 'mapped');

-- Who could hold the same content.
CREATE INDEX entries_size ON entries (size, sha256);

-- Which assets are known, those that were adopted included.
CREATE INDEX entries_object ON entries (object_id) WHERE object_id <> '';

-- Never two creates of one file name at once: their lost replies could not be told apart.
CREATE UNIQUE INDEX entries_creating ON entries (filename) WHERE status = 'creating';

CREATE TABLE attempts (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id         INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    number           INTEGER NOT NULL,
    intent_at        INTEGER NOT NULL,
    object_id        TEXT NOT NULL DEFAULT '',
    file_id          TEXT NOT NULL DEFAULT '',
    original_file_id TEXT NOT NULL DEFAULT '',
    upload_id        TEXT NOT NULL DEFAULT '', -- '' is a single PUT
    expires          INTEGER NOT NULL DEFAULT 0,
    part_size        INTEGER NOT NULL DEFAULT 0,
    completing_at    INTEGER,                    -- when the intent to complete was stored
    unconfirmed      INTEGER NOT NULL DEFAULT 0, -- handed over, but nobody answered for it
    ended_at         INTEGER,

    UNIQUE (entry_id, number)
) STRICT;

CREATE INDEX attempts_object ON attempts (object_id) WHERE object_id <> '';
CREATE INDEX attempts_file ON attempts (file_id) WHERE file_id <> '';

CREATE TABLE parts (
    attempt_id INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    "offset"   INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    url        BLOB, -- a secret: a BLOB so that no tool shows it as text, NULL once the attempt has ended
    etag       TEXT NOT NULL DEFAULT '',
    md5        BLOB,
    comparable INTEGER NOT NULL DEFAULT 0,
    done_at    INTEGER,

    PRIMARY KEY (attempt_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE chores (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id   INTEGER NOT NULL REFERENCES entries (id),
    kind       TEXT NOT NULL,
    object_id  TEXT NOT NULL DEFAULT '',
    file_id    TEXT NOT NULL DEFAULT '',
    filename   TEXT NOT NULL DEFAULT '',
    spec       TEXT NOT NULL DEFAULT '',
    until      INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    since      INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    message    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX chores_due ON chores (not_before, id);
CREATE INDEX chores_entry ON chores (entry_id);

CREATE TABLE requests (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    args        TEXT NOT NULL DEFAULT '',
    asked_at    INTEGER NOT NULL,
    answer      TEXT NOT NULL DEFAULT '',
    error       TEXT NOT NULL DEFAULT '',
    answered_at INTEGER
) STRICT;

CREATE INDEX requests_open ON requests (id) WHERE answered_at IS NULL;
CREATE INDEX requests_answered ON requests (answered_at) WHERE answered_at IS NOT NULL;

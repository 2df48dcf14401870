-- When the asset to create was last worked out: what a companion told before
-- that is in it.
ALTER TABLE entries ADD COLUMN mapped_at INTEGER NOT NULL DEFAULT 0;

-- What an entry is that has no file: 'federated', or 'placeholder'; '' is a file.
ALTER TABLE entries ADD COLUMN kind TEXT NOT NULL DEFAULT '';

-- What the rules of a folder were when its files were last held against them.
ALTER TABLE folders ADD COLUMN rules TEXT NOT NULL DEFAULT '';

-- The drop that an entry waits to be created with: its top directory, x'' for the
-- folder itself. NULL where nothing is waited for, and once the drop was released.
-- The statuses are those of inDrop in batch.go, word for word.
ALTER TABLE folders ADD COLUMN batch INTEGER NOT NULL DEFAULT 0; -- its files wait so
ALTER TABLE entries ADD COLUMN batch BLOB;

CREATE INDEX entries_batch ON entries (folder, batch, status, seen_at, mod_time)
    WHERE batch IS NOT NULL AND status IN ('settled', 'mapped', 'held', 'failed');

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

    PRIMARY KEY (folder, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX companions_mark ON companions (place, mark);
CREATE INDEX companions_due ON companions (since) WHERE due > 0;

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

-- Who gives, or gave, an asset a filename, for versions by filename.
CREATE INDEX entries_filename ON entries (filename, status, id) WHERE filename <> '';

-- Since when an entry is in the queue: it was admitted, or was asked for again. What is
-- begun and taken back keeps its time.
ALTER TABLE work ADD COLUMN queued_at INTEGER NOT NULL DEFAULT 0;
UPDATE work SET queued_at = (SELECT since FROM entries WHERE id = entry_id);

-- Who has waited longest in a folder.
CREATE INDEX work_queued ON work (folder, queued_at) WHERE lane < 2;

-- The classes of what the folder waits for, for programs; see paused.go.
ALTER TABLE folders ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';

-- How much clean-up work is open, by kind.
CREATE INDEX chores_kind ON chores (kind);

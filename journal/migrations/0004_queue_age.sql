-- Since when an entry is in the queue: it was admitted, or was asked for again. What is
-- begun and taken back keeps its time.
ALTER TABLE work ADD COLUMN queued_at INTEGER NOT NULL DEFAULT 0;
UPDATE work SET queued_at = (SELECT since FROM entries WHERE id = entry_id);

-- How much is queued, and since when: an index that covers the question, for it is asked
-- again and again while a page is open. What was begun is little, and in no such index: its
-- status changes too often.
CREATE INDEX work_status ON work (status, folder, queued_at, lane) WHERE lane < 2;

-- The classes of what the folder waits for, for programs; see paused.go.
ALTER TABLE folders ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';

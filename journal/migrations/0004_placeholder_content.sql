-- The attempt of a placeholder keeps its URL when it ends, as its only part: a file
-- that comes later can still become the content of its asset.
ALTER TABLE attempts ADD COLUMN vacant INTEGER NOT NULL DEFAULT 0;

-- The attempt of such a file: its asset was there before, and outlives a cancel.
ALTER TABLE attempts ADD COLUMN fills INTEGER NOT NULL DEFAULT 0;

CREATE INDEX attempts_vacant ON attempts (expires) WHERE vacant = 1;

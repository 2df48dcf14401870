-- The attempt of a placeholder keeps its URL when it ends, as its only part: a file
-- that comes later can still become the content of its asset.
ALTER TABLE attempts ADD COLUMN vacant INTEGER NOT NULL DEFAULT 0;

-- The placeholder, an entry, into whose asset the attempt of such a file puts it; 0
-- where the attempt makes an asset of its own.
ALTER TABLE attempts ADD COLUMN fills INTEGER NOT NULL DEFAULT 0;

CREATE INDEX attempts_vacant ON attempts (expires) WHERE vacant = 1;

-- What is told of a companion that speaks of files which are not there: JSON, '' for
-- nothing; and whether that is still to be found out.
ALTER TABLE companions ADD COLUMN told TEXT NOT NULL DEFAULT '';
ALTER TABLE companions ADD COLUMN tell INTEGER NOT NULL DEFAULT 1;

-- The condition is that of untold in told.go, word for word.
CREATE INDEX companions_told ON companions (folder, path) WHERE tell = 1 OR told <> '';

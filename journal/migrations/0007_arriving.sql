-- What files wait for that held still: a transfer under way beside them, or their
-- content. How many there are, and the first.
ALTER TABLE folders ADD COLUMN arriving INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN beside TEXT NOT NULL DEFAULT '';
ALTER TABLE folders ADD COLUMN empty INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN empty_file TEXT NOT NULL DEFAULT '';

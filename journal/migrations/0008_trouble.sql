-- What keeps a follower from going on, for status: who it is, why, and since when.
ALTER TABLE followers ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE followers ADD COLUMN trouble TEXT NOT NULL DEFAULT '';
ALTER TABLE followers ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

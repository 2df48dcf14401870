-- What the latest scan of a folder could not read: how much, and the first of it with
-- the reason.
ALTER TABLE folders ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN unread TEXT NOT NULL DEFAULT '';

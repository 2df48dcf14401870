-- What a folder waits for outside of its hours, in words; '' within them.
ALTER TABLE folders ADD COLUMN hours TEXT NOT NULL DEFAULT '';

-- What happened to folders, the last of it first.
CREATE INDEX events_folder ON events (folder, kind, id) WHERE entry_id IS NULL;

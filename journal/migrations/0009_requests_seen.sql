-- When the owner of the journal was last at a request that it has not answered:
-- whoever waits for the answer sees by it that the owner lives. NULL is never.
ALTER TABLE requests ADD COLUMN seen_at INTEGER;

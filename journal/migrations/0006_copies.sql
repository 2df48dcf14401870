-- Filed, and a later generation of the path is filed, too: what the entry holds is
-- no longer what Tenovos has of its path. Of the filed generations of a path only the
-- last is not replaced, so that one step down from a change is enough; no generation
-- ever passes another one that is filed.
ALTER TABLE entries ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;

UPDATE entries SET replaced = 1 WHERE status = 'filed' AND EXISTS (SELECT 1 FROM entries n
    WHERE n.folder = entries.folder AND n.path = entries.path AND n.generation > entries.generation AND n.status = 'filed');

CREATE TRIGGER entries_replaced AFTER UPDATE OF status, path ON entries WHEN 'filed' IN (OLD.status, NEW.status) BEGIN
    UPDATE entries SET replaced = status = 'filed' AND EXISTS (SELECT 1 FROM entries n
        WHERE n.folder = entries.folder AND n.path = entries.path AND n.generation > entries.generation AND n.status = 'filed')
    WHERE id IN (NEW.id, (SELECT id FROM entries o WHERE o.folder = NEW.folder AND o.path = NEW.path
        AND o.generation < NEW.generation AND o.status = 'filed' ORDER BY o.generation DESC LIMIT 1));
END;

-- Who could hold the same content: of a size, many may be queued after the one that
-- asks, rest, have another hash or be replaced, and none of those may be read.
DROP INDEX entries_size;
CREATE INDEX entries_content ON entries (size, status, sha256) WHERE replaced = 0;
CREATE INDEX entries_waiting ON entries (size, id)
    WHERE status IN ('settled', 'mapped');

package journal

import (
	"context"
)

// strangerSQL tells whether an object of Tenovos is known to the journal from anything
// but an earlier generation of an entry's path that is filed: ?1 is the object's id, ?2
// the entry's. A path whose earlier content is restored has that version again. What was
// pruned of an entry is known like the entry.
const strangerSQL = `EXISTS (SELECT 1 FROM entries o, entries e WHERE e.id = ?2 AND o.object_id = ?1 AND o.object_id <> '' AND o.id <> e.id AND NOT ` + earlierSQL + `)
	OR EXISTS (SELECT 1 FROM attempts a, entries o, entries e WHERE e.id = ?2 AND o.id = a.entry_id AND a.object_id = ?1 AND a.object_id <> ''
		AND NOT (` + earlierSQL + ` AND o.object_id = ?1))
	OR EXISTS (SELECT 1 FROM pruned p, entries e WHERE e.id = ?2 AND p.object_id = ?1 AND NOT (p.folder = e.folder AND p.path = e.path))
	OR EXISTS (SELECT 1 FROM chores c WHERE c.object_id = ?1)`

const earlierSQL = `(o.folder = e.folder AND o.path = e.path AND o.generation < e.generation AND o.status = {filed})`

// Adoptable reports whether an entry may take over an object that the account holds:
// nothing in the journal is about it, or only an earlier generation of the entry's path.
func (r *Reader) Adoptable(ctx context.Context, entry int64, objectID string) (bool, error) {
	var taken bool
	err := r.ask(ctx, "look whether an asset is free to be adopted", func(tx *session) error {
		return tx.row(ctx, `SELECT `+strangerSQL, objectID, entry).Scan(&taken)
	})
	return objectID != "" && !taken, err
}

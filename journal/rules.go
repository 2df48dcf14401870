package journal

import (
	"context"
	"slices"
)

// forRulesSQL selects entries e whose status is owed to the rules of their folder,
// and that describe their path. A file that failed and was moved away, or is to
// be, is left where its error text says: it waits to be retried. The unary + keeps
// SQLite from going through all entries in a status where their ids are given.
const forRulesSQL = `(+status IN ({held}, {failed}) AND class = '` + ClassMetadata + `' OR +status = {ignored} AND class = '` + ClassNoRule + `')
	AND aside = x'' AND NOT EXISTS (SELECT 1 FROM entries l
		WHERE l.folder = e.folder AND l.path = e.path AND l.generation > e.generation)`

// releaseChunk is how many entries go back in one transaction: others write in
// between, and what is done stays done.
const releaseChunk = 5000

const (
	heldByRules = `SELECT id FROM entries e {using entries_status}
		WHERE rests = 1 AND status IN ({held}, {failed}, {ignored}) AND folder = ? AND ` + forRulesSQL + ` ORDER BY id`

	tellReleased   = leaving + `id IN {list ?} AND ` + forRulesSQL
	releaseByRules = `UPDATE entries AS e SET status = {settled}, rests = 0, class = '', message = '', hint = '',
			since = ?, updated = ?, tries = 0, failures = 0, expiries = 0, moved_to = x'',
			object_id = '', file_id = '', original_file_id = ''
		WHERE id IN {list ?} AND ` + forRulesSQL + ` RETURNING id`
)

// SetRules tells the journal what the rules of a folder are: sum is any text
// that differs when they differ. Where it is another one than before, each entry
// that rests for what the rules said, which ClassMetadata and ClassNoRule tell,
// goes back to settled as by Advance with ResetCounts, but that what AsNew was
// asked for stays so. It returns how many do, also beside an error: the sum is
// stored last, so that the next call does what is left. The first sum of a folder
// is only stored.
//
// A file that failed and is just being moved away stays failed.
func (fs Folders) SetRules(ctx context.Context, folder, sum string) (released int, err error) {
	op := "release what the rules of folder " + folder + " held back"
	var known string
	var held []int64
	err = fs.j.reader.read(ctx, op, func(tx *session) error {
		err := tx.row(ctx, `SELECT coalesce((SELECT rules FROM folders WHERE name = ?), '')`, folder).Scan(&known)
		if err != nil || known == sum || known == "" {
			return err
		}
		held, err = idsOf(ctx, tx, heldByRules, folder)
		return err
	})
	if err != nil || known == sum {
		return 0, err
	}
	for some := range slices.Chunk(held, releaseChunk) {
		err := fs.j.write(ctx, op, func(tx *session) error {
			now := fs.j.now()
			if _, err := tx.exec(ctx, tellReleased, now, Settled, "the rules are others", list(some)); err != nil {
				return err
			}
			again, err := idsOf(ctx, tx, releaseByRules, now, now, list(some))
			released += len(again)
			if err != nil {
				return err
			}
			return enqueueAll(ctx, tx, again)
		}, AboutEntries, AboutEvents, AboutNotes)
		if err != nil {
			return released, err
		}
	}
	return released, fs.j.write(ctx, op, func(tx *session) error {
		_, err := tx.exec(ctx, `INSERT INTO folders (name, rules) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET rules = excluded.rules`, folder, sum)
		return err
	})
}

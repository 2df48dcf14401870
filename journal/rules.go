package journal

import (
	"context"
	"database/sql"
)

// forRulesSQL selects entries whose status is owed to the rules of their folder,
// and that describe their path. A file that failed and was moved away, or is to
// be, is left where its error text says: it waits to be retried.
const forRulesSQL = `folder = ? AND (status IN ('held', 'failed') AND class = '` + ClassMetadata + `' OR status = 'ignored' AND class = '` + ClassNoRule + `')
	AND aside = x'' AND NOT EXISTS (SELECT 1 FROM entries l
		WHERE l.folder = e.folder AND l.path = e.path AND l.generation > e.generation)`

// ReleaseHeld tells the journal what the rules of a folder are: sum is any text
// that differs when they differ. Where it is another one than before, each entry
// that rests for what the rules said, which ClassMetadata and ClassNoRule tell,
// goes back to settled as by Advance with ResetCounts, but that what AsNew was
// asked for stays so. It returns how many do. The first sum of a folder is only
// stored.
//
// A file that failed and is just being moved away stays failed.
func (j *Journal) ReleaseHeld(ctx context.Context, folder, sum string) (int, error) {
	var released int64
	op := "release what the rules of folder " + folder + " held back"
	var known string
	err := j.reader.read(ctx, op, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT coalesce((SELECT rules FROM folders WHERE name = ?), '')`, folder).Scan(&known)
	})
	if err != nil || known == sum {
		return 0, err
	}
	err = j.write(ctx, op, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO folders (name, rules) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET rules = excluded.rules`, folder, sum)
		if err != nil || known == "" {
			return err
		}
		now := j.now()
		res, err := tx.ExecContext(ctx, `UPDATE entries AS e SET status = ?, class = '', message = '', hint = '', not_before = 0,
				since = ?, updated = ?, tries = 0, failures = 0, expiries = 0, moved_to = x'',
				object_id = '', file_id = '', original_file_id = '', sort_key = `+sortKey+`
			WHERE `+forRulesSQL, Settled, now, now, folder)
		if err != nil {
			return err
		}
		released, err = res.RowsAffected()
		return err
	})
	return int(released), err
}

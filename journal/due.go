package journal

import (
	"context"
	"database/sql"
	"time"
)

// What is due when. A loop asks only when a commit was about its work, or when the time
// has come that it was told.

// chosenChores selects the chores that Chores.Due returns for a folder, ?1, or those of none.
func chosenChores(folder string) string {
	if folder == "" {
		return `kind <> 'file' AND ?1 IS NOT NULL`
	}
	return `kind = 'file' AND EXISTS (SELECT 1 FROM entries e WHERE e.id = entry_id AND e.folder = ?1)`
}

// dueChores selects up to ?3 of them that are due at a time, ?2; nextChore asks when the next is.
func dueChores(folder string) string {
	return chosenChores(folder) + ` AND not_before <= ?2 ORDER BY not_before, id LIMIT ?3`
}

func nextChore(folder string) string {
	return `SELECT not_before FROM chores {using chores_due} WHERE ` + chosenChores(folder) + ` ORDER BY not_before, id LIMIT 1`
}

// Next returns when the chore is due that is due first, of those that Due
// returns for a folder; false if there is none.
func (c Chores) Next(ctx context.Context, folder string) (due time.Time, ok bool, err error) {
	err = c.j.reader.ask(ctx, "find the next chore due", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var notBefore int64
			err := rows.Scan(&notBefore)
			due, ok = at(notBefore), true
			return err
		}, nextChore(folder), folder)
	})
	return due, ok, err
}

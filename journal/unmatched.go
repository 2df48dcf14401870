package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Unmatched is what there is to say of a companion that speaks of files which are not
// there: rows of a manifest that no file has, or a sidecar that is nobody's. It is stored
// as JSON.
type Unmatched struct {
	Path      string         `json:"path"`      // of the companion
	Rows      int            `json:"rows"`      // of a manifest; 0 of a sidecar
	Unmatched int            `json:"unmatched"` // of these, rows without a file; 1 of a sidecar
	First     []UnmatchedRow `json:"first"`     // the first of them
	Message   string         `json:"message"`   // a sentence on it all
}

// UnmatchedRow is a row of a manifest without a file, or the file of a sidecar.
type UnmatchedRow struct {
	Line   int    `json:"line,omitempty"` // of a manifest
	Name   string `json:"name"`
	Likely string `json:"likely,omitempty"` // the one file that may be meant
}

// UnmatchedCheck is a companion whose unmatched rows are to be looked for.
type UnmatchedCheck struct {
	Path  string
	Since time.Time // of the companion as it is
	Known string    // the message that is recorded; "" for none
}

// unmatchedChecks selects what is still to be looked at, and what was recorded and may be
// over. The partial index carries the same text.
const unmatchedChecks = `SELECT path, since, told FROM companions {using companions_told} WHERE (tell = 1 OR told <> '') AND folder = ? AND path > ? ORDER BY path LIMIT ?`

// UnmatchedChecks returns up to limit companions of a folder, by path and behind after,
// that are new or changed, or of which something unmatched is recorded.
func (cs CompanionReader) UnmatchedChecks(ctx context.Context, folder, after string, limit int) ([]UnmatchedCheck, error) {
	var out []UnmatchedCheck
	err := cs.r.ask(ctx, "look for companions to check for unmatched rows", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var path []byte
			var since int64
			var text string
			if err := rows.Scan(&path, &since, &text); err != nil {
				return err
			}
			t := UnmatchedCheck{Path: string(path), Since: at(since)}
			if text != "" {
				var u Unmatched
				if err := json.Unmarshal([]byte(text), &u); err != nil {
					return fmt.Errorf("what is unmatched of %s: %w", t.Path, err)
				}
				t.Known = u.Message
			}
			out = append(out, t)
			return nil
		}, unmatchedChecks, folder, []byte(after), limit)
	})
	return out, err
}

// RecordUnmatched records what is unmatched of companions, nothing where it has no
// Message, in one transaction. One that changed meanwhile stays to be looked at.
func (cs Companions) RecordUnmatched(ctx context.Context, folder string, found map[UnmatchedCheck]Unmatched) error {
	if len(found) == 0 {
		return nil
	}
	return cs.j.write(ctx, "record what is unmatched of companions", func(tx *session) error {
		for of, u := range found {
			text := ""
			if u.Message != "" {
				b, err := json.Marshal(u)
				if err != nil {
					return err
				}
				text = string(b)
			}
			_, err := tx.exec(ctx, `UPDATE companions SET tell = 0, told = ? WHERE folder = ? AND path = ? AND since = ?`,
				text, folder, []byte(of.Path), ms(of.Since))
			if err != nil {
				return err
			}
		}
		return nil
	}, AboutNothing)
}

// Unmatched returns what is unmatched of a folder's companions, the first limit of them by
// path, and how many there are.
func (cs CompanionReader) Unmatched(ctx context.Context, folder string, limit int) (first []Unmatched, all int, err error) {
	first = []Unmatched{}
	err = cs.r.read(ctx, "read what is unmatched of companions", func(tx *session) error {
		err := tx.row(ctx, `SELECT count(*) FROM companions {using companions_told}
			WHERE (tell = 1 OR told <> '') AND told <> '' AND folder = ?`, folder).Scan(&all)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var text []byte
			if err := rows.Scan(&text); err != nil {
				return err
			}
			var u Unmatched
			err := json.Unmarshal(text, &u)
			first = append(first, u)
			return err
		}, `SELECT told FROM companions {using companions_told}
			WHERE (tell = 1 OR told <> '') AND told <> '' AND folder = ? ORDER BY path LIMIT ?`, folder, limit)
	})
	return first, all, err
}

// FoldersToCheck returns the folders with companions that UnmatchedChecks returns.
func (cs CompanionReader) FoldersToCheck(ctx context.Context) (map[string]bool, error) {
	folders := make(map[string]bool)
	err := cs.r.ask(ctx, "look for folders with companions to check for unmatched rows", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var folder string
			err := rows.Scan(&folder)
			folders[folder] = true
			return err
		}, `SELECT DISTINCT folder FROM companions {using companions_told} WHERE tell = 1 OR told <> ''`)
	})
	return folders, err
}

// CountUnchecked counts the companions of folders whose unmatched rows were not looked for
// since they came or changed.
func (cs CompanionReader) CountUnchecked(ctx context.Context, folders []string) (n int, err error) {
	err = cs.r.ask(ctx, "count companions to check for unmatched rows", func(tx *session) error {
		return tx.row(ctx, `SELECT count(*) FROM companions {using companions_told}
			WHERE (tell = 1 OR told <> '') AND tell = 1 AND folder IN {list ?}`, list(folders)).Scan(&n)
	})
	return n, err
}

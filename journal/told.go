package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Told is what is told of a companion that speaks of files which are not there: rows
// of a manifest that no file has, or a sidecar that is nobody's.
type Told struct {
	Path      string    `json:"path"`      // of the companion
	Rows      int       `json:"rows"`      // of a manifest; 0 of a sidecar
	Unmatched int       `json:"unmatched"` // of these, rows without a file; 1 of a sidecar
	First     []ToldRow `json:"first"`     // the first of them
	Message   string    `json:"message"`   // a sentence on it all
}

// ToldRow is a row of a manifest without a file, or the file of a sidecar.
type ToldRow struct {
	Line   int    `json:"line,omitempty"` // of a manifest
	Name   string `json:"name"`
	Likely string `json:"likely,omitempty"` // the one file that may be meant
}

// Telling is a companion of which is to be found out what there is to tell.
type Telling struct {
	Path  string
	Since time.Time // of the companion as it is
	Told  string    // the message that is known; "" for none
}

// untold selects what is still to be looked at, and what was told and may be over.
// The partial index carries the same text.
const untold = `SELECT path, since, told FROM companions {using companions_told} WHERE (tell = 1 OR told <> '') AND folder = ? AND path > ? ORDER BY path LIMIT ?`

// Tellings returns up to limit companions of a folder, by path and behind after, that
// are new or changed, or of which something is told.
func (r *Reader) Tellings(ctx context.Context, folder, after string, limit int) ([]Telling, error) {
	var out []Telling
	err := r.ask(ctx, "look for companions to tell of", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var path []byte
			var since int64
			var text string
			if err := rows.Scan(&path, &since, &text); err != nil {
				return err
			}
			t := Telling{Path: string(path), Since: at(since)}
			if text != "" {
				var told Told
				if err := json.Unmarshal([]byte(text), &told); err != nil {
					return fmt.Errorf("what is told of %s: %w", t.Path, err)
				}
				t.Told = told.Message
			}
			out = append(out, t)
			return nil
		}, untold, folder, []byte(after), limit)
	})
	return out, err
}

// Tell records what there is to tell of companions, nothing where it has no Message, in
// one transaction. One that changed meanwhile stays to be looked at.
func (j *Journal) Tell(ctx context.Context, folder string, told map[Telling]Told) error {
	if len(told) == 0 {
		return nil
	}
	return j.write(ctx, "record what is told of companions", func(tx *session) error {
		for of, t := range told {
			text := ""
			if t.Message != "" {
				b, err := json.Marshal(t)
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

// Told returns what is told of a folder's companions, the first limit of them by path,
// and how many there are.
func (r *Reader) Told(ctx context.Context, folder string, limit int) (first []Told, all int, err error) {
	first = []Told{}
	err = r.read(ctx, "read what is told of companions", func(tx *session) error {
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
			var t Told
			err := json.Unmarshal(text, &t)
			first = append(first, t)
			return err
		}, `SELECT told FROM companions {using companions_told}
			WHERE (tell = 1 OR told <> '') AND told <> '' AND folder = ? ORDER BY path LIMIT ?`, folder, limit)
	})
	return first, all, err
}

// ToTell returns the folders with companions that Tellings returns.
func (r *Reader) ToTell(ctx context.Context) (map[string]bool, error) {
	folders := make(map[string]bool)
	err := r.ask(ctx, "look for folders with companions to tell of", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var folder string
			err := rows.Scan(&folder)
			folders[folder] = true
			return err
		}, `SELECT DISTINCT folder FROM companions {using companions_told} WHERE tell = 1 OR told <> ''`)
	})
	return folders, err
}

// Untold counts the companions of folders of which is still to be found out what there
// is to tell.
func (r *Reader) Untold(ctx context.Context, folders []string) (n int, err error) {
	err = r.ask(ctx, "count companions to tell of", func(tx *session) error {
		return tx.row(ctx, `SELECT count(*) FROM companions {using companions_told}
			WHERE (tell = 1 OR told <> '') AND tell = 1 AND folder IN {list ?}`, list(folders)).Scan(&n)
	})
	return n, err
}

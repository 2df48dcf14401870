package journal

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Fileless is an asset to be made of a row of a manifest.
type Fileless struct {
	Path string // where the file would be
	Kind Kind
	Sign int64 // differs when the content does
}

// What companions.due says of a manifest whose rows without files are to be admitted,
// or are not for now. The latter is not counted as work.
const (
	rowsDue     = 2
	rowsRefused = 3
)

// AdmitRows records some of the rows of a manifest that become assets without
// files. A path that has, or had, a file is that file's, pruned or not; a row that is known with the
// same Sign changes nothing; another Sign is the next generation. It returns how many
// entries are new. ErrMoved if the manifest changed meanwhile, whose rows then begin
// anew.
func (cs Companions) AdmitRows(ctx context.Context, c Companion, rows []Fileless) (int, error) {
	admitted := 0
	err := cs.j.write(ctx, "admit rows of a manifest", func(tx *session) error {
		var moved bool
		err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM companions WHERE folder = ? AND path = ? AND (mark <> ? OR due <> ?))`,
			c.Folder, []byte(c.Path), markOf(c.File), rowsDue).Scan(&moved)
		if err != nil {
			return err
		}
		if moved {
			return ErrMoved
		}
		now := cs.j.now()
		kinds := make(map[string]Kind, len(rows))
		found := make([]file.File, len(rows))
		for i, r := range rows {
			found[i] = file.File{Folder: c.Folder, Path: r.Path, Stat: file.Stat{ModTime: r.Sign}}
			kinds[r.Path] = r.Kind
		}
		in := make(admission)
		err = eachLatest(ctx, tx, found, func(f file.File, l latest) error {
			if l.found && (l.kind == File || l.describes(f)) {
				return nil
			}
			if !l.found {
				var had bool
				if err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM pruned WHERE folder = ? AND path = ?)`, f.Folder, []byte(f.Path)).Scan(&had); err != nil || had {
					return err
				}
			}
			admitted++
			return in.insert(ctx, tx, f, l, kinds[f.Path], now)
		})
		if err != nil {
			return err
		}
		return in.count(ctx, tx)
	})
	if err != nil {
		return 0, err
	}
	return admitted, nil
}

// RowsAdmitted records that all rows of a manifest were admitted, or none because
// they were refused. One that changed meanwhile stays to be looked at.
func (cs Companions) RowsAdmitted(ctx context.Context, c Companion, refused bool) error {
	due := 0
	if refused {
		due = rowsRefused
	}
	return cs.j.write(ctx, "record that the rows of a manifest are admitted", func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE companions SET due = ? WHERE folder = ? AND path = ? AND mark = ? AND due = ?`,
			due, c.Folder, []byte(c.Path), markOf(c.File), rowsDue)
		return err
	}, AboutNothing)
}

// ReopenRefused has the rows of a folder's manifests looked at again that were refused:
// what is allowed may be more by now.
func (cs Companions) ReopenRefused(ctx context.Context, folder string) error {
	n, err := cs.CountRefused(ctx, []string{folder})
	if err != nil || n == 0 {
		return err
	}
	return cs.j.write(ctx, "look at refused rows of manifests again", func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE companions SET due = ? WHERE due = ? AND due > 0 AND folder = ?`, rowsDue, rowsRefused, folder)
		return err
	}, AboutRows)
}

// CountRefused counts the manifests of folders whose rows without files are refused.
func (cs CompanionReader) CountRefused(ctx context.Context, folders []string) (n int, err error) {
	err = cs.r.ask(ctx, "count refused manifests", func(tx *session) error {
		return tx.row(ctx, `SELECT count(*) FROM companions {using companions_due}
			WHERE due = ? AND due > 0 AND folder IN {list ?}`, rowsRefused, list(folders)).Scan(&n)
	})
	return n, err
}

package journal

import (
	"context"
	"database/sql"
)

// Lookup finds entries by what people know of them.
type Lookup struct{ r *Reader }

// LookupOf returns the entries of a reader as people look for them.
func LookupOf(r *Reader) Lookup { return Lookup{r} }

const (
	namedLike = `SELECT id FROM entries {using entries_filename}
		WHERE filename <> '' AND rests = 1 AND status IN ({held}, {filed}) AND filename >= ? AND filename < ?
		ORDER BY filename LIMIT ?`

	// Paths in their order, each generation by itself.
	pathsAfter = `SELECT id, folder, path FROM entries {using sqlite_autoindex_entries_1}
		WHERE (folder, path, generation) > (?, ?, ?) ORDER BY folder, path, generation`
)

// At returns the ids of all generations of each of some paths, the paths in their order.
func (l Lookup) At(ctx context.Context, paths []PathIn) (ids []int64, err error) {
	err = l.r.read(ctx, "look for paths", func(tx *session) error {
		for _, p := range paths {
			found, err := idsOf(ctx, tx, `SELECT id FROM entries WHERE folder = ? AND path = ? ORDER BY generation`, p.Folder, []byte(p.Path))
			if err != nil {
				return err
			}
			ids = append(ids, found...)
		}
		return nil
	})
	return ids, err
}

// MovedTo returns the ids of the entries whose files were moved to one of some paths. It
// looks at every entry.
func (l Lookup) MovedTo(ctx context.Context, paths []PathIn) (ids []int64, err error) {
	err = l.r.read(ctx, "look for files that were moved", func(tx *session) error {
		for _, p := range paths {
			found, err := idsOf(ctx, tx, `SELECT id FROM entries WHERE folder = ? AND moved_to = ? ORDER BY id`, p.Folder, []byte(p.Path))
			if err != nil {
				return err
			}
			ids = append(ids, found...)
		}
		return nil
	})
	return ids, err
}

// Named returns the ids of the entries of files with a name, in any directory of the
// folders, by folder, path and generation: the first of them, up to a limit. No folders
// means all of them. It looks at every path.
func (l Lookup) Named(ctx context.Context, name string, folders []string, limit int) (ids []int64, err error) {
	err = l.r.ask(ctx, "look for a file name", func(tx *session) (err error) {
		end := []byte("/" + name)
		ids, err = idsOf(ctx, tx, `SELECT id FROM entries WHERE (path = ?1 OR substr(path, -?2) = ?3) AND (?4 = 0 OR folder IN {list ?5})
			ORDER BY folder, path, generation LIMIT ?6`, []byte(name), len(end), end, len(folders), list(folders), limit)
		return err
	})
	return ids, err
}

// AnyBelow reports whether any entry lies at a path, or below.
func (l Lookup) AnyBelow(ctx context.Context, path PathIn) (some bool, err error) {
	which, args := underAny([]PathIn{path}, 0)
	err = l.r.ask(ctx, "look below a path", func(tx *session) error {
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM entries WHERE `+which+`)`, args...).Scan(&some)
	})
	return some, err
}

// Assets returns up to limit entries that rest, in Tenovos or held, and whose assets have a
// filename that begins with a text, by that name.
func (l Lookup) Assets(ctx context.Context, prefix string, limit int) (ids []int64, err error) {
	err = l.r.ask(ctx, "search a filename", func(tx *session) (err error) {
		ids, err = idsOf(ctx, tx, namedLike, prefix, prefix+"\U0010ffff", limit)
		return err
	})
	return ids, err
}

// ListedPath is an entry in the order of all paths.
type ListedPath struct {
	ID           int64
	Folder, Path string
}

// Paths calls yield with each generation of each path, in order and behind a place that
// it was called with before (the zero ListedPath is the beginning), until yield returns false.
func (l Lookup) Paths(ctx context.Context, after ListedPath, yield func(ListedPath) bool) error {
	return l.r.read(ctx, "search paths", func(tx *session) error {
		generation := 0
		if after.ID != 0 {
			var path []byte
			err := each(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&after.Folder, &path, &generation) },
				`SELECT folder, path, generation FROM entries WHERE id = ?`, after.ID)
			if err != nil {
				return err
			}
			after.Path = string(path)
		}
		return eachUntil(ctx, tx, func(rows *sql.Rows) (bool, error) {
			var p ListedPath
			var path sql.RawBytes
			if err := rows.Scan(&p.ID, &p.Folder, &path); err != nil {
				return false, err
			}
			p.Path = string(path)
			return yield(p), nil
		}, pathsAfter, after.Folder, []byte(after.Path), generation)
	})
}

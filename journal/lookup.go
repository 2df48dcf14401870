package journal

import (
	"context"
)

// Lookup finds entries by what people know of them.
type Lookup struct{ r *Reader }

// LookupOf returns the entries of a reader as people look for them.
func LookupOf(r *Reader) Lookup { return Lookup{r} }

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

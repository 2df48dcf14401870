package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// latest is what Admit needs to know of the last generation of a path.
type latest struct {
	found      bool
	id         int64
	generation int
	status     Status
	outcome    Status
	class      string
	kind       Kind
	taken      bool // its file was moved away or deleted, or is to be
	hint       file.File
}

// Admit records a batch of files in one transaction and returns how many new
// entries it made. A file that the latest generation of its path describes
// already (same size, times, device and inode) changes nothing, so that Admit
// may be told of the same file any number of times. Any other becomes the next
// generation, settled; where the latest one had nothing in Tenovos yet, it
// becomes superseded. One of which only the change time moved is dealt with as in
// Touch.
//
// A latest generation that was superseded or is about to be describes nothing:
// its file had vanished, and here it is again.
//
// A batch of known files is only read, and blocks no writer.
func (j *Journal) Admit(ctx context.Context, found []file.File) (int, error) {
	fresh, err := j.reader.Unknown(ctx, found)
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	return j.admit(ctx, fresh, false)
}

// AdmitRewritten is Admit for a file of which other bytes were read than the latest
// generation of its path holds, though only its change time tells.
func (j *Journal) AdmitRewritten(ctx context.Context, f file.File) error {
	_, err := j.admit(ctx, []file.File{f}, true)
	return err
}

func (j *Journal) admit(ctx context.Context, fresh []file.File, rewritten bool) (admitted int, err error) {
	rested := false // one may have been removed
	err = j.write(ctx, "admit files", func(tx *session) error {
		now := j.now()
		// Looked up again: another Admit may have been faster, and a path may be in
		// the batch twice.
		in := make(admission)
		err := eachLatest(ctx, tx, fresh, func(f file.File, l latest) error {
			if l.describes(f) {
				return nil
			}
			if l.touched(f) && !rewritten {
				return l.touch(ctx, tx, f, now)
			}
			admitted++
			rested = rested || l.status == Failed || l.status == Held
			return in.insert(ctx, tx, f, l, File, now)
		})
		if err != nil {
			return err
		}
		return in.count(ctx, tx)
	})
	if err != nil {
		return 0, err
	}
	if rested { // its asset is to be removed, or its note
		j.news.tell(AboutChores | AboutNotes)
	}
	return admitted, nil
}

// admission is what one transaction admits, by folder.
type admission map[string]*admitting

// admitting is a folder whose files are admitted.
type admitting struct {
	by    Order // of its queue
	drops bool  // its files are created drop by drop
	seen  int   // files that are admitted now
}

// folder returns the folder of a file, which may be a new one.
func (a admission) folder(ctx context.Context, tx *session, name string) (*admitting, error) {
	if f, ok := a[name]; ok {
		return f, nil
	}
	f := &admitting{}
	err := tx.row(ctx, openFolder, name).Scan(&f.by, &f.drops)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.exec(ctx, newFolder, name)
	}
	a[name] = f
	return f, err
}

// count adds what was admitted to what was ever seen of each folder.
func (a admission) count(ctx context.Context, tx *session) error {
	for name, f := range a {
		if _, err := tx.exec(ctx, seeMore, f.seen, name); err != nil {
			return err
		}
	}
	return nil
}

// insert makes a file the next generation of its path, settled, and has the latest one so
// far yield to it. It is to be counted in the end.
func (a admission) insert(ctx context.Context, tx *session, f file.File, l latest, kind Kind, now int64) error {
	in, err := a.folder(ctx, tx, f.Folder)
	if err != nil {
		return err
	}
	in.seen++
	if err := l.yield(ctx, tx, now); err != nil {
		return err
	}
	path := []byte(f.Path)
	var batch any // NULL
	if in.drops {
		batch = topDir(path)
	}
	var id int64
	err = tx.row(ctx, insertEntry, f.Folder, path, l.generation+1, kind, Settled, f.Size, f.ModTime, f.ChangeTime, int64(f.Dev), int64(f.Ino),
		now, placeOf(f.Folder, f.Path), markOf(f), batch).Scan(&id)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, insertWork, id, f.Folder, sortKey(in.by, path, f.Size, f.ModTime), f.Size, now)
	return err
}

const (
	insertEntry = `INSERT INTO entries
			(folder, path, generation, kind, status, size, mod_time, change_time, dev, ino, seen_at, since, updated, place, mark, batch)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?11, ?12, ?13, ?14) RETURNING id`
	insertWork = `INSERT INTO work (entry_id, lane, folder, status, sort_key, size, filename, queued_at) VALUES (?, 0, ?, {settled}, ?, ?, '', ?)`

	openFolder = `SELECT sort, batch FROM folders WHERE name = ?`
	newFolder  = `INSERT INTO folders (name) VALUES (?)`
	seeMore    = `UPDATE folders SET seen = seen + ? WHERE name = ?`
)

// unknownFiles yields the numbers of the files, given as JSON, that the latest
// generation of their path does not describe.
const unknownFiles = `WITH f AS MATERIALIZED {files ?1}
	SELECT key FROM f WHERE NOT EXISTS (
		SELECT 1 FROM entries e WHERE e.folder = f.folder AND e.path = f.path
		  AND e.generation = (SELECT max(generation) FROM entries l WHERE l.folder = f.folder AND l.path = f.path)
		  AND e.size = f.size AND e.mod_time = f.mod_time AND e.change_time = f.change_time
		  AND e.dev = f.dev AND e.ino = f.ino
		  AND e.status <> {superseded} AND (e.status <> {cancelling} OR e.outcome <> {superseded}))
	ORDER BY key`

// Unknown returns those of the files that the latest generation of their path
// does not describe. On a rescan there are none, and the marks of the files'
// directories say so. What has no mark goes through one statement that yields
// only the exceptions.
func (r *Reader) Unknown(ctx context.Context, found []file.File) ([]file.File, error) {
	if len(found) == 0 {
		return nil, nil
	}
	var fresh []file.File
	err := r.read(ctx, "look up files", func(tx *session) error {
		rest, err := unmarked(ctx, tx, found, entryMarks)
		if err != nil || len(rest) == 0 {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var i int
			if err := rows.Scan(&i); err != nil {
				return err
			}
			fresh = append(fresh, rest[i])
			return nil
		}, unknownFiles, listFiles(rest))
	})
	return fresh, err
}

const latestGeneration = `SELECT id, generation, status, outcome, class, kind, size, mod_time, change_time, dev, ino, aside <> x''
	FROM entries WHERE folder = ? AND path = ? ORDER BY generation DESC LIMIT 1`

// eachLatest calls do with each file and the latest generation of its path.
func eachLatest(ctx context.Context, tx *session, found []file.File, do func(file.File, latest) error) error {
	for _, f := range found {
		l := latest{found: true, hint: file.File{Folder: f.Folder, Path: f.Path}}
		var dev, ino int64
		err := tx.row(ctx, latestGeneration, f.Folder, []byte(f.Path)).Scan(&l.id, &l.generation, &l.status, &l.outcome, &l.class, &l.kind,
			&l.hint.Size, &l.hint.ModTime, &l.hint.ChangeTime, &dev, &ino, &l.taken)
		l.hint.Dev, l.hint.Ino = uint64(dev), uint64(ino)
		if errors.Is(err, sql.ErrNoRows) {
			l, err = latest{}, nil
		}
		if err != nil {
			return err
		}
		if err := do(f, l); err != nil {
			return err
		}
	}
	return nil
}

// describes reports whether the entry is about this very file.
func (l latest) describes(f file.File) bool { return l.valid() && l.hint == f }

// valid reports whether the entry is about what its path holds.
func (l latest) valid() bool {
	return l.found && l.status != Superseded && (l.status != Cancelling || l.outcome != Superseded)
}

// yield lets a newer generation take the place of an entry, which no longer
// describes its path; one of which nothing is or may be in Tenovos is superseded.
func (l latest) yield(ctx context.Context, tx *session, now int64) error {
	if l.found {
		if _, err := tx.exec(ctx, `UPDATE entries SET mark = NULL WHERE id = ?`, l.id); err != nil {
			return err
		}
	}
	switch l.status {
	case Settled, Mapped, Cancelled, Ignored, Duplicate:
	case Failed:
		if err := removeMismatch(ctx, tx, l.id, now); err != nil {
			return err
		}
	case Held:
		if l.class == ClassUnverified {
			return nil
		}
	default: // or there is none
		return nil
	}
	why := fmt.Sprintf("the file changed; generation %d carries on", l.generation+1)
	n, err := affect(ctx, tx, `UPDATE entries SET status = ?1, rests = 1, class = '', message = ?2, hint = '',
		since = ?3, tries = 0, updated = ?3 WHERE id = ?4 AND status = ?5 AND NOT (status = {duplicate} AND aside <> x'')`, // that was moved away
		Superseded, why, now, l.id, l.status)
	if err != nil || n == 0 {
		return err
	}
	if err := (Move{ID: l.id, From: l.status, To: Superseded, Reason: Reason{Message: why}}).tell(ctx, tx, now); err != nil {
		return err
	}
	_, err = tx.exec(ctx, dequeueEntry, l.id)
	return err
}

// removeMismatch has the asset of a failed entry removed if it holds other bytes than
// its file.
func removeMismatch(ctx context.Context, tx *session, id, now int64) error {
	c := NewChore{Kind: ChoreDelete}
	err := tx.row(ctx, `SELECT object_id, file_id, filename FROM entries
		WHERE id = ? AND status = {failed} AND class = '`+ClassMismatch+`' AND object_id <> ''`, id).
		Scan(&c.ObjectID, &c.FileID, &c.Filename)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return addChore(ctx, tx, id, c, now)
}

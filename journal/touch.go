package journal

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Touch records of those of the files that were merely touched since the latest
// generation of their path was: size, modification time, device and inode are the
// same, only the change time is another, because a mode, an owner, a link or an
// attribute was set. It returns the others. Nothing is read for it, so that an archive
// whose modes are all set anew costs a transaction a batch.
//
// What was begun stays as it is, and is passed over: whoever works on it compares the
// bytes, because a touch looks like content that was rewritten with its times put
// back, and then calls Compared. What is queued is looked at anew, at once: nothing was
// sent of it. What rests has the new time from then on, but for two kinds that are
// returned: a file that could not be read, since a touch is what mends that, and one
// that was moved away, since somebody has put it back.
func (j *Journal) Touch(ctx context.Context, found []file.File) (rest []file.File, err error) {
	if len(found) == 0 {
		return nil, nil
	}
	var touched []file.File
	err = j.reader.read(ctx, "look up touched files", func(tx *session) error {
		return eachLatest(ctx, tx, found, func(f file.File, l latest) error {
			switch {
			case !l.touched(f):
				rest = append(rest, f)
			case !l.status.Active():
				touched = append(touched, f)
			}
			return nil
		})
	})
	if err != nil || len(touched) == 0 {
		return rest, err
	}
	err = j.write(ctx, "record touched files", func(tx *session) error {
		now := j.now()
		return eachLatest(ctx, tx, touched, func(f file.File, l latest) error {
			if !l.touched(f) { // it moved on: the next look finds it
				return nil
			}
			return l.touch(ctx, tx, f, now)
		})
	})
	return rest, err
}

// touched reports whether the entry is about this very file, which was merely touched,
// and whether that is no reason to look at it as a new one.
func (l latest) touched(f file.File) bool {
	switch {
	case !l.valid() || l.hint.With(f.Stat) != f || !l.hint.Alike(f.Stat):
		return false
	case l.status.Active():
		return true
	}
	return !l.taken && (l.class != ClassUnreadable || l.status != Failed && l.status != Held)
}

// Describes reports whether an entry, the latest generation of its path, is about this
// very file, though that may have been touched since.
func (e Entry) Describes(f file.File) bool {
	l := latest{found: true, status: e.Status, outcome: e.Outcome, class: e.Reason.Class, taken: e.Taken(),
		hint: e.File}
	return l.describes(f) || l.touched(f)
}

// touch has an entry that was not begun take the hint of its touched file.
func (l latest) touch(ctx context.Context, tx *session, f file.File, now int64) error {
	if l.status.Active() {
		return nil
	}
	if l.status != Settled && l.status != Mapped {
		_, err := tx.exec(ctx, `UPDATE entries SET change_time = ?, mark = ? WHERE id = ?`, f.ChangeTime, markOf(f), l.id)
		return err
	}
	_, err := tx.exec(ctx, `UPDATE entries SET change_time = ?, mark = ?, status = {settled}, sha256 = NULL, updated = ? WHERE id = ?`,
		f.ChangeTime, markOf(f), now, l.id) // what was mapped may be of other bytes
	if err != nil {
		return err
	}
	return enqueue(ctx, tx, l.id, 0)
}

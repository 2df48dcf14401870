package filing

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// Entries reads entries of the journal.
type Entries interface {
	Entry(ctx context.Context, id int64) (journal.Entry, error)
}

// Proof tells whether Tenovos holds the content of a file that is to be moved or deleted.
type Proof struct {
	// OfVerified makes sure that the asset of a verified entry holds the bytes of its file.
	OfVerified func(ctx context.Context, e journal.Entry) error
	// OfEarlier is asked before the file of an entry that rests is moved or deleted: the
	// content came in earlier, and may have been removed from Tenovos since.
	OfEarlier func(ctx context.Context, e journal.Entry, after dropfolder.After) error
	// SameBytes compares an open file with what was sent of an entry, and has the journal
	// take what it finds.
	SameBytes func(ctx context.Context, e journal.Entry, src *uploader.Source) (bool, error)
}

// Config is what a Filer works with.
type Config struct {
	Folders []dropfolder.Folder
	Mounts  *mounts.Mounts
	Hands   *hands.Hands
	Entries Entries
	Intents journal.Filing
	Proof   Proof
	// CompanionKnown reports that the journal knows what a companion tells, as it lies there.
	CompanionKnown func(ctx context.Context, companion file.File) (bool, error)
	// Displaced reports whether the file of an entry, which is not where it was, was found
	// under another path. A time other than zero says when to ask again: the watcher may
	// still find it.
	Displaced func(ctx context.Context, e journal.Entry) (found bool, until time.Time, err error)
	// Text is the note for whoever dropped the file of an entry that failed and was moved
	// away.
	Text func(e journal.Entry) string
	Now  func() time.Time
	Log  zerolog.Logger
}

// Filer moves the files of entries out of their drop folders. Safe for concurrent use, as
// long as no two move the file of one entry.
type Filer struct {
	Config
	folders map[string]dropfolder.Folder
}

// New returns a Filer.
func New(cfg Config) *Filer {
	f := &Filer{Config: cfg, folders: make(map[string]dropfolder.Folder, len(cfg.Folders))}
	for _, folder := range cfg.Folders {
		f.folders[folder.Name] = folder
	}
	return f
}

// departure is the way out of an entry's file: from what the journal has of it to what it
// becomes in the file system.
type departure struct {
	shelf.Departure
	e journal.Entry
}

// depart opens the drop folder of an entry for its file, which is then to be closed. The
// intent is recorded in the status that the entry has.
func (f *Filer) depart(ctx context.Context, e journal.Entry) (*departure, error) {
	s, err := shelf.Open(f.Mounts, e.Folder, e.ID)
	if err != nil {
		return nil, err
	}
	return f.departFrom(ctx, s, e), nil
}

func (f *Filer) departFrom(ctx context.Context, s *shelf.Shelf, e journal.Entry) *departure {
	return &departure{e: e, Departure: shelf.Departure{
		Shelf: s, Path: e.Path, Was: e.Stat, Hidden: e.Aside, Target: e.MovedTo,
		Record: func(hidden, target string) error {
			ctx, cancel := journal.Recording(ctx)
			defer cancel()
			return f.Intents.Set(ctx, e.ID, e.Status, hidden, target)
		},
		Renamed: func() (bool, error) { return f.renamed(ctx, e) },
	}}
}

// renamed reports whether the file of an entry got another path between the intent to take
// it away and the taking: a crash came in between, and a rename before the next start.
// Until the watcher has looked everywhere it cannot be told, which is answered with a
// NotYetError.
func (f *Filer) renamed(ctx context.Context, e journal.Entry) (bool, error) {
	found, until, err := f.Displaced(ctx, e)
	if err == nil && !until.IsZero() {
		err = &NotYetError{Until: until}
	}
	return found, err
}

// takeAway moves the file of an entry, which is in e.Status, below pattern, or deletes it.
// It may be repeated until it succeeds. Without an error the file is where the result
// says, or was deleted, or was left because it is not what the entry is about.
func (f *Filer) takeAway(ctx context.Context, e journal.Entry, remove bool, pattern string) (to string, err error) {
	d, err := f.depart(ctx, e)
	if err != nil {
		return "", err
	}
	defer d.Close()
	pattern = shelf.OnDisk(f.folders[e.Folder].Path, pattern)
	opened, err := d.Hide(
		func(now file.Stat) (bool, error) { return f.unchanged(ctx, e, now, remove) },
		func() string {
			if remove {
				return ""
			}
			return shelf.Destination(pattern, e.Folder, e.Path, f.Now())
		})
	if err != nil || opened == nil {
		return d.Moved, err
	}
	defer opened.Close() // nothing was written
	if !d.Unaltered(opened) {
		return "", f.putBack(d)
	}
	if watcher.Written(opened) {
		return "", errors.Join(f.putBack(d), shelf.ErrWritten)
	}
	err = f.finish(ctx, d)
	return d.Moved, err
}

// unchanged reports whether a file is what the entry is about. Of one that was touched
// the bytes decide, and so they do before one is deleted that was filed earlier: the
// touches since then were taken for touches. A file that failed because it could not be
// read, and was touched, is looked at again.
func (f *Filer) unchanged(ctx context.Context, e journal.Entry, now file.Stat, remove bool) (bool, error) {
	switch {
	case !e.Alike(now):
		return false, nil
	case now.ChangeTime == e.ChangeTime && !(remove && e.Status == journal.Filed):
		return true, nil
	case e.Status == journal.Failed:
		return e.Reason.Class != reasons.ClassUnreadable, nil
	}
	src, err := f.Mounts.Source(e.Folder, e.Path, e.ID, e.Stat) // it is not moved yet
	if errors.Is(err, uploader.ErrSourceGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer src.Close()
	if src.Hint() != now {
		return false, fmt.Errorf("%s is being changed", e.Path)
	}
	return f.Proof.SameBytes(ctx, e, src)
}

// finish brings the file from its hidden name to where it belongs.
func (f *Filer) finish(ctx context.Context, d *departure) error {
	if err := d.Finish(); err != nil {
		return err
	}
	if d.Moved != "" {
		f.takeAlong(ctx, d)
	}
	if f.folders[d.e.Folder].Prune {
		d.Prune(d.Path)
	}
	f.logMoved(d)
	return nil
}

// takeAlong moves the companions of a file that was moved after it, where it is
// alone in having them and what they tell is known. What does not succeed stays: a
// companion is no asset.
func (f *Filer) takeAlong(ctx context.Context, d *departure) {
	companions := f.folders[d.e.Folder].Companions
	if companions == nil || d.e.Status != journal.Verified && d.e.Status != journal.Filed {
		return
	}
	for _, beside := range companions.Beside(d.Path) {
		from := beside.Path
		opened, is, err := d.OpenRegular(from)
		if err != nil {
			continue
		}
		written := watcher.Written(opened)
		_ = opened.Close() // nothing was written
		known, err := f.CompanionKnown(ctx, file.File{Folder: d.e.Folder, Path: from, Stat: is})
		if err != nil || !known || written {
			continue
		}
		to := d.Moved
		if beside.Stem {
			if !beside.Alone && shared(d, companions) {
				continue
			}
			to = strings.TrimSuffix(to, path.Ext(to))
		}
		if err := d.Move(from, to+path.Ext(from)); err != nil {
			dropfolder.LogEntry(f.Log.Debug(), d.e).Str("companion", from).Str("reason", secret.Sentence(err)).Msg("a companion stays in the drop folder")
		}
	}
}

// shared reports whether another file has the name of this one but for its
// extension.
func shared(d *departure, companions dropfolder.Companions) bool {
	stem := dropfolder.FoldName(strings.TrimSuffix(path.Base(d.Path), path.Ext(d.Path)))
	names, err := d.Beside(d.Path)
	if err != nil {
		return true
	}
	for _, name := range names {
		if dropfolder.FoldName(strings.TrimSuffix(name, path.Ext(name))) != stem {
			continue
		}
		if _, ok := companions.About(name); !ok {
			return true
		}
	}
	return false
}

// putBack gives a file its name back that changed in the last moment. Where a
// newer one has taken that, it becomes a file of its own.
func (f *Filer) putBack(d *departure) error {
	now, err := d.PutBack()
	if err == nil {
		f.logPutBack(d.e, now)
	}
	return err
}

func (f *Filer) logPutBack(e journal.Entry, now string) {
	dropfolder.LogEntry(f.Log.Info(), e).Str("now", now).Msg("the file changed before it could be moved away: it stays, and is looked at again")
}

// undo gives a file that is on its way out its name back.
func (f *Filer) undo(ctx context.Context, e journal.Entry) error {
	d, err := f.depart(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	now, err := d.Undo()
	if err == nil && now != "" {
		f.logPutBack(e, now)
	}
	return err
}

// BringBack puts the file of an entry that is to be tried again where it was.
func (f *Filer) BringBack(ctx context.Context, e journal.Entry) error {
	if !e.Taken() {
		return nil
	}
	d, err := f.depart(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.BringBack()
}

// logMoved tells what became of a file whose entry had come to rest before: nothing else in
// the log says that it is not there any more.
func (f *Filer) logMoved(d *departure) {
	what := "moved out of the drop folder"
	if d.Moved == "" {
		what = "deleted"
	}
	switch d.e.Status {
	case journal.Filed:
		what = "a file that is in Tenovos was " + what
	case journal.Duplicate:
		what = "a duplicate was " + what + ": no asset was made of it"
	case journal.Failed:
		what = "a file that failed was " + what
	default:
		return
	}
	dropfolder.LogEntry(f.Log.Info(), d.e).Str("to", d.Moved).Str("reason", d.e.Reason.Message).Msg(what)
}

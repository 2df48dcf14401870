package resting

import (
	"context"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	// batch bounds how many files that rest are looked for at once, and
	// superseded in one transaction.
	batch = 500

	// share is the part of its time that a folder may spend on that, so that
	// very many files are looked for less often: one in so many.
	share = 4

	// maxRemoved bounds how many paths of which an event said that they have gone
	// wait to be looked at. What is left out the next scan leads to.
	maxRemoved = 10_000

	// logged bounds the files of a batch that the log names.
	logged = 10
)

// Mounts are the file systems of the drop folders.
type Mounts interface {
	// Look opens a folder to look at its files. An error about the folder is one for
	// mounts.IsGone.
	Look(folder string) (root *file.Root, closeRoot func(), err error)
	// Hangs reports whether the file system of a folder does not answer.
	Hangs(folder string) bool
}

// Hands take an entry, so that nobody moves its file meanwhile.
type Hands interface {
	Hold(id int64, f *hands.Flight) bool
	Release(id int64)
}

// Deps are what files that rest are looked at with.
type Deps struct {
	Journal *journal.Journal
	Mounts  Mounts
	Hands   Hands
	Log     zerolog.Logger
}

// Files are the files of entries that rest without an asset. They are looked at after each
// scan of a folder, and where an event said that one is gone, in a goroutine of its own for
// each folder. Safe for concurrent use.
type Files struct {
	deps    Deps
	journal journal.Resting
	folders map[string]*folder
}

// folder is what there is to look at in one folder.
type folder struct {
	name  string
	wake  chan struct{} // capacity 1: there is something to look at
	hurry chan struct{} // capacity 1: somebody waits for it

	mu      sync.Mutex
	scans   uint64 // that have come to their end
	looked  uint64 // how many of them were when all of the latest look began
	unread  func(path string) bool
	removed map[string]bool
	news    chan struct{} // closed and replaced when looked changes

	// What follows is that of Loop's goroutine: when nothing more is to be begun, and what
	// rested when the journal was read last.
	drain <-chan struct{}
	stale chan struct{} // capacity 1: entries have changed since
	known bool
	rests []journal.RestingFile
}

// New returns the files that rest in folders of these names.
func New(names []string, d Deps) *Files {
	r := &Files{deps: d, journal: journal.RestingOf(d.Journal), folders: make(map[string]*folder, len(names))}
	for _, name := range names {
		r.folders[name] = &folder{
			name: name, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
			unread: func(string) bool { return false }, removed: make(map[string]bool), news: make(chan struct{}), stale: make(chan struct{}, 1),
		}
	}
	return r
}

// Scanned is the watcher's: a scan of a folder has come to its end.
func (r *Files) Scanned(folder string, unread func(path string) bool) {
	f := r.folders[folder]
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scans++
	f.unread = unread
	alarms.Signal(f.wake)
}

// Removed is the watcher's: events said that these paths have gone.
func (r *Files) Removed(folder string, paths []string) {
	f := r.folders[folder]
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range paths[:min(len(paths), maxRemoved-len(f.removed))] {
		f.removed[p] = true
	}
	alarms.Signal(f.wake)
}

// Wait returns when all was looked at that the scans so far lead to, or when the
// folder hangs, or Run or ctx ends.
func (r *Files) Wait(ctx context.Context, folder string) error {
	f := r.folders[folder]
	tick := time.NewTicker(mounts.Tick)
	defer tick.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for want := f.scans; f.looked < want && !r.deps.Mounts.Hangs(folder); {
		news := f.news
		alarms.Signal(f.hurry)
		f.mu.Unlock()
		select {
		case <-news:
		case <-tick.C:
		case <-ctx.Done():
		}
		f.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// Loop looks at one folder until idle closes, which for a backfill is when its last scan is
// looked at, or ctx ends; when drain closes nothing more is begun. Its error is the
// journal's.
func (r *Files) Loop(ctx context.Context, folder string, idle, drain <-chan struct{}) error {
	f := r.folders[folder]
	f.drain = drain
	defer f.finish(math.MaxUint64) // nobody waits for more
	r.deps.Journal.Notify(f.stale, journal.AboutEntries)
	defer r.deps.Journal.Notify(f.stale, journal.AboutNothing)
	for {
		select {
		case <-idle:
			if alarms.Closed(f.drain) {
				return nil
			}
			return r.look(ctx, f)
		case <-ctx.Done():
			return ctx.Err()
		case <-f.wake:
		}
		begun := time.Now()
		if err := r.look(ctx, f); err != nil {
			return err
		}
		select {
		case <-time.After(share * time.Since(begun)):
		case <-f.hurry:
		case <-idle:
		case <-ctx.Done():
		}
	}
}

// take returns what there is to look at.
func (f *folder) take() (scans uint64, all bool, removed []string, unread func(string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	removed = slices.Sorted(maps.Keys(f.removed))
	clear(f.removed)
	return f.scans, f.scans > f.looked, removed, f.unread
}

// finish notes that all was looked at that so many scans lead to.
func (f *folder) finish(scans uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked = scans
	close(f.news)
	f.news = make(chan struct{})
}

// look looks at what there is to look at in a folder. Where the folder turns out not to
// be there, nothing is concluded until another scan of it has come to its end.
func (r *Files) look(ctx context.Context, f *folder) error {
	scans, all, removed, unread := f.take()
	if all {
		defer f.finish(scans)
	}
	for some := range slices.Chunk(removed, batch) {
		files, err := r.journal.At(ctx, f.name, some)
		if err == nil {
			err = r.passOver(ctx, f.name, files, unread)
		}
		if err != nil {
			return unlessAway(err)
		}
	}
	for _, dir := range removed { // of a directory that was renamed nothing is said of what is in it
		if err := r.lookBelow(ctx, f, dir, unread); err != nil {
			return unlessAway(err)
		}
	}
	if !all {
		return nil
	}
	return unlessAway(r.lookAtAll(ctx, f, unread))
}

// lookAtAll looks at all that rests in a folder. A folder that is scanned again and again
// costs no transaction while nothing changes: if it is not much, it is remembered.
func (r *Files) lookAtAll(ctx context.Context, f *folder, unread func(string) bool) error {
	if f.known = f.known && !alarms.Taken(f.stale); f.known {
		return r.passOver(ctx, f.name, slices.Clone(f.rests), unread)
	}
	f.rests = nil
	alarms.Taken(f.stale)
	n := 0
	for _, status := range journal.RestsWithoutAsset() {
		for after := int64(0); ; {
			if alarms.Closed(f.drain) || ctx.Err() != nil {
				return nil
			}
			files, err := r.journal.In(ctx, f.name, status, after, batch)
			if err != nil {
				return err
			}
			if len(files) == 0 {
				break
			}
			after = files[len(files)-1].ID
			if n += len(files); n <= batch {
				f.rests = append(f.rests, files...)
			}
			if err := r.passOver(ctx, f.name, files, unread); err != nil {
				return err
			}
		}
	}
	if f.known = n <= batch; !f.known {
		f.rests = nil
	}
	return nil
}

// lookBelow looks at what rests below a path, if that was a directory's.
func (r *Files) lookBelow(ctx context.Context, f *folder, dir string, unread func(string) bool) error {
	for after := ""; !alarms.Closed(f.drain) && ctx.Err() == nil; {
		files, err := r.journal.Below(ctx, f.name, dir, after, batch)
		if err != nil || len(files) == 0 {
			return err
		}
		after = files[len(files)-1].Path
		if err := r.passOver(ctx, f.name, files, unread); err != nil {
			return err
		}
	}
	return nil
}

// PassOver supersedes those of the entries of a folder whose files are gone, if the folder
// is there.
func (r *Files) PassOver(ctx context.Context, folder string, files []journal.RestingFile) error {
	return unlessAway(r.passOver(ctx, folder, files, func(string) bool { return false }))
}

// unlessAway drops the error of a folder that is not there.
func unlessAway(err error) error {
	if mounts.IsGone(err) {
		return nil
	}
	return err
}

// passOver supersedes those of the entries whose files are gone, but for what unread says
// could not be read.
func (r *Files) passOver(ctx context.Context, folder string, files []journal.RestingFile, unread func(string) bool) error {
	files = slices.DeleteFunc(files, func(f journal.RestingFile) bool { return unread(f.Path) })
	files, err := r.gone(folder, files)
	if err != nil || len(files) == 0 {
		return err
	}
	mine := files[:0]
	var held []int64
	defer func() {
		for _, id := range held {
			r.deps.Hands.Release(id)
		}
	}()
	for _, f := range files {
		if r.deps.Hands.Hold(f.ID, &hands.Flight{Folder: folder, Path: f.Path}) {
			held = append(held, f.ID)
			mine = append(mine, f)
		}
	}
	// Once more with the entries in hand: nobody moves their files from now on.
	if mine, err = r.gone(folder, mine); err != nil || len(mine) == 0 {
		return err
	}
	done, err := r.journal.Vanished(ctx, mine, reasons.Vanished)
	if err != nil {
		return err
	}
	for _, f := range done[:min(len(done), logged)] {
		r.deps.Log.Info().Str("folder", folder).Str("path", f.Path).Int64("id", f.ID).Str("was", string(f.Status)).
			Msg("a file that was not ingested is not there any more: it is superseded")
	}
	if more := len(done) - logged; more > 0 {
		r.deps.Log.Info().Str("folder", folder).Int("files", more).Msg("and so are more files")
	}
	return nil
}

// gone returns those of the files that are neither at their path nor where we moved
// them to, in a folder that is there; its error says that it is not.
func (r *Files) gone(folder string, files []journal.RestingFile) ([]journal.RestingFile, error) {
	if len(files) == 0 {
		return nil, nil
	}
	root, closeRoot, err := r.deps.Mounts.Look(folder)
	if err != nil {
		return nil, err
	}
	defer closeRoot()
	absence, err := shelf.AbsenceBelow(root)
	if err != nil {
		return nil, err
	}
	defer absence.Close()
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b journal.RestingFile) int { return strings.Compare(path.Dir(a.Path), path.Dir(b.Path)) })
	return slices.DeleteFunc(files, func(f journal.RestingFile) bool {
		for _, at := range []string{f.Path, f.Aside} { // in the order in which we move it
			if at != "" && !absence.Certain(at, f.Dev) {
				return true
			}
		}
		return f.MovedTo != "" && !absence.CertainInPlace(f.MovedTo, f.Dev) ||
			f.Aside != "" && root.Lacks(f.Aside) != nil // a directory may be a link for a moment
	}), nil
}

package dropfolder

import (
	"path"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// Folder is a drop folder as the pipeline needs it.
type Folder struct {
	Name string
	Path string
	// Marker is a file below Path that must be there, or the folder counts as not
	// mounted; "" for none.
	Marker string
	// Settle is how long a file that changed under an upload must be quiet before
	// it is looked at again.
	Settle time.Duration
	// VersionByPath makes new content under a known path a version of its asset.
	VersionByPath bool
	// VersionByFilename does that, too, and else makes a file a version of the one
	// asset in Tenovos that has its filename.
	VersionByFilename bool
	// Inherit returns the metadata of a new version of an asset: current are the
	// asset's values, ours those of the rules, both of the same template. Nil is ours
	// alone. It is called concurrently.
	Inherit func(templateID string, current, ours []tenovos.Value) []tenovos.Value
	// Duplicates says what becomes of content that another path has in Tenovos;
	// "" is DuplicatesUpload. Empty files are never duplicates.
	Duplicates Duplicates
	// Empty says what becomes of a file without a byte; "" is EmptyIngest.
	Empty Empty
	// Order says which of its files goes first; "" is journal.OrderArrival.
	Order journal.Order
	// Workers is how many of its files may be in flight; 0 is three quarters of
	// Config.Workers, or all where there is no other folder.
	Workers int
	// After says what becomes of files whose content is in. Done and Failed are the
	// patterns of where they are moved to, see Destination; Prune has directories
	// removed that this leaves empty.
	After        After
	Done, Failed string
	Prune        bool
	// Tell has people told of files that are held, or failed and stay, by notes beside them;
	// Contact is who these name, in the words of the operator.
	Tell    bool
	Contact string
	// Shared says that others, with journals of their own, may work on the folder, too.
	Shared bool
	Claim  *file.Claim // keeps others off the folder; nil: they may work on it, too
	// Resume is how long files that rest are left alone before they are moved or
	// deleted: their producer may go on with what looks finished. Until then what
	// comes under the same path is the next version, whatever else is said of versions.
	Resume time.Duration
	// Drops tells what is still to come of a drop; with it no file of one is created
	// before all of it is there and mapped. nil: each file is for itself. With Ready
	// a file was declared complete by its producer: one that is no part of a drop
	// waits for nothing.
	Drops Drops
	Ready bool
	// Settling returns how many files the watcher saw that are not stable yet; nil: nobody
	// watches. It is called concurrently.
	Settling func() int
	// Wanted says whether a file of a path is one for the folder, as the watcher judges;
	// nil: all are. Scanned returns when the watcher's latest scan ended, and whether the
	// folder is polled; nil: nobody watches it. Both are called concurrently.
	Wanted  func(rel string) bool
	Scanned func() (last time.Time, polled bool)
	// Open reports whether files may be begun at a time, until when that stays so (zero is
	// for ever), and, where they may not, what they wait for in words; nil: always. It is
	// called concurrently.
	Open func(now time.Time) (open bool, until time.Time, why string)
	// Companions tells the files that only speak of others; nil: there are none.
	Companions Companions
	// Map applies the rules to a file, which lies at another path by now unless at
	// is "". It is called concurrently.
	Map func(file file.File, at string) (Mapped, error)
}

// Wants reports whether a file of a path would become an asset or a version.
func (f Folder) Wants(rel string) bool {
	if f.Companions != nil {
		if _, is := f.Companions.About(rel); is {
			return false
		}
	}
	return f.Wanted == nil || f.Wanted(rel)
}

// Drops is how a folder tells what is still to come of a drop, which is named by
// its top directory; "" is the folder itself. Its methods may be called from any
// goroutine.
type Drops interface {
	// Drop must not wait for a file system.
	Drop(dir string) watcher.Drop
	// Announced returns when the sentinel of the whole drop was made; zero: there is
	// none. It may wait for the file system.
	Announced(dir string) time.Time
}

// Resumes reports whether files of a folder may be gone on with after they looked
// finished (Folder.Resume), and are moved or deleted only when they have been left
// alone for that long. Until then the folder is as one that keeps its files.
func (f Folder) Resumes() bool { return f.Resume > 0 && !f.After.Keeps() }

// Continued reports whether an entry of the path of prev is about the same file, gone
// on with: whatever the folder says of versions, the whole is the next one of the half.
func (f Folder) Continued(prev journal.Entry) bool { return f.Resumes() && !prev.Taken() }

// LeftAlone is until when the file of an entry that rests is left where it is, in case
// that its producer goes on with it. The time counts from when the entry came to rest,
// by our clock, and anew from a change that it outlived, such as a touch.
func (f Folder) LeftAlone(e journal.Entry, now time.Time) time.Time {
	if !f.Resumes() {
		return time.Time{}
	}
	from := e.Since
	for _, at := range []int64{e.ModTime, e.ChangeTime} {
		if changed := time.Unix(0, at); changed.After(from) && !changed.After(now) {
			from = changed
		}
	}
	return from.Add(f.Resume)
}

// FilingChore is the work of moving the file of an entry that comes to rest now.
func (f Folder) FilingChore(e journal.Entry, now time.Time) journal.NewChore {
	c := journal.NewChore{Kind: journal.ChoreFile, Filename: path.Base(e.Path)}
	if f.Resumes() {
		c.NotBefore = now.Add(f.Resume)
	}
	return c
}

// Opening is Folder.Open, which may be nil.
func (f Folder) Opening(now time.Time) (open bool, until time.Time, why string) {
	if f.Open == nil {
		return true, time.Time{}, ""
	}
	return f.Open(now)
}

// KeepsBack reports that an entry is not begun at a time, which is outside of the folder's
// hours. One that was begun before is on its way: it begins again at any hour.
func (f Folder) KeepsBack(e journal.Entry, now time.Time) bool {
	open, _, _ := f.Opening(now)
	return !open && (e.Status == journal.Settled || e.Status == journal.Mapped && e.AttemptCount == 0)
}

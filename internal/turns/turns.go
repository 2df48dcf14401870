package turns

import (
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Mounts are the file systems of the drop folders.
type Mounts interface {
	// Usable reports whether a folder's file system answers, and the folder is there.
	Usable(folder string) bool
	// Stuck are the entries of which a call to a file system hangs.
	Stuck() map[int64]bool
}

// Hands hold the entries in flight.
type Hands interface {
	Each(yield func(id int64, f *hands.Flight) bool)
}

// Turns shares the workers out between the folders. No folder has more than its
// bound, so that a backfill of giants does not have them all, and folders that want
// more than there is take turns. A worker that a share which hangs does not let go
// is not counted: another takes its place, and the share gets none. It belongs to
// the dispatcher's goroutine.
type Turns struct {
	mounts  Mounts
	hands   Hands
	workers int
	queues  []*folderQueue // the one whose turn is next is first
}

// folderQueue is a folder's part in the turns.
type folderQueue struct {
	name     string
	bound    int  // entries in flight
	fromLast int  // of these, from the end of its order
	deferred bool // its next turn is that of a deferred entry
	// open is Folder.Open, and never nil.
	open func(now time.Time) (open bool, until time.Time, why string)

	flying, flyingLast int // as counted last
}

// New returns the turns of folders, of so many workers.
func New(folders []dropfolder.Folder, workers int, m Mounts, h Hands) *Turns {
	t := &Turns{mounts: m, hands: h, workers: max(1, workers)}
	for _, f := range folders {
		q := &folderQueue{name: f.Name, bound: folderBound(f.Workers, t.workers, len(folders)), open: f.Opening}
		if f.Order == journal.OrderMixed && q.bound > 1 {
			q.fromLast = max(1, q.bound/4)
		}
		t.queues = append(t.queues, q)
	}
	return t
}

// folderBound returns how many of the workers may be busy with one of so many
// folders, where asked is what its configuration says; 0 is nothing.
func folderBound(asked, workers, folders int) int {
	switch {
	case asked > 0:
		return min(asked, workers)
	case folders > 1:
		return max(1, workers*3/4)
	}
	return workers
}

// Count looks who is busy with what, and returns the number of free workers.
func (t *Turns) Count() int {
	byName := make(map[string]*folderQueue, len(t.queues))
	for _, q := range t.queues {
		q.flying, q.flyingLast = 0, 0
		byName[q.name] = q
	}
	free, stuck := t.workers, t.mounts.Stuck()
	for id, f := range t.hands.Each {
		if !f.Dispatched || stuck[id] {
			continue
		}
		free--
		q := byName[f.Folder]
		q.flying++
		if f.Last {
			q.flyingLast++
		}
	}
	return free
}

// Shares says what each folder may have more than was counted. Outside of its hours that is
// what was begun.
func (t *Turns) Shares(now time.Time) []journal.Share {
	var out []journal.Share
	for _, q := range t.queues {
		if !t.mounts.Usable(q.name) {
			continue
		}
		open, _, _ := q.open(now)
		out = append(out, journal.Share{
			Folder: q.name, Limit: q.bound - q.flying, Last: max(0, q.fromLast-q.flyingLast), DeferredFirst: q.deferred, OnlyBegun: !open,
		})
	}
	return out
}

// Opens returns when the hours begin of a folder that is outside of its own, of the first
// one; false if there is none.
func (t *Turns) Opens(now time.Time) (first time.Time, ok bool) {
	for _, q := range t.queues {
		if open, until, _ := q.open(now); !open && (!ok || until.Before(first)) {
			first, ok = until, true
		}
	}
	return first, ok
}

// Took ends the turn of a folder.
func (t *Turns) Took(folder string) {
	for i, q := range t.queues {
		if q.name == folder {
			q.deferred = !q.deferred
			t.queues = append(append(t.queues[:i:i], t.queues[i+1:]...), q)
			return
		}
	}
}

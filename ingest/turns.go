package ingest

import (
	"github.com/tenovos-ingest/ingestd/journal"
)

// turns shares the workers out between the folders. No folder has more than its
// bound, so that a backfill of giants does not have them all, and folders that want
// more than there is take turns. A worker that a share which hangs does not let go
// is not counted: another takes its place, and the share gets none. It belongs to
// the dispatcher's goroutine.
type turns struct {
	p       *Pipeline
	workers int
	queues  []*folderQueue // the one whose turn is next is first
}

// folderQueue is a folder's part in the turns.
type folderQueue struct {
	name     string
	bound    int  // entries in flight
	fromLast int  // of these, from the end of its order
	deferred bool // its next turn is that of a deferred entry

	flying, flyingLast int // as counted last
}

func (p *Pipeline) newTurns() *turns {
	t := &turns{p: p, workers: max(1, p.cfg.Workers)}
	for _, f := range p.cfg.Folders {
		q := &folderQueue{name: f.Name, bound: folderBound(f.Workers, t.workers, len(p.cfg.Folders))}
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

// count looks who is busy with what, and returns the number of free workers.
func (t *turns) count() int {
	byName := make(map[string]*folderQueue, len(t.queues))
	for _, q := range t.queues {
		q.flying, q.flyingLast = 0, 0
		byName[q.name] = q
	}
	free, stuck := t.workers, t.p.mounts.Stuck()
	for id, f := range t.p.hands.Each {
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

// shares says what each folder may have more than was counted.
func (t *turns) shares() []journal.Share {
	var out []journal.Share
	for _, q := range t.queues {
		if !t.p.mounts.Usable(q.name) {
			continue
		}
		out = append(out, journal.Share{
			Folder: q.name, Limit: q.bound - q.flying, Last: max(0, q.fromLast-q.flyingLast), DeferredFirst: q.deferred,
		})
	}
	return out
}

// took ends the turn of a folder.
func (t *turns) took(folder string) {
	for i, q := range t.queues {
		if q.name == folder {
			q.deferred = !q.deferred
			t.queues = append(append(t.queues[:i:i], t.queues[i+1:]...), q)
			return
		}
	}
}

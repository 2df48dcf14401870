package watcher

import (
	"container/heap"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// settler decides when a file has held still for long enough. It is pure: it
// looks at no clock and no file system. It remembers only the files that are not
// settled yet.
type settler struct {
	quiet time.Duration // how long a file must have been seen unchanged
	aged  time.Duration // a ctime at least this old proves it without being seen; at least quiet
	// foreign tells the files whose ctimes are of a clock that is not ours, and whose
	// inode numbers may change: their age proves nothing, and the number is no
	// change. nil: there are none.
	foreign func(path string) bool
	steps   *steps // of our own clock, by which an age may be wrong; nil for none
	// touchable reports that a change time that moves alone says nothing of the content
	// of path: a mode or a link was set, and who sets them again and again must not keep
	// a file out for ever. nil for nowhere.
	touchable func(path string) bool

	pending map[string]*candidate
	queue   dueQueue
	open    int // how many of the pending a writer holds open

	notes notes // of each that begins and ends to be pending
}

type candidate struct {
	path  string
	fp    file.Stat
	since time.Time // when it was first seen to be that
	due   time.Time // when to look again
	index int       // in the queue, -1 when it is not in it
	asked bool      // the receiver was asked about the file, and did not know it
	aged  bool      // by its server's clock it was old when the folder was read first

	// Known of a file that held still once, until it changes.
	still bool  // it did, and was put back
	open  bool  // a writer holds it open
	said  bool  // that it is open was said
	ends  *ends // what its ends were; nil if they were not read
}

func newSettler(quiet, aged time.Duration) *settler {
	return &settler{quiet: quiet, aged: aged, pending: make(map[string]*candidate)}
}

// observe takes what path looked like at now and reports whether it has held
// still. If not it is due for another look. If it has, it is for the caller to
// forget it or to put it back.
func (s *settler) observe(path string, fp file.Stat, now time.Time) bool {
	if s.old(path, fp, now) {
		s.unqueue(s.pending[path])
		return true
	}
	c := s.track(path, fp, now)
	if now.Sub(c.since) >= s.quiet {
		s.unqueue(c)
		return true
	}
	s.schedule(c, now)
	return false
}

// begin has a file that is new to the receiver seen holding still from now on,
// which is after it was looked at, for quiet at least.
func (s *settler) begin(path string, fp file.Stat, now time.Time) *candidate {
	c := s.track(path, fp, now)
	c.asked = true
	s.schedule(c, now)
	return c
}

// note takes what path looked like at now, in a look that proves nothing but a change:
// the client of a share may have answered it from memory.
func (s *settler) note(path string, fp file.Stat, now time.Time) {
	if c := s.track(path, fp, now); c.since.Equal(now) {
		s.schedule(c, now)
	}
}

// old reports whether the ctime alone proves that a file held still.
func (s *settler) old(path string, fp file.Stat, now time.Time) bool {
	age, known := fp.Age(now)
	return known && !s.strange(path) && age >= s.aged+s.steps.forward(now)
}

func (s *settler) strange(path string) bool { return s.foreign != nil && s.foreign(path) }

// schedule has a file looked at when it will have held still, as seen or by its age.
func (s *settler) schedule(c *candidate, now time.Time) {
	due := c.since.Add(s.quiet)
	if age, known := c.fp.Age(now); known && !s.strange(c.path) {
		if aged := now.Add(s.aged + s.steps.forward(now) - age); aged.Before(due) {
			due = aged
		}
	}
	s.enqueue(c, due)
}

// putBack has a file that held still, but is not finished, looked at again.
func (s *settler) putBack(path string, fp file.Stat, now, due time.Time, open bool) *candidate {
	c := s.track(path, fp, now)
	c.still, c.asked = true, true
	if open != c.open {
		c.open = open
		if open {
			s.open++
		} else {
			s.open--
		}
	}
	s.enqueue(c, due)
	return c
}

// track returns the candidate of path, begun anew if the file changed.
func (s *settler) track(path string, fp file.Stat, now time.Time) *candidate {
	c := s.pending[path]
	if c == nil {
		c = &candidate{path: path, fp: fp, since: now, index: -1}
		s.pending[path] = c
		s.notes.tell(note{what: noteSettling, rel: path})
	}
	if s.strange(path) { // the number is as good as the one before
		fp.Dev, fp.Ino = c.fp.Dev, c.fp.Ino
	}
	if c.fp.Alike(fp) && s.touchable != nil && s.touchable(path) {
		c.fp = fp
	}
	if c.fp != fp {
		if c.open {
			s.open--
		}
		*c = candidate{path: path, fp: fp, since: now, due: c.due, index: c.index, asked: c.asked}
	}
	return c
}

func (s *settler) enqueue(c *candidate, due time.Time) {
	c.due = due
	if c.index < 0 {
		heap.Push(&s.queue, c)
	} else {
		heap.Fix(&s.queue, c.index)
	}
}

func (s *settler) unqueue(c *candidate) {
	if c != nil && c.index >= 0 {
		heap.Remove(&s.queue, c.index)
	}
}

// due takes up to limit paths out of the queue that are to be looked at again
// by now. Each must then be observed, put back or forgotten.
func (s *settler) due(now time.Time, limit int) []string {
	var paths []string
	for len(s.queue) > 0 && len(paths) < limit && !s.queue[0].due.After(now) {
		paths = append(paths, heap.Pop(&s.queue).(*candidate).path)
	}
	return paths
}

// next says when the next path is due.
func (s *settler) next() (time.Time, bool) {
	if len(s.queue) == 0 {
		return time.Time{}, false
	}
	return s.queue[0].due, true
}

// queued reports whether path is due for another look.
func (s *settler) queued(path string) bool {
	c := s.pending[path]
	return c != nil && c.index >= 0
}

// heldStill reports whether path held still before, as it is, and was put back.
func (s *settler) heldStill(path string) bool {
	c := s.pending[path]
	return c != nil && c.still
}

// asked reports whether the receiver was asked about path since that is pending.
func (s *settler) asked(path string) bool {
	c := s.pending[path]
	return c != nil && c.asked
}

// waits reports whether path is known and not settled yet.
func (s *settler) waits(path string) bool { return s.pending[path] != nil }

// forget drops path: it is settled, gone, or no file any more.
func (s *settler) forget(path string) {
	c := s.pending[path]
	if c == nil {
		return
	}
	s.unqueue(c)
	if c.open {
		s.open--
	}
	delete(s.pending, path)
	s.notes.tell(note{what: noteSettled, rel: path})
}

// dueQueue is a heap of candidates, the earliest due first.
type dueQueue []*candidate

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *dueQueue) Push(x any) {
	c := x.(*candidate)
	c.index = len(*q)
	*q = append(*q, c)
}

func (q *dueQueue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	c.index = -1
	return c
}

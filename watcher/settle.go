package watcher

import (
	"container/heap"
	"time"
)

// fingerprint is what has to hold still. ctime is in it because size and mtime
// alone lie: cp -p, rsync and utimes set the mtime back.
type fingerprint struct {
	size         int64
	mtime, ctime int64 // unix ns
	dev, ino     uint64
}

// settler decides when a file counts as delivered. It is pure: it looks at no
// clock and no file system. It remembers only the files that are not settled
// yet.
type settler struct {
	quiet time.Duration // how long a fingerprint must have been seen unchanged
	aged  time.Duration // a ctime at least this old proves it without being seen; at least quiet

	pending map[string]*candidate
	queue   dueQueue
}

type candidate struct {
	path  string
	fp    fingerprint
	since time.Time // when this fingerprint was first seen
	due   time.Time // when to look again
	index int       // in the queue, -1 when it is not in it
}

func newSettler(quiet, aged time.Duration) *settler {
	return &settler{quiet: quiet, aged: aged, pending: make(map[string]*candidate)}
}

// observe takes what path looked like at now and reports whether it is
// settled. If so the path is forgotten; else it is due for another look.
func (s *settler) observe(path string, fp fingerprint, now time.Time) bool {
	c := s.pending[path]
	changed := time.Unix(0, fp.ctime)
	// A ctime in the future says nothing about the age of the file, only
	// that two clocks differ.
	credible := !changed.After(now)
	if credible && now.Sub(changed) >= s.aged {
		s.forget(path)
		return true
	}
	if c == nil || c.fp != fp {
		if c == nil {
			c = &candidate{path: path, index: -1}
			s.pending[path] = c
		}
		c.fp, c.since = fp, now
	}
	if now.Sub(c.since) >= s.quiet {
		s.forget(path)
		return true
	}
	c.due = c.since.Add(s.quiet)
	if aged := changed.Add(s.aged); credible && aged.Before(c.due) {
		c.due = aged
	}
	if c.index < 0 {
		heap.Push(&s.queue, c)
	} else {
		heap.Fix(&s.queue, c.index)
	}
	return false
}

// due takes up to limit paths out of the queue that are to be looked at again
// by now. Each must then be observed or forgotten.
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

// waits reports whether path is known and not settled yet.
func (s *settler) waits(path string) bool { return s.pending[path] != nil }

// forget drops path: it is settled, gone, or no file any more.
func (s *settler) forget(path string) {
	c := s.pending[path]
	if c == nil {
		return
	}
	if c.index >= 0 {
		heap.Remove(&s.queue, c.index)
	}
	delete(s.pending, path)
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

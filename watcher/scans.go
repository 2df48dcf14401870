package watcher

import (
	"slices"
	"time"
)

// scans is how far a folder is read: which scan runs, what it has still to read, and
// when the next one is due.
type scans struct {
	number  uint64 // of the latest scan
	running bool
	asked   bool      // one was asked for
	at      time.Time // the next one by the clock; zero for none
	ended   time.Time // when the latest ended
	whole   bool      // one of this root has ended
	todo    []string  // directories to read, relative; read from the end

	unready int // files without their sentinel that the running scan met
	waiting int // and the latest whole one
}

// due reports whether a scan is to begin.
func (s *scans) due(now time.Time) bool {
	return !s.running && (s.asked || !s.at.IsZero() && !now.Before(s.at))
}

// begin starts a scan of the whole folder. Directories that events name meanwhile join
// it.
func (s *scans) begin() {
	s.number++
	s.asked, s.running, s.unready = false, true, 0
	s.todo = append(s.todo[:0], ".")
}

// end ends a scan in which every directory was read.
func (s *scans) end(now time.Time) {
	s.running, s.whole, s.ended = false, true, now.Round(0)
	s.waiting = s.unready
}

// anew gives up what is running: a scan is to begin.
func (s *scans) anew() { s.todo, s.running, s.asked = nil, false, true }

// read has a directory read.
func (s *scans) read(dir string) {
	if !slices.Contains(s.todo, dir) {
		s.todo = append(s.todo, dir)
	}
}

// next takes the directory that is to be read now.
func (s *scans) next() (dir string, ok bool) {
	last := len(s.todo) - 1
	if last < 0 {
		return "", false
	}
	dir, s.todo = s.todo[last], s.todo[:last]
	return dir, true
}

// reading reports whether there are directories to read.
func (s *scans) reading() bool { return s.running || len(s.todo) > 0 }

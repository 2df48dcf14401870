package watcher

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
)

const (
	// arrivingEvery is how often a file is looked at again that waits for a transfer
	// beside it. Where there are events, the end of the transfer is one.
	arrivingEvery = 5 * time.Second

	// transferAge is how long nobody may have touched a transfer, neither the file
	// nor what lies beside it, before it holds the file back no longer: it was given
	// up. On a share, whose clock may be another, times prove nothing before
	// transferAgeLong, and until then that has to be seen. Where the server itself
	// says that the file is not whole, transferAgeLong it is.
	transferAge     = time.Hour
	transferAgeLong = 24 * time.Hour

	// emptyLeast is the least that an empty file is waited for.
	emptyLeast = 30 * time.Second

	// listedFor is how long what lies in a directory is taken to be as it was, and
	// listedDirs of how many directories that is remembered.
	listedFor  = time.Second
	listedDirs = 64
)

// emptyWait is how long an empty file of a folder must have held still. Nearly always
// its content is still to come, from a program that closed it and comes back by its
// path. Where no file has to hold still, no empty one has to either.
func emptyWait(f Folder) time.Duration {
	if f.Settle == 0 {
		return 0
	}
	return max(emptyLeast, 8*f.Patience)
}

// arrivals are the files of a folder that held still, but whose transfer is under way:
// as something that lies beside them, or because they are empty.
type arrivals struct {
	*base
	emptyWait time.Duration       // how long an empty file is waited for
	waits     map[string]*arrival // by path
	listed    map[string]listing  // by directory
}

// arrival is what a file waits for.
type arrival struct {
	beside string    // the path of what lies beside it; "" if the file is empty
	as     file.Stat // of beside, when it was seen to change last
	since  time.Time // when that was
	given  bool      // it waits no longer: the transfer was given up
}

// listing is what a directory held of transfers under way.
type listing struct {
	until time.Time
	of    map[string][]string // the names, by the folded names of the files they are for
}

// arrived reports whether the transfer of a file that held still is over, as far as
// can be told from what lies beside it. If not, it is put back.
func (ar *arrivals) arrived(found file.File, now time.Time) bool {
	c := ar.settle.pending[found.Path]
	since := now
	if c != nil {
		since = c.since
	}
	if beside := ar.transfer(found, now); beside != "" {
		a, until := ar.observeTransfer(found, beside, since, now)
		if now.Before(until) {
			ar.add(found.Path, a)
			ar.settle.putBack(found.Path, found.Stat, now, earlier(now.Add(arrivingEvery), until), false)
			return false
		}
		if a != nil {
			ar.giveUp(found.Path, a)
			return true
		}
	} else if until := ar.emptyUntil(found, since); found.Size == 0 && now.Before(until) {
		ar.add(found.Path, &arrival{})
		ar.settle.putBack(found.Path, found.Stat, now, until, false)
		return false
	}
	delete(ar.waits, found.Path)
	return true
}

// giveUp says that a file waits no longer for the transfer beside it. The file may have
// to pass here again until it is taken.
func (ar *arrivals) giveUp(rel string, a *arrival) {
	if !a.given {
		ar.log.Warn().Str("path", rel).Str("beside", a.beside).
			Msg("a transfer lies beside the file that nobody has touched for long: the file is taken as it is")
	}
	a.given = true
	ar.add(rel, a)
}

// emptyUntil is until when an empty file is waited for, which was seen as it is since.
func (ar *arrivals) emptyUntil(found file.File, since time.Time) time.Time {
	seen := since.Add(ar.emptyWait)
	age, known := found.Stat.Age(ar.now())
	if !known || ar.foreign(found.Path) { // by another clock, whose ages prove nothing
		return seen
	}
	return earlier(seen, ar.now().Add(ar.emptyWait+ar.steps.forward(ar.now())-age))
}

// observeTransfer looks at what lies beside a file, which itself was seen as it is
// since, and tells until when it holds the file back.
func (ar *arrivals) observeTransfer(found file.File, beside string, since, now time.Time) (*arrival, time.Time) {
	st, err := ar.tree.look(beside, false)
	if err != nil {
		return nil, now // it is gone
	}
	a := ar.waits[found.Path]
	if as := file.StatOfSys(&st); a == nil || a.beside != beside || a.as != as {
		a = &arrival{beside: beside, as: as, since: now}
	}
	age, asSeen := transferAge, transferAge
	if ar.foreign(found.Path) {
		age = transferAgeLong
	}
	if isTusInfo(beside) { // it does not guess
		age, asSeen = transferAgeLong, transferAgeLong
	}
	seen := later(a.since, since).Add(asSeen)
	touched, known := filetime.Time(max(a.as.ModTime, found.ModTime))
	if !known || touched.After(now) { // a clock that is ahead, or a date that was made up
		return a, seen
	}
	return a, earlier(seen, touched.Add(age))
}

// transfer returns what lies beside a file, or beside a directory that it is in, and
// tells of a transfer of it; "" for nothing.
func (ar *arrivals) transfer(found file.File, now time.Time) string {
	for at := found.Path; at != "."; at = path.Dir(at) {
		dir, name := path.Dir(at), file.Fold(path.Base(at))
		of := ar.transfersIn(dir, now)
		names := of[name]
		if s := streamOf(name); s != "" {
			names = slices.Concat(names, of[s])
		}
		for _, other := range names {
			if rel := path.Join(dir, other); rel != at {
				return rel
			}
		}
		if at == found.Path && len(of[name+tusInfo]) > 0 && ar.tusUnfinished(found) {
			return at + tusInfo
		}
	}
	return ""
}

// transfersIn returns what lies in a directory of transfers under way, by the folded
// names of the files that it is for.
func (ar *arrivals) transfersIn(dir string, now time.Time) map[string][]string {
	if l, ok := ar.listed[dir]; ok && now.Before(l.until) {
		return l.of
	}
	ar.room(dir)
	of := make(map[string][]string)
	list, err := ar.tree.dir(dir)
	if err != nil { // said by whoever reads it for its files
		return nil
	}
	defer list.Close() // nothing was written
	begun := time.Now()
	for err == nil {
		var names []string
		names, err = list.Readdirnames(batchSize)
		for _, name := range names {
			folded := file.Fold(name)
			for _, owner := range transferOf(folded) {
				of[owner] = append(of[owner], name)
			}
			if isTusInfo(folded) {
				of[folded] = append(of[folded], name)
			}
		}
	}
	// Most of the time is for something else, however large the directory is.
	ar.listed[dir] = listing{until: now.Add(max(listedFor, 10*time.Since(begun))), of: of}
	return of
}

// room makes room for the listing of a directory. Those of the directories above it
// stay: they may be large, and are asked for again with each directory in them.
func (ar *arrivals) room(dir string) {
	if ar.listed == nil {
		ar.listed = make(map[string]listing)
	}
	for other := range ar.listed {
		if len(ar.listed) < listedDirs {
			return
		}
		if other != "." && !strings.HasPrefix(dir, other+"/") {
			delete(ar.listed, other)
		}
	}
}

// stirred notes that something came, or went, that may be a transfer under way.
func (ar *arrivals) stirred(rel string, gone bool) {
	if name := file.Fold(path.Base(rel)); len(transferOf(name)) > 0 || isTusInfo(name) {
		delete(ar.listed, path.Dir(rel))
	}
	if !gone {
		return
	}
	for of, a := range ar.waits {
		if c := ar.settle.pending[of]; a.beside == rel && c != nil && c.index >= 0 {
			ar.settle.enqueue(c, ar.now())
		}
	}
}

// add notes what a file waits for.
func (ar *arrivals) add(rel string, what *arrival) {
	if ar.waits == nil {
		ar.waits = make(map[string]*arrival)
	}
	ar.waits[rel] = what
}

// tidy forgets the files that changed, went or were taken since.
func (ar *arrivals) tidy() {
	maps.DeleteFunc(ar.waits, func(rel string, _ *arrival) bool { return !ar.settle.heldStill(rel) })
}

// some is how many things there are, and the first of them by name.
type some struct {
	n     int
	first string
}

func (s *some) count(name string) {
	if s.n++; s.n == 1 || name < s.first {
		s.first = name
	}
}

// sum counts the files that wait for what lies beside them, naming that, and those
// that are empty.
func (ar *arrivals) sum() (arriving, empty some) {
	for rel, w := range ar.waits {
		if w.given {
			continue
		}
		if w.beside == "" {
			empty.count(rel)
		} else {
			arriving.count(w.beside)
		}
	}
	return arriving, empty
}

// earlier returns the earlier of two times.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

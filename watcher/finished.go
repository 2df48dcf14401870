package watcher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

const (
	// openEvery is how often a file that a writer holds open is looked at:
	// no event of fsnotify's tells that it was closed.
	openEvery = 500 * time.Millisecond

	// openSaid is how long it may be before that is said.
	openSaid = 10 * time.Minute

	// endsGap is the least time between two looks at the ends of a file.
	endsGap = time.Second

	// blankFactor makes a file wait that ends in zeros: a copy whose space
	// was reserved in one piece looks finished from outside while its middle
	// is being filled. It cannot wait for ever, because some files do end so.
	blankFactor = 10
)

// deliver takes files of one directory, looked at since seen, that held still or
// are not pending, and emits those that held still and are finished. The receiver
// is asked first which are new to it: what it knows never settles again, and to
// find out whether a file is finished costs more than all before.
func (f *folder) deliver(ctx context.Context, files []file.File, seen time.Time) error {
	if len(files) == 0 || ctx.Err() != nil {
		return nil // at the end: the next scan finds them again
	}
	fresh, err := f.fresh(ctx, files)
	if err != nil {
		return err
	}
	finished := make([]file.File, 0, len(fresh))
	for _, file := range fresh {
		if !f.tree.attends(file.Path) && f.gates.heldStill(file, seen) && f.gates.finished(file) {
			finished = append(finished, file)
		}
	}
	if len(finished) > 0 {
		f.pulse.idle()
		err := f.emit(ctx, finished)
		f.pulse.busy()
		if err != nil {
			return f.failure(fmt.Errorf("hand over %d settled files: %w", len(finished), err))
		}
	}
	for _, file := range finished {
		f.notes.tell(note{what: noteReady, rel: file.Path})
	}
	for _, file := range files {
		if !f.settle.queued(file.Path) {
			f.settle.forget(file.Path)
			f.left(file.Path)
		}
	}
	return nil
}

// fresh returns the files that the receiver does not know. Of one that is pending
// it may have said so before.
func (f *folder) fresh(ctx context.Context, files []file.File) ([]file.File, error) {
	if f.known == nil {
		return files, nil
	}
	var fresh []file.File
	ask := files
	if len(f.settle.pending) > 0 {
		ask = make([]file.File, 0, len(files))
		for _, file := range files {
			if f.settle.asked(file.Path) {
				fresh = append(fresh, file)
			} else {
				ask = append(ask, file)
			}
		}
	}
	if len(ask) == 0 {
		return fresh, nil
	}
	f.pulse.idle()
	unknown, err := f.known(ctx, ask)
	f.pulse.busy()
	if err != nil {
		return nil, f.failure(fmt.Errorf("look up %d settled files: %w", len(ask), err))
	}
	return append(fresh, unknown...), nil
}

// gates are what a file passes that is new to the receiver, before it is emitted.
type gates struct {
	*base
	arrivals  *arrivals
	troubles  *troubles
	leaseless bool // it was said that leases cannot be had
	unopened  bool // it was said that a file may not be read
}

// heldStill reports whether a file that is new to the receiver has held still. If
// not, it is pending from now.
func (g *gates) heldStill(file file.File, seen time.Time) bool {
	fp := file.Stat
	if g.names.ready.used() || g.settle.waits(file.Path) || g.settle.old(file.Path, fp, seen) {
		return true
	}
	now := g.now()
	c := g.settle.begin(file.Path, fp, now)
	if age, known := fp.Age(seen); known && !g.scan.whole && g.foreign(file.Path) && age >= g.conf.Patience+shareSkew {
		c.aged = true
		g.settle.enqueue(c, now.Add(g.conf.Patience)) // nothing is done with it before
	}
	return false
}

// finished reports whether nobody is writing a file any more that held still. If
// someone may be, the file is put back.
func (g *gates) finished(file file.File) bool {
	fp, now := file.Stat, g.now()
	told := false
	if g.names.ready.used() {
		switch g.announced(file) {
		case absent:
			g.scan.unready++
			g.notes.tell(note{what: noteUnready, rel: file.Path, scan: g.scan.number})
			return false // its sentinel's event, or the next scan, leads here again
		case stale:
			if !g.settle.observe(file.Path, fp, now) {
				g.notes.tell(note{what: noteReady, rel: file.Path}) // it is settling instead
				return false
			}
		case present:
			told = true
		}
	}
	v := unsure
	if g.root.leases {
		var err error
		if v, err = g.tree.probe(file.Path, fp); errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			g.cannotProbe(file.Path, err)
		}
	}
	switch v {
	case free, unsure:
	case busy, changed:
		c := g.settle.putBack(file.Path, fp, now, now.Add(openEvery), v == busy)
		if v == busy && !c.said && now.Sub(c.since) >= openSaid {
			c.said = true
			g.log.Info().Str("path", file.Path).Msg("file does not change, but a program has it open for writing: it is ingested when that closes it")
		}
		return false
	}
	return told || g.arrivals.arrived(file, now) && (v == free || g.patient(file, now))
}

// patient decides where nothing tells whether a file is still written: it must
// have held still for longer, and its ends must be what they were when it first
// had held still at all.
//
// An age by our own clock proves as much. One by the clock of a server does not, but
// of what was old when the folder was first read only the size and times are looked
// at: an archive of a million files costs a second look at each, not its bytes.
func (g *gates) patient(file file.File, now time.Time) bool {
	fp := file.Stat
	foreign := g.foreign(file.Path)
	if age, known := fp.Age(now); known && !foreign && age >= g.conf.Patience+g.steps.forward(now) && !g.settle.heldStill(file.Path) {
		return true // nobody saw it change
	}
	c := g.settle.putBack(file.Path, fp, now, now.Add(max(g.conf.Patience, endsGap)), false)
	if c.aged {
		if now.Sub(c.since) >= g.conf.Patience {
			g.settle.unqueue(c)
			return true
		}
		g.settle.enqueue(c, c.since.Add(g.conf.Patience))
		return false
	}
	before := c.ends
	after, err := g.tree.readEnds(file.Path, fp.Size)
	if g.troubles.locked(file.Path, err) {
		c.since, c.ends = now, nil // nobody can tell what became of its bytes
		g.settle.enqueue(c, now.Add(max(g.conf.Settle, endsGap)))
		return false
	}
	c.ends = &after
	enough := g.conf.Patience
	if after.blank {
		enough *= blankFactor // with a look now and then
	}
	switch {
	case before == nil:
		g.settle.enqueue(c, later(c.since.Add(g.conf.Patience), now.Add(endsGap)))
	case *before != after:
		c.since = now // a change that size and times did not show
	case now.Sub(c.since) >= enough:
		g.settle.unqueue(c)
		return true
	}
	return false
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// announcement is what a sentinel says of its file.
type announcement int

const (
	absent announcement = iota
	stale               // it is older than the file's content
	present
)

// announced looks for the sentinel of a file. One that is older than the file
// was made for content before: then the rules are those of any other file, so
// that nothing is taken half-written and nothing waits for ever.
func (g *gates) announced(file file.File) announcement {
	a := g.sentinel(file.Path, file.ModTime)
	if dir := topDir(file.Path); a != present && g.conf.Drops && dir != "" {
		a = max(a, g.sentinel(dir, file.ModTime))
	}
	return a
}

// sentinel looks for the sentinel of a file or directory.
func (g *gates) sentinel(rel string, modTime int64) announcement {
	a := absent
	for _, name := range g.names.ready.all(rel) {
		switch st, err := g.tree.look(name, false); {
		case err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG: // a producer makes a file, and nothing else
		case file.StatOfSys(&st).ModTime < modTime:
			a = stale
		default:
			return present
		}
	}
	return a
}

// cannotProbe says once what keeps the kernel from telling whether a file is still
// written: that it may not even be opened, or that leases would make the folder faster.
func (g *gates) cannotProbe(rel string, err error) {
	if !errors.Is(err, errNoLease) {
		if !g.unopened {
			g.unopened = true
			g.log.Warn().Str("path", rel).Err(err).
				Msg("the daemon's user may not read this file: its mode, its owner or an access list says so; let the user or its group read it")
		}
		return
	}
	if g.leaseless {
		return
	}
	g.leaseless = true
	g.log.Warn().Str("path", rel).Err(err).Stringer("quiet", g.conf.Patience).
		Msg("cannot tell whether files of other users are still being written: they wait longer; grant the daemon CAP_LEASE to avoid it")
}

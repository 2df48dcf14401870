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
		if !f.tree.attends(file.Path) && f.heldStill(file, seen) && f.finished(file) {
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
		f.drops.found(file.Path)
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

// heldStill reports whether a file that is new to the receiver has held still. If
// not, it is pending from now.
func (f *folder) heldStill(file file.File, seen time.Time) bool {
	fp := file.Stat
	if f.names.ready.used() || f.settle.waits(file.Path) || f.settle.old(file.Path, fp, seen) {
		return true
	}
	now := f.now()
	c := f.settle.begin(file.Path, fp, now)
	if age, known := fp.Age(seen); known && !f.readOnce && f.foreign(file.Path) && age >= f.conf.Patience+shareSkew {
		c.aged = true
		f.settle.enqueue(c, now.Add(f.conf.Patience)) // nothing is done with it before
	}
	return false
}

// finished reports whether nobody is writing a file any more that held still. If
// someone may be, the file is put back.
func (f *folder) finished(file file.File) bool {
	fp, now := file.Stat, f.now()
	told := false
	if f.names.ready.used() {
		switch f.announced(file) {
		case absent:
			f.unready++
			f.drops.misses(file.Path, f.scan)
			return false // its sentinel's event, or the next scan, leads here again
		case stale:
			if !f.settle.observe(file.Path, fp, now) {
				f.drops.found(file.Path) // it is settling instead
				return false
			}
		case present:
			told = true
		}
	}
	v := unsure
	if f.root.leases {
		var err error
		if v, err = f.tree.probe(file.Path, fp); errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			f.cannotProbe(file.Path, err)
		}
	}
	switch v {
	case free, unsure:
	case busy, changed:
		c := f.settle.putBack(file.Path, fp, now, now.Add(openEvery), v == busy)
		if v == busy && !c.said && now.Sub(c.since) >= openSaid {
			c.said = true
			f.log.Info().Str("path", file.Path).Msg("file does not change, but a program has it open for writing: it is ingested when that closes it")
		}
		return false
	}
	return told || f.arrived(file, now) && (v == free || f.patient(file, now))
}

// patient decides where nothing tells whether a file is still written: it must
// have held still for longer, and its ends must be what they were when it first
// had held still at all.
//
// An age by our own clock proves as much. One by the clock of a server does not, but
// of what was old when the folder was first read only the size and times are looked
// at: an archive of a million files costs a second look at each, not its bytes.
func (f *folder) patient(file file.File, now time.Time) bool {
	fp := file.Stat
	foreign := f.foreign(file.Path)
	if age, known := fp.Age(now); known && !foreign && age >= f.conf.Patience+f.steps.forward(now) && !f.settle.heldStill(file.Path) {
		return true // nobody saw it change
	}
	c := f.settle.putBack(file.Path, fp, now, now.Add(max(f.conf.Patience, endsGap)), false)
	if c.aged {
		if now.Sub(c.since) >= f.conf.Patience {
			f.settle.unqueue(c)
			return true
		}
		f.settle.enqueue(c, c.since.Add(f.conf.Patience))
		return false
	}
	before := c.ends
	after, err := f.tree.readEnds(file.Path, fp.Size)
	if f.locked(file.Path, err) {
		c.since, c.ends = now, nil // nobody can tell what became of its bytes
		f.settle.enqueue(c, now.Add(max(f.conf.Settle, endsGap)))
		return false
	}
	c.ends = &after
	enough := f.conf.Patience
	if after.blank {
		enough *= blankFactor // with a look now and then
	}
	switch {
	case before == nil:
		f.settle.enqueue(c, later(c.since.Add(f.conf.Patience), now.Add(endsGap)))
	case *before != after:
		c.since = now // a change that size and times did not show
	case now.Sub(c.since) >= enough:
		f.settle.unqueue(c)
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
func (f *folder) announced(file file.File) announcement {
	a := f.sentinel(file.Path, file.ModTime)
	if dir := topDir(file.Path); a != present && f.conf.Drops && dir != "" {
		a = max(a, f.sentinel(dir, file.ModTime))
	}
	return a
}

// sentinel looks for the sentinel of a file or directory.
func (f *folder) sentinel(rel string, modTime int64) announcement {
	a := absent
	for _, name := range f.names.ready.all(rel) {
		switch st, err := f.tree.look(name, false); {
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
func (f *folder) cannotProbe(rel string, err error) {
	if !errors.Is(err, errNoLease) {
		if !f.unopened {
			f.unopened = true
			f.log.Warn().Str("path", rel).Err(err).
				Msg("the daemon's user may not read this file: its mode, its owner or an access list says so; let the user or its group read it")
		}
		return
	}
	if f.leaseless {
		return
	}
	f.leaseless = true
	f.log.Warn().Str("path", rel).Err(err).Stringer("quiet", f.conf.Patience).
		Msg("cannot tell whether files of other users are still being written: they wait longer; grant the daemon CAP_LEASE to avoid it")
}

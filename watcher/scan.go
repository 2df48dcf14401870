package watcher

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// batchSize bounds what is read and emitted at once.
const batchSize = 1000

// looksAtOnce is how many files are looked at at the same time, and looksInTurn how
// many of them make it worth a goroutine.
const looksAtOnce, looksInTurn = 8, 32

// beginScan starts a scan of the whole folder. Directories that events name
// meanwhile join it.
func (f *folder) beginScan() {
	f.scan.begin()
	f.polls.limited = false
	f.troubles.begin()
	f.waiters.begins(f.scan.number)
}

// endScan draws the balance of a scan in which every directory was read.
func (f *folder) endScan() {
	f.scan.end(f.now())
	unreadable := f.troubles.unreadable
	f.notes.tell(note{what: noteScanned, scan: f.scan.number, unreadable: unreadable})
	f.troubles.countUnread()
	if f.whole != nil {
		unread := make(subtrees, len(unreadable))
		for rel := range unreadable {
			unread[rel] = true
		}
		f.whole(f.conf.Name, unread.holds)
	}
	every := f.conf.Rescan
	if !f.notifies() {
		every = f.conf.PollInterval
	}
	f.scan.at = f.now().Add(every)
	if f.watches != nil {
		f.watches.sweep(f.inbox, f.scan.number)
	}
	f.waiters.ends(f.scan.number, f.settle.pending)
	f.answerSettled()
}

// readDir watches one directory, then reads it, in this order, so that what is
// made in between is found by one or the other. Its directories are left for
// later turns.
func (f *folder) readDir(ctx context.Context, rel string) error {
	st, err := f.tree.look(rel, false)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		f.polls.hasWatch(rel)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			delete(f.mounts, rel) // else it is a share that is down, and comes back
		}
		f.cannotRead(rel, err)
		return nil
	}
	id := identity{dev: st.Dev, ino: st.Ino}
	f.polls.noteMount(rel, st.Dev)
	f.polls.watch(rel, id)
	dir, err := f.tree.dir(rel)
	if err != nil {
		f.cannotRead(rel, err)
		return nil
	}
	defer dir.Close() // nothing was written
	if f.polls.exchanged(rel, id, dir) {
		return nil
	}
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(batchSize)
		if err := f.sift(ctx, rel, int(dir.Fd()), entries); err != nil {
			return err
		}
		if len(entries) == batchSize { // more to come, perhaps a million
			if err := f.lookAgain(ctx); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.cannotRead(rel, err)
			break
		}
	}
	return nil
}

// sift sorts the entries of a directory: directories to read, files to deliver if
// they are new, files that are pending and to be looked at again. Links, sockets,
// pipes and devices are none of these.
func (f *folder) sift(ctx context.Context, dir string, fd int, entries []fs.DirEntry) error {
	var sights []sight
	var hidden, ours []string
	for _, e := range entries {
		rel := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && f.names.dir(rel):
			f.scan.todo = append(f.scan.todo, rel)
		case e.Type().IsRegular() && (f.names.file(rel) || f.texts.named(rel) && !junkName(e.Name())):
			if sights == nil {
				sights = make([]sight, 0, len(entries))
			}
			sights = append(sights, sight{rel: rel, name: e.Name()})
		case e.Type().IsRegular() && strings.HasPrefix(e.Name(), "."):
			hidden = append(hidden, rel)
		}
	}
	if f.hidden != nil && len(hidden) > 0 {
		f.hidden(f.conf.Name, hidden)
	}
	seen := f.now() // before the first look: no file must seem older than it was seen
	lookAll(sights, f.now, func(s *sight) (unix.Stat_t, error) { return file.Look(fd, s.name, false) })
	files := make([]file.File, 0, len(sights))
	for _, s := range sights {
		switch {
		case s.err != nil:
			f.cannotRead(s.rel, s.err)
		case s.regular && f.texts.is(s.rel, s.fp):
			ours = append(ours, s.rel)
		case !f.names.file(s.rel): // it is only named as a text of ours
		case s.regular && f.settle.waits(s.rel) && f.foreign(s.rel) && !f.names.ready.used():
			f.settle.note(s.rel, s.fp, s.at) // lookAgain takes the look that counts
		case s.regular && (!f.settle.waits(s.rel) || f.still(s.rel, s.fp, s.at)):
			files = append(files, f.file(s.rel, s.fp))
		}
	}
	if f.met != nil && len(ours) > 0 {
		f.met(f.conf.Name, ours)
	}
	return f.deliver(ctx, files, seen)
}

// sight is what a look at a file showed.
type sight struct {
	rel, name string
	at        time.Time // before the look
	fp        file.Stat
	regular   bool
	err       error
}

// lookAll looks at files: that is most of what a scan does, and on a share most of
// that is waiting.
func lookAll(sights []sight, now func() time.Time, look func(*sight) (unix.Stat_t, error)) {
	var g errgroup.Group
	g.SetLimit(looksAtOnce)
	for few := range slices.Chunk(sights, looksInTurn) {
		g.Go(func() error {
			for i := range few {
				s := &few[i]
				s.at = now()
				var st unix.Stat_t
				st, s.err = look(s)
				s.fp, s.regular = file.StatOfSys(&st), st.Mode&unix.S_IFMT == unix.S_IFREG
			}
			return nil
		})
	}
	_ = g.Wait() // each sight has its own error
}

// look looks at one path that an event named.
func (f *folder) look(ctx context.Context, rel string, created bool) error {
	if f.names.ready.is(rel) {
		of, one := f.names.ready.file(rel)
		if one && len(file.Forms(of)) > 1 { // its letters may be composed in another way on the disk
			one = f.tree.has(of)
		}
		if !one {
			f.scan.read(path.Dir(rel))
			return nil
		}
		rel = of
	}
	if junkName(path.Base(rel)) {
		f.arrivals.stirred(rel, false)
		return nil
	}
	now := f.now()
	st, err := f.tree.look(rel, false)
	if err != nil {
		f.cannotRead(rel, err)
		return nil
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		// One that is not watched was unreadable until now, or is polled.
		if f.names.dir(rel) && (created || !f.watches.has(f.abs(rel)) || f.troubles.couldNotRead(rel)) {
			f.scan.todo = append(f.scan.todo, rel)
		}
	case unix.S_IFREG:
		if fp := file.StatOfSys(&st); f.names.file(rel) && !f.texts.is(rel, fp) && f.still(rel, fp, now) {
			return f.deliver(ctx, []file.File{f.file(rel, fp)}, now)
		}
	}
	return nil
}

// lookAgain looks at the files whose time has come, and passes on those that held
// still, by directory.
func (f *folder) lookAgain(ctx context.Context) error {
	seen := f.now()
	var sights []sight
	for _, rel := range f.settle.due(seen, batchSize) {
		sights = append(sights, sight{rel: rel})
	}
	lookAll(sights, f.now, func(s *sight) (unix.Stat_t, error) { return f.tree.look(s.rel, f.foreign(s.rel)) })
	var still []file.File
	for _, s := range sights {
		if s.err != nil || !s.regular || f.texts.is(s.rel, s.fp) {
			f.settle.forget(s.rel)
			f.cannotRead(s.rel, s.err)
			f.left(s.rel)
			continue
		}
		if f.still(s.rel, s.fp, s.at) {
			still = append(still, f.file(s.rel, s.fp))
		}
	}
	slices.SortFunc(still, func(a, b file.File) int {
		return cmp.Or(cmp.Compare(path.Dir(a.Path), path.Dir(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	for len(still) > 0 {
		dir, n := path.Dir(still[0].Path), 1
		for n < len(still) && path.Dir(still[n].Path) == dir {
			n++
		}
		if err := f.deliver(ctx, still[:n:n], seen); err != nil {
			return err
		}
		still = still[n:]
	}
	return nil
}

// still reports whether a file held still. Where its producer says when it is
// complete, that does not matter.
func (f *folder) still(rel string, fp file.Stat, now time.Time) bool {
	return f.names.ready.used() || f.settle.observe(rel, fp, now)
}

// left tells those who wait that a file is no longer settling.
func (f *folder) left(rel string) {
	if len(f.waiters) == 0 {
		return
	}
	f.waiters.left(rel)
	f.answerSettled()
}

func (f *folder) answerSettled() {
	if f.doubted { // a scan begins anew
		return
	}
	f.waiters.answer((*waiter).settled, f.troubles.unread())
}

// cannotRead notes what could not be read, but for what is merely gone, which is no
// trouble, and for what is the trouble of the whole folder.
func (f *folder) cannotRead(rel string, err error) {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return
	}
	if !f.doubted && !errors.Is(err, fs.ErrPermission) {
		_, away := f.inspect(f.conf)
		f.doubted = away != nil
	}
	if !f.doubted { // else the next step says it once
		f.troubles.note(rel, err)
	}
}

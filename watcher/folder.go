package watcher

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
)

const (
	// rootCheck is how often a folder's root and marker are looked at:
	// nothing tells when a root is replaced, or a share mounted.
	rootCheck = 3 * time.Second

	// shareSkew is how far a file server's clock is behind ours at most, as a rule.
	// Beyond it a file that was there before us is spared to have its ends read. It is
	// seen holding still all the same.
	shareSkew = time.Hour
)

// folder watches one drop folder. All but conf, names, inbox, ended, pulse and drops
// belongs to the goroutine in run.
type folder struct {
	conf  Folder
	names filter
	inbox *inbox
	ended atomic.Bool
	pulse pulse
	drops *drops // nil unless asked for

	emit    Emit
	known   Known
	whole   Scanned
	removed Removed
	hidden  Hidden
	report  func(State)
	log     zerolog.Logger
	now     func() time.Time
	inspect func(Folder) (root, error)
	// watches is nil where no events can be had: then the folder is polled.
	watches *watches

	root      root   // of the last look; zero while paused
	tree      *tree  // what is below it
	device    uint64 // of the last root; zero before the first
	settle    *settler
	steps     steps // of our clock
	readOnce  bool  // a scan of this root has ended
	paused    string
	unwatched subtrees // polled, because the kernel gives no more watches
	limited   bool     // it refused one; not asked again before the next scan or poll
	mounts    subtrees // of file systems mounted below that are not local
	leaseless bool     // it was said that leases cannot be had
	unopened  bool     // it was said that a file may not be read
	arrivals  arrivals // files whose transfer is under way in some other file
	unready   int      // files without their sentinel that the running scan met
	waiting   int      // and the latest whole one

	checkEvery time.Duration
	emptyWait  time.Duration
	checkAt    time.Time // the next look at the root
	doubted    bool      // the root is to be looked at before anything else
	scanAt     time.Time // the next scan by the clock; zero for none
	pollAt     time.Time // the next look at unwatched and mounts; zero for none
	scanNow    bool      // a scan was asked for
	scan       uint64    // number of the latest scan
	scanning   bool
	scanned    time.Time // when the latest scan ended
	todo       []string  // directories to read, relative; read from the end

	waiters    []*waiter
	unreadable map[string]error // what this scan could not read
	warned     map[string]error // what the scan before could not read
	blocked    int              // how much the latest whole scan, or an event since, could not read
	blockedBy  string           // and the first of it, with the reason
	locks      locks            // files that wait for another program
}

func newFolder(conf Folder, o Options) *folder {
	f := &folder{
		conf:       conf,
		names:      newFilter(conf),
		inbox:      newInbox(),
		emit:       o.Emit,
		known:      o.Known,
		whole:      o.Scanned,
		removed:    o.Removed,
		hidden:     o.Hidden,
		report:     o.Report,
		log:        o.Log.With().Str("folder", conf.Name).Logger(),
		now:        o.Clock,
		inspect:    inspect,
		drops:      newDrops(conf),
		checkEvery: rootCheck,
		emptyWait:  emptyWait(conf),
		tree:       &tree{},
		unreadable: make(map[string]error),
		locks:      make(locks),
	}
	f.settleAnew()
	return f
}

// settleAnew forgets the files that are not settled yet.
func (f *folder) settleAnew() {
	f.drops.reset()
	f.settle = newSettler(f.conf.Settle, f.conf.Settle)
	f.settle.drops, f.settle.foreign, f.settle.steps = f.drops, f.foreign, &f.steps
	f.settle.touchable = func(rel string) bool { return f.root.leases && !f.foreign(rel) } // writers show
}

// foreign reports whether a file may lie on a file system whose files are changed on
// other machines and stamped by another clock.
func (f *folder) foreign(rel string) bool {
	return !f.root.kind.Trusted() || f.mounts.holds(path.Dir(rel))
}

// run watches until ctx ends. Its error is the receiver's.
func (f *folder) run(ctx context.Context) error {
	defer f.ended.Store(true)
	for ctx.Err() == nil {
		if err := f.step(ctx); err != nil {
			return err
		}
		if len(f.todo) == 0 && !f.doubted {
			f.sleep(ctx)
		}
	}
	f.tree.close()
	return nil
}

// walk emits what there is, once. The first error says what could not be
// walked, which is no reason to stop others; the second ends all.
func (f *folder) walk(ctx context.Context) (incomplete, err error) {
	defer f.ended.Store(true)
	defer func() { f.tree.close() }()          // another one by then
	f.emptyWait = min(f.emptyWait, emptyLeast) // nobody waits for a walk that waits for nothing
	for ctx.Err() == nil {
		if err := f.step(ctx); err != nil {
			return nil, err
		}
		f.scanAt = time.Time{} // one scan is all
		switch {
		case f.paused != "":
			return f.failure(fmt.Errorf("%w: %s", ErrPaused, f.paused)), nil
		case len(f.todo) > 0, f.doubted:
		case f.scan > 0 && !f.scanning && !f.scanNow && len(f.settle.pending) == 0:
			return f.unread(), nil
		default:
			f.sleep(ctx)
		}
	}
	return nil, context.Cause(ctx)
}

// step does one round of what there is to do.
func (f *folder) step(ctx context.Context) error {
	f.pulse.busy()
	defer f.pulse.idle()
	f.steps.begin(f.now())
	if f.doubted || !f.now().Before(f.checkAt) {
		f.check()
	}
	if err := f.takeMail(ctx); err != nil {
		return err
	}
	if f.paused == "" {
		if err := f.turn(ctx); err != nil {
			return err
		}
	}
	f.tell()
	return nil
}

// turn does what there is to do: begins a scan, looks at the files that are
// due, reads one directory.
func (f *folder) turn(ctx context.Context) error {
	if !f.scanning && (f.scanNow || f.scanDue()) {
		f.beginScan()
	}
	if !f.pollAt.IsZero() && !f.now().Before(f.pollAt) {
		f.pollSubtrees()
	}
	f.drops.reads(f.scanning || len(f.todo) > 0)
	if err := f.lookAgain(ctx); err != nil {
		return err
	}
	if last := len(f.todo) - 1; last >= 0 {
		rel := f.todo[last]
		f.todo = f.todo[:last]
		if err := f.readDir(ctx, rel); err != nil {
			return err
		}
	}
	if f.scanning && len(f.todo) == 0 && !f.doubted {
		f.endScan()
	}
	f.drops.reads(f.scanning || len(f.todo) > 0)
	return nil
}

// scanDue reports whether the clock asks for a scan.
func (f *folder) scanDue() bool { return !f.scanAt.IsZero() && !f.now().Before(f.scanAt) }

// sleep waits for mail, the next thing that is due, or the end.
func (f *folder) sleep(ctx context.Context) {
	f.tree.close()
	until := f.checkAt
	if f.paused == "" && !f.scanAt.IsZero() && f.scanAt.Before(until) {
		until = f.scanAt
	}
	if f.paused == "" && !f.pollAt.IsZero() && f.pollAt.Before(until) {
		until = f.pollAt
	}
	if due, ok := f.settle.next(); ok && due.Before(until) {
		until = due
	}
	timer := time.NewTimer(until.Sub(f.now()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-f.inbox.wake:
	}
}

// check looks at the root: is it there, is it mounted, is it still the same
// directory? Nothing is concluded from a folder that is not.
func (f *folder) check() {
	f.checkAt = f.now().Add(f.checkEvery)
	f.tree.close() // it is opened anew, by a path that may lead elsewhere by now
	at, err := f.inspect(f.conf)
	if f.doubted { // what could not be read was passed over
		f.scanAnew()
		f.doubted = false
	}
	switch {
	case err != nil && f.paused != err.Error():
		f.leaveRoot()
		f.conf.Claim.Release() // what is to be unmounted must not be held open
		f.paused = err.Error()
		f.log.Warn().Str("reason", f.paused).Stringer("again_in", f.checkEvery).Msg("folder paused")
	case err == nil && !f.root.same(at, !f.notifies()):
		back := f.paused != "" || f.scan > 0
		f.leaveRoot()
		f.paused, f.root, f.tree = "", at, &tree{path: at.path}
		f.settleAnew()
		f.scanNow = true
		if at.kind == unknown && f.conf.Mode == ModeAuto && f.watches != nil {
			f.log.Info().Stringer("poll_interval", f.conf.PollInterval).
				Msg("folder is polled, because its file system is not known; `watch: notify` is faster where all changes are made on this machine")
		}
		switch {
		case f.device != 0 && f.device != at.id.dev && f.conf.Marker == "":
			f.log.Warn().Msg("the folder is on another file system than before: scanning it; if its share was unmounted, files on their way count as gone: name a file in `marker` that only the share has")
		case back:
			f.log.Info().Msg("folder is there (again): scanning it")
		}
		f.device = at.id.dev
	}
	if f.paused != "" && len(f.waiters) > 0 {
		f.answer(func(*waiter) bool { return true }, f.failure(fmt.Errorf("%w: %s", ErrPaused, f.paused)))
	}
}

// leaveRoot forgets all that was known below the root.
func (f *folder) leaveRoot() {
	if f.watches != nil && f.root.path != "" {
		f.watches.drop(f.root.path)
	}
	f.tree.close()
	f.root, f.tree, f.readOnce = root{}, &tree{}, false
	f.settleAnew()
	f.limited = false
	f.unwatched, f.mounts, f.pollAt = nil, nil, time.Time{}
	f.scanAnew()
}

// scanAnew has a scan begin, for those, too, who wait for one that is cut short.
func (f *folder) scanAnew() {
	f.todo, f.scanning, f.scanNow = nil, false, true
	for _, wt := range f.waiters {
		wt.scan, wt.left = 0, nil
	}
}

// takeMail acts on what came into the inbox.
func (f *folder) takeMail(ctx context.Context) error {
	m := f.inbox.take()
	f.waiters = append(f.waiters, m.waiters...)
	f.scanNow = f.scanNow || m.rescan
	if f.paused != "" {
		if len(m.waiters) > 0 || m.rescan {
			f.check() // the operator may just have mounted it
		}
		return nil
	}
	for _, ev := range m.events {
		if err := f.handle(ctx, ev); err != nil {
			return err
		}
	}
	f.tellRemoved(m.events)
	return nil
}

// tellRemoved passes on which paths have gone, if all is well with the folder.
func (f *folder) tellRemoved(events []fsnotify.Event) {
	if f.removed == nil || f.paused != "" || f.doubted {
		return
	}
	var gone []string
	for _, ev := range events {
		if rel, ok := f.below(ev.Name); ok && (ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename)) {
			gone = append(gone, rel)
		}
	}
	if len(gone) > 0 {
		f.removed(f.conf.Name, gone)
	}
}

// below returns the path of what an event named, below the root; false if it is of a
// root before this one.
func (f *folder) below(name string) (string, bool) {
	rel, err := filepath.Rel(f.root.path, name)
	return rel, err == nil && filepath.IsLocal(rel)
}

// handle acts on one event. Its name may be stale: whatever is done is done
// after a fresh look.
func (f *folder) handle(ctx context.Context, ev fsnotify.Event) error {
	gone := ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename)
	if ev.Name == f.root.path {
		if gone {
			// The watch is lost even if the same directory comes back.
			f.leaveRoot()
			f.check()
		}
		return nil
	}
	rel, ok := f.below(ev.Name)
	if !ok {
		return nil
	}
	if gone {
		f.watches.drop(ev.Name)
		f.drops.found(rel)
		f.stirred(rel, true)
		return nil
	}
	if !ev.Has(fsnotify.Create) && f.settle.waits(rel) && f.arrivals.waits[rel] == nil {
		return nil // it is looked at when it is due
	}
	return f.look(ctx, rel, ev.Has(fsnotify.Create))
}

// notifies reports whether the folder is one to watch for events.
func (f *folder) notifies() bool {
	if f.watches == nil || f.conf.Mode == ModePoll {
		return false
	}
	return f.conf.Mode == ModeNotify || f.root.path == "" || f.root.kind == local
}

// mode returns the watch mode in force.
func (f *folder) mode() Mode {
	if f.notifies() && len(f.unwatched) == 0 && !f.pollsMounts() {
		return ModeNotify
	}
	return ModePoll
}

// answer ends the waiters that which chooses.
func (f *folder) answer(which func(*waiter) bool, err error) {
	kept := f.waiters[:0]
	for _, wt := range f.waiters {
		if which(wt) {
			wt.done <- err
		} else {
			kept = append(kept, wt)
		}
	}
	clear(f.waiters[len(kept):])
	f.waiters = kept
}

func (f *folder) failure(err error) error {
	return fmt.Errorf("folder %q: %w", f.conf.Name, err)
}

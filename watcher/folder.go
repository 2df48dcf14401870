package watcher

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
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

// folder watches one drop folder. All but ended and pulse belongs to the goroutine in
// run, and so do its parts.
type folder struct {
	*base
	ended atomic.Bool
	pulse pulse

	emit    Emit
	known   Known
	whole   Scanned
	removed Removed
	hidden  Hidden
	met     Met
	report  func(State)

	inspect    func(Folder) (root, error)
	device     uint64 // of the last root; zero before the first
	paused     string // why nothing is looked at; "" while all is well
	checkEvery time.Duration
	checkAt    time.Time // the next look at the root
	doubted    bool      // the root is to be looked at before anything else

	polls    *polls
	gates    *gates
	arrivals *arrivals
	troubles *troubles
	texts    *texts
	waiters  waiters
}

func newFolder(conf Folder, o Options) *folder {
	b := &base{
		conf:  conf,
		names: newFilter(conf),
		inbox: newInbox(),
		log:   o.Log.With().Str("folder", conf.Name).Logger(),
		now:   o.Clock,
		tree:  &tree{},
	}
	b.settleAnew()
	arrivals := &arrivals{base: b, emptyWait: emptyWait(conf)}
	troubles := &troubles{base: b, unreadable: make(map[string]error), locks: make(map[string]bool)}
	return &folder{
		base:       b,
		emit:       o.Emit,
		known:      o.Known,
		whole:      o.Scanned,
		removed:    o.Removed,
		hidden:     o.Hidden,
		met:        o.Met,
		report:     o.Report,
		inspect:    inspect,
		checkEvery: rootCheck,
		polls:      &polls{base: b},
		gates:      &gates{base: b, arrivals: arrivals, troubles: troubles},
		arrivals:   arrivals,
		troubles:   troubles,
		texts:      &texts{base: b},
	}
}

// run watches until ctx ends. Its error is the receiver's.
func (f *folder) run(ctx context.Context) error {
	defer f.ended.Store(true)
	for ctx.Err() == nil {
		if err := f.step(ctx); err != nil {
			return err
		}
		if len(f.scan.todo) == 0 && !f.doubted {
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
	defer func() { f.tree.close() }()                            // another one by then
	f.arrivals.emptyWait = min(f.arrivals.emptyWait, emptyLeast) // nobody waits for a walk that waits for nothing
	for ctx.Err() == nil {
		if err := f.step(ctx); err != nil {
			return nil, err
		}
		f.scan.at = time.Time{} // one scan is all
		switch {
		case f.paused != "":
			return f.failure(fmt.Errorf("%w: %s", ErrPaused, f.paused)), nil
		case len(f.scan.todo) > 0, f.doubted:
		case f.scan.number > 0 && !f.scan.running && !f.scan.asked && len(f.settle.pending) == 0:
			return f.troubles.unread(), nil
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
	if f.scan.due(f.now()) {
		f.beginScan()
	}
	if !f.polls.at.IsZero() && !f.now().Before(f.polls.at) {
		f.polls.readAgain()
	}
	f.tellReading()
	if err := f.lookAgain(ctx); err != nil {
		return err
	}
	if rel, ok := f.scan.next(); ok {
		if err := f.readDir(ctx, rel); err != nil {
			return err
		}
	}
	if f.scan.running && len(f.scan.todo) == 0 && !f.doubted {
		f.endScan()
	}
	f.tellReading()
	return nil
}

// tellReading tells whether there is more to read.
func (f *folder) tellReading() {
	what := noteRead
	if f.scan.reading() {
		what = noteReading
	}
	f.notes.tell(note{what: what})
}

// sleep waits for mail, the next thing that is due, or the end.
func (f *folder) sleep(ctx context.Context) {
	f.tree.close()
	until := f.checkAt
	if f.paused == "" && !f.scan.at.IsZero() && f.scan.at.Before(until) {
		until = f.scan.at
	}
	if f.paused == "" && !f.polls.at.IsZero() && f.polls.at.Before(until) {
		until = f.polls.at
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
		back := f.paused != "" || f.scan.number > 0
		f.leaveRoot()
		f.paused, f.root, f.tree = "", at, &tree{path: at.path}
		f.settleAnew()
		f.scan.asked = true
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
		f.waiters.answer(func(*waiter) bool { return true }, f.failure(fmt.Errorf("%w: %s", ErrPaused, f.paused)))
	}
}

// leaveRoot forgets all that was known below the root.
func (f *folder) leaveRoot() {
	if f.watches != nil && f.root.path != "" {
		f.watches.drop(f.root.path)
	}
	f.tree.close()
	f.root, f.tree, f.scan.whole = root{}, &tree{}, false
	f.settleAnew()
	f.polls.reset()
	f.scanAnew()
}

// scanAnew has a scan begin, for those, too, who wait for one that is cut short.
func (f *folder) scanAnew() {
	f.scan.anew()
	f.waiters.anew()
}

// takeMail acts on what came into the inbox.
func (f *folder) takeMail(ctx context.Context) error {
	m := f.inbox.take()
	f.waiters = append(f.waiters, m.waiters...)
	f.scan.asked = f.scan.asked || m.rescan
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
		f.notes.tell(note{what: noteReady, rel: rel})
		f.arrivals.stirred(rel, true)
		return nil
	}
	if !ev.Has(fsnotify.Create) && f.settle.waits(rel) && f.arrivals.waits[rel] == nil {
		return nil // it is looked at when it is due
	}
	return f.look(ctx, rel, ev.Has(fsnotify.Create))
}

// mode returns the watch mode in force.
func (f *folder) mode() Mode {
	if f.notifies() && len(f.polls.unwatched) == 0 && !f.polls.ofMounts() {
		return ModeNotify
	}
	return ModePoll
}

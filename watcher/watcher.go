package watcher

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Mode says how changes below a folder are noticed.
type Mode string

// The modes. In a State only notify and poll occur.
const (
	ModeAuto   Mode = "auto"   // notify where all changes cause events, poll elsewhere; also ""
	ModeNotify Mode = "notify" // events, and a scan now and then as a safety net
	ModePoll   Mode = "poll"   // scans only
)

// Defaults for a Folder whose intervals are zero.
const (
	DefaultRescan       = 5 * time.Minute
	DefaultPollInterval = 30 * time.Second
	DefaultPatience     = 15 * time.Second
)

// Why a walk or a scan is not complete. Neither is an error of Run.
var (
	ErrPaused     = errors.New("folder paused")               // missing, not mounted, or not readable
	ErrUnreadable = errors.New("something could not be read") // within the folder
)

// Folder is one drop folder to watch. All patterns and paths but Path are
// relative to it and slash-separated; patterns are doublestar's.
type Folder struct {
	Name string
	Path string // may be or contain a symbolic link; below it none is followed

	Include []string // files wanted; none means all
	// Companion tells files that only speak of others, by their paths: they are
	// wanted whatever Include says. Nil: there are none.
	Companion func(rel string) bool
	Exclude   []string // files and whole directories not wanted, besides the junk list
	Skip      []string // directories never entered, such as where files are moved to when done
	Marker    string   // a file that must exist, else the folder counts as not mounted; "" for none

	// Ready is the name of what a producer makes beside a file when the file
	// is complete, such as "{name}.done" or "{stem}.done"; "" for none. With
	// it a file is settled as soon as that is there, and not before. Files of
	// such names are never emitted.
	Ready string

	// Settle is how long a file must have held still. Where the kernel can
	// tell whether anyone has the file open for writing, that decides beside
	// it; where it cannot (network shares, files of other users without
	// CAP_LEASE), a file must have held still for Patience, and its first and
	// last bytes must not change meanwhile. Zero is 15 s or twice Settle,
	// whichever is longer.
	Settle, Patience time.Duration

	Rescan       time.Duration // between scans while events are had
	PollInterval time.Duration // between scans while not
	Mode         Mode

	// Claim keeps others off the folder: while they hold it, it is paused. Nil: they may
	// work on it, too.
	Claim *file.Claim

	// Texts are the texts of this program, which are no files; the zero value: there are none.
	Texts Texts

	// Drops has the Watcher take note of what is still to come below each top
	// directory, for Watcher.Drop. A Ready sentinel beside such a directory then
	// stands for those of all files below it.
	Drops bool
}

// State is what is known of a folder beside its files.
type State struct {
	Folder   string
	Watch    Mode      // in force: ModeNotify, or ModePoll if any part of the folder is polled
	Polled   int       // directories polled, each with all below it, because the kernel's watches are used up
	Paused   string    // why the folder is not looked at, or that it hangs; "" while all is well
	Settling int       // files seen that are not settled yet
	Open     int       // those of them that wait only because a writer holds them open
	Waiting  int       // files without their Ready sentinel, as of the latest scan; not in Settling
	LastScan time.Time // when the latest scan ended; zero before the first

	// Arriving is how many of Settling wait for a transfer that is under way in a file
	// beside them, Beside the first of those by name; "" for none.
	Arriving int
	Beside   string
	// Empty is how many of Settling are empty and wait for their content, EmptyFile the
	// first of them by name; "" for none.
	Empty     int
	EmptyFile string

	// Unreadable is how many directories and files cannot be read; Unread is the
	// first of them with the reason, "" for none. Nothing below them is known.
	Unreadable int
	Unread     string
}

// Emit receives settled files: a batch of up to 1,000 from one directory, no
// path twice in it. It is called from one goroutine for each folder, so for
// several folders at once. The same file may come again, in events and in every
// scan. An error ends Run and Walk.
type Emit func(ctx context.Context, files []file.File) error

// Known returns those of a batch that the receiver does not know as they are.
// Only they are looked at closely, and emitted. It is called as Emit is, and
// must not change files. An error ends Run and Walk.
type Known func(ctx context.Context, files []file.File) (unknown []file.File, err error)

// Scanned is told that a scan of a folder has come to its end: whatever was there is
// emitted, known or settling. unread reports whether a path is, or is below, what the
// scan could not read: nothing can be concluded from what was not found there. It is
// called from the folder's goroutine and must not wait for anything.
type Scanned func(folder string, unread func(path string) bool)

// Removed is told of paths of a folder of which an event said that they have gone. There
// may be something at them by now. It is called as Scanned is.
type Removed func(folder string, paths []string)

// Hidden is told of the files of a directory that a scan reads whose names begin with a
// dot, which are never emitted. It is called as Scanned is.
type Hidden func(folder string, paths []string)

// Met is told of the Texts in a directory that a scan reads. It is called as Scanned is.
type Met func(folder string, paths []string)

// Options are what a Watcher needs beside its folders.
type Options struct {
	Emit    Emit             // required
	Known   Known            // nil: nothing is known
	Scanned Scanned          // may be nil
	Removed Removed          // may be nil
	Hidden  Hidden           // may be nil
	Met     Met              // may be nil
	Report  func(State)      // called with each change of a folder's state, one call at a time; may be nil
	Log     zerolog.Logger   // the zero Logger is silent
	Clock   func() time.Time // what a ctime's age is measured against; nil is time.Now
}

// Watcher watches drop folders. Its methods are safe for concurrent use; Run or
// Walk may be called once.
type Watcher struct {
	folders []*folder
	drops   map[*folder]*drops // of those with Folder.Drops
	log     zerolog.Logger
	started atomic.Bool
	ended   chan struct{} // closed when Run or Walk returns
}

// New returns a Watcher for folders, whose paths must not overlap. It looks at
// no file yet: a folder that is not there is paused by Run and an error of Walk.
func New(folders []Folder, o Options) (*Watcher, error) {
	if o.Emit == nil {
		return nil, errors.New("watcher: Options.Emit is required")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	report, mu := o.Report, new(sync.Mutex)
	o.Report = func(s State) {
		if report != nil {
			mu.Lock()
			defer mu.Unlock()
			report(s)
		}
	}
	w := &Watcher{log: o.Log, ended: make(chan struct{}), drops: make(map[*folder]*drops)}
	names := make(map[string]bool)
	for _, conf := range folders {
		if err := conf.complete(); err != nil {
			return nil, fmt.Errorf("folder %q: %w", conf.Name, err)
		}
		if names[conf.Name] {
			return nil, fmt.Errorf("folder %q: two folders have this name", conf.Name)
		}
		names[conf.Name] = true
		f := newFolder(conf, o)
		if conf.Drops {
			w.drops[f] = newDrops()
			f.listen(w.drops[f].take)
		}
		w.folders = append(w.folders, f)
	}
	return w, nil
}

// complete fills in defaults and refuses what cannot work.
func (f *Folder) complete() error {
	if f.Name == "" || f.Path == "" {
		return errors.New("a folder needs a name and a path")
	}
	abs, err := filepath.Abs(f.Path)
	if err != nil {
		return fmt.Errorf("make the path absolute: %w", err)
	}
	f.Path = abs
	for _, patterns := range [][]string{f.Include, f.Exclude} {
		for _, p := range patterns {
			if !doublestar.ValidatePattern(p) {
				return fmt.Errorf("malformed pattern %q", p)
			}
		}
	}
	switch f.Mode {
	case "":
		f.Mode = ModeAuto
	case ModeAuto, ModeNotify, ModePoll:
	default:
		return fmt.Errorf("unknown watch mode %q: use auto, notify or poll", f.Mode)
	}
	if f.Settle < 0 {
		return fmt.Errorf("negative settle time %v", f.Settle)
	}
	if f.Patience <= 0 {
		f.Patience = max(DefaultPatience, 2*f.Settle)
	}
	f.Patience = max(f.Patience, f.Settle)
	if _, err := parseSentinel(f.Ready); err != nil {
		return fmt.Errorf("ready %q: %w", f.Ready, err)
	}
	if f.Rescan <= 0 {
		f.Rescan = DefaultRescan
	}
	if f.PollInterval <= 0 {
		f.PollInterval = DefaultPollInterval
	}
	return nil
}

// Run emits what is there and what comes, until ctx ends, and then returns nil.
// A folder that cannot be watched is polled, one that is not there is paused
// and looked at again every few seconds: only an error of Emit ends Run before.
func (w *Watcher) Run(ctx context.Context) error {
	err := w.start(ctx, func(ctx context.Context, g *errgroup.Group) {
		// The kernel is told of a directory under a lock. A folder for which
		// notify is asked may be on a share that hangs in that call: it has
		// an instance of its own.
		var shared []*folder
		for _, f := range w.folders {
			switch f.conf.Mode {
			case ModeAuto:
				shared = append(shared, f)
			case ModeNotify:
				w.notify(ctx, g, []*folder{f})
			}
		}
		w.notify(ctx, g, shared)
		g.Go(func() error { w.watchdog(ctx); return nil })
		for _, f := range w.folders {
			g.Go(func() error { return f.run(ctx) })
		}
	})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// Walk emits what is there, once: it returns when all folders have been walked
// and every file in them has settled. A folder that is not there, or holds a
// directory that cannot be read, does not stop the others; the error then names
// each, and is ErrPaused or ErrUnreadable.
// A file that is written, or held open to be, without end keeps Walk from
// returning until ctx ends. One without its sentinel does not: it is not taken.
func (w *Watcher) Walk(ctx context.Context) error {
	failed := make([]error, len(w.folders))
	err := w.start(ctx, func(ctx context.Context, g *errgroup.Group) {
		for i, f := range w.folders {
			g.Go(func() error {
				var err error
				failed[i], err = f.walk(ctx)
				return err
			})
		}
	})
	if err != nil {
		return err
	}
	return errors.Join(failed...)
}

// abandonAfter is how long a folder may take to notice the end. A system call
// on a share that hangs cannot be interrupted; it must not keep the daemon from
// stopping.
const abandonAfter = 2 * time.Second

// start runs what begin adds to a group, and waits for its end.
func (w *Watcher) start(ctx context.Context, begin func(context.Context, *errgroup.Group)) error {
	if w.started.Swap(true) {
		return errors.New("watcher: Run or Walk was called before")
	}
	defer close(w.ended)
	g, ctx := errgroup.WithContext(ctx)
	begin(ctx, g)
	done := make(chan error, 1)
	go func() { done <- g.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(abandonAfter):
		for _, f := range w.folders {
			if !f.ended.Load() {
				f.log.Warn().Msg("folder does not answer: stopping without it")
			}
		}
		return context.Cause(ctx)
	}
}

// Rescan asks for a scan of a folder now, of all if folder is "". It does not
// wait.
func (w *Watcher) Rescan(folder string) {
	for _, f := range w.choose(folder) {
		f.inbox.rescan()
	}
}

// WaitScan asks for a scan of a folder, of all if folder is "", and waits until
// it is over and every file that it found has been emitted or has gone. It
// fails if the folder is unknown, paused (ErrPaused) or not wholly readable
// (ErrUnreadable), or if ctx or Run ends first.
func (w *Watcher) WaitScan(ctx context.Context, folder string) error {
	chosen := w.choose(folder)
	if len(chosen) == 0 {
		return fmt.Errorf("no folder is named %q", folder)
	}
	waiters := make([]*waiter, len(chosen))
	for i, f := range chosen {
		waiters[i] = &waiter{done: make(chan error, 1)}
		f.inbox.wait(waiters[i])
	}
	var failed []error
	for i, wt := range waiters {
		err := w.await(ctx, chosen[i], wt)
		if errors.Is(err, errStopped) || ctx.Err() != nil {
			return err
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

var errStopped = errors.New("the watcher has stopped")

// await waits until wt is answered. A folder that hangs answers nobody.
func (w *Watcher) await(ctx context.Context, f *folder, wt *waiter) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-wt.done:
			return err
		case <-w.ended:
			return errStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if f.pulse.hanging() {
				return f.failure(fmt.Errorf("%w: its file system does not answer", ErrPaused))
			}
		}
	}
}

func (w *Watcher) choose(name string) []*folder {
	if name == "" {
		return w.folders
	}
	for _, f := range w.folders {
		if f.conf.Name == name {
			return []*folder{f}
		}
	}
	return nil
}

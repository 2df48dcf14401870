package watcher

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
)

// notify has these folders get events from one fsnotify watcher. If there can be
// none, they are polled.
func (w *Watcher) notify(ctx context.Context, g *errgroup.Group, folders []*folder) {
	if len(folders) == 0 {
		return
	}
	fsn, err := fsnotify.NewWatcher()
	if err != nil {
		hint := ""
		if errors.Is(err, syscall.EMFILE) {
			hint = "raise the sysctl fs.inotify.max_user_instances, or the limit of open files (LimitNOFILE)"
		}
		for _, f := range folders {
			f.log.Warn().Err(err).Str("hint", hint).Msg("no file system events can be had: folder is polled")
		}
		return
	}
	set := newWatches(fsn)
	for _, f := range folders {
		f.watches = set
	}
	g.Go(func() error { dispatch(fsn.Events, set); return nil })
	g.Go(func() error { w.drain(fsn.Errors, folders); return nil })
	g.Go(func() error { <-ctx.Done(); return fsn.Close() })
}

// dispatch hands events to their folders. It blocks on nothing but the set's
// lock, so that the kernel's queue is always drained.
func dispatch(events <-chan fsnotify.Event, set *watches) {
	for ev := range events {
		if of := set.owner(ev.Name); of != nil {
			of.put(ev)
		}
	}
}

// drain reads fsnotify's errors. It takes no lock but an inbox's: fsnotify may
// hold its own while it sends, and a goroutine that waits for that lock would
// never come to read.
func (w *Watcher) drain(errs <-chan error, folders []*folder) {
	log := w.log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute})
	for err := range errs {
		switch {
		case errors.Is(err, fsnotify.ErrEventOverflow):
			log.Warn().Msg("the kernel dropped file system events: scanning the folders; to avoid it raise the sysctl fs.inotify.max_queued_events")
			for _, f := range folders {
				f.inbox.rescan()
			}
		case errors.Is(err, syscall.EINVAL):
			// fsnotify removes the watch of a directory that is gone.
		default:
			log.Warn().Err(err).Msg("file system events")
		}
	}
}

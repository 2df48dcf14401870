package dropdone

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/follow"
)

// rig is a feed, what is on its way, and what was told.
type rig struct {
	t *testing.T

	mu       sync.Mutex
	events   []follow.Event
	place    int64
	noted    int
	news     chan<- struct{}
	open     map[string]bool // directories
	arriving bool
	perhaps  bool
	broken   bool // telling fails
}

func (r *rig) After(_ context.Context, id int64, limit int) ([]follow.Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := r.events[id:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (r *rig) Cursor(context.Context, string) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.place, nil
}

func (r *rig) SetCursor(_ context.Context, _ string, id int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.place, r.noted = id, r.noted+1
	return nil
}

// happens adds an event: of an entry, its path and the statuses that it had and has.
func (r *rig) happens(path, was, status string) {
	r.add(follow.Event{Folder: "in", Path: path, Was: was, Status: status, Entry: 1})
}

func (r *rig) add(e follow.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.ID = int64(len(r.events) + 1)
	r.events = append(r.events, e)
	if r.news != nil {
		select {
		case r.news <- struct{}{}:
		default:
		}
	}
}

func (r *rig) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// told returns the drops that were told of, with what became of them.
func (r *rig) told() (out []string) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == Done {
			out = append(out, e.Path+": "+e.Reason)
		}
	}
	return out
}

func (r *rig) want(want ...string) {
	r.t.Helper()
	if got := r.told(); !slices.Equal(got, want) {
		r.t.Errorf("told is %q, want %q", got, want)
	}
}

// run starts a watch, and returns how it is ended.
func (r *rig) run() (end func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	w := &Watch{
		Folders: map[string]Folder{"in": {Settle: 5 * time.Second, Itself: true, Arriving: func(string) (bool, bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.arriving, r.perhaps
		}}},
		Feed: r, Places: r, Now: time.Now,
		Notify: func(c chan<- struct{}) func() {
			r.set(func() { r.news = c })
			return func() { r.set(func() { r.news = nil }) }
		},
		Open: func(_ context.Context, _, dir string) (bool, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.open[dir], nil
		},
		Tell: func(_ context.Context, folder, dir, summary string) error {
			r.mu.Lock()
			broken := r.broken
			r.mu.Unlock()
			if broken {
				return errors.New("killed")
			}
			r.add(follow.Event{Kind: Done, Folder: folder, Path: dir, Reason: summary})
			return nil
		},
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.Run(ctx); err != nil && ctx.Err() == nil && !r.broken {
			r.t.Error(err)
		}
	}()
	synctest.Wait()
	return func() { cancel(); <-ended }
}

func TestDropIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, open: map[string]bool{"acme": true}}
		end := r.run()
		r.happens("acme/1.jpg", "uploading", "filed")
		r.happens("acme/a/2.jpg", "settled", "held")
		time.Sleep(time.Minute)
		r.want() // another is on its way
		r.set(func() { r.open["acme"] = false })
		r.happens("acme/3.jpg", "uploading", "filed")
		time.Sleep(4 * time.Second)
		r.want() // it is not quiet yet
		time.Sleep(2 * time.Second)
		r.want("acme: 2 filed, 1 held")

		// Corrected; ignored and removed files are no drop.
		r.happens("acme/a/2.jpg", "held", "settled")
		r.happens("acme/a/2.jpg", "uploading", "filed")
		r.happens("junk/x", "settled", "ignored")
		r.happens("gone/x", "held", "superseded")
		r.add(follow.Event{Folder: "other", Path: "a/b", Status: "filed"})
		r.happens("acme/a/2.jpg", "", "") // it stays
		time.Sleep(time.Minute)
		r.want("acme: 2 filed, 1 held", "acme: 1 filed")

		// The files of the folder itself; one failed, and was cancelled.
		r.happens("1.jpg", "uploading", "filed")
		r.happens("2.jpg", "creating", "failed")
		r.happens("2.jpg", "failed", "cancelled")
		time.Sleep(time.Minute)
		r.want("acme: 2 filed, 1 held", "acme: 1 filed", ": 1 filed, 1 cancelled")
		r.set(func() {
			if r.noted > 0 {
				t.Errorf("the place was noted %d times for so little", r.noted)
			}
		})
		end()
		if r.place != int64(len(r.events)) {
			t.Errorf("in the end the place is %d of %d", r.place, len(r.events))
		}
		r.place = 0   // as after a kill
		end = r.run() // it reads all of it again
		time.Sleep(time.Minute)
		if n := len(r.told()); n != 3 {
			t.Errorf("after a restart %d are told", n)
		}
		end()
	})
}

func TestDropStillArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, arriving: true}
		end := r.run()
		r.happens("acme/1.jpg", "uploading", "filed")
		time.Sleep(time.Hour)
		r.want()
		r.set(func() { r.perhaps = true }) // somewhere in the folder
		time.Sleep(time.Minute)
		r.want("acme: 1 filed")
		r.happens("globex/1.jpg", "uploading", "filed")
		time.Sleep(50 * time.Second)
		r.want("acme: 1 filed")
		time.Sleep(15 * time.Second)
		r.want("acme: 1 filed", "globex: 1 filed")
		end()
	})
}

// TestKilledBeforeItIsTold reads more events than are kept, and is killed before a drop is told
// of: the next process tells of it, and of the others not again.
func TestKilledBeforeItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, broken: true, open: map[string]bool{"slow": true}}
		end := r.run()
		r.happens("slow/1.jpg", "uploading", "filed")
		for range 30 {
			for range 100 {
				r.happens("many/1.jpg", "uploading", "filed")
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		end()
		if r.place != 0 {
			t.Errorf("the place is after what was not told: %d", r.place)
		}
		r.set(func() { r.broken = false })
		end = r.run()
		time.Sleep(time.Minute)
		r.want("many: 3000 filed")
		end()
		r.set(func() { r.open["slow"] = false })
		end = r.run()
		time.Sleep(time.Minute)
		got := r.told()
		if len(got) != 2 || !strings.HasPrefix(got[1], "slow") {
			t.Errorf("told is %q", got)
		}
		end()
		if r.place < 3000 {
			t.Errorf("the place was not noted: %d", r.place)
		}
	})
}

// TestFilesAreTakenElsewhere has the files of a drop that was told of get other paths before the
// next process.
func TestFilesAreTakenElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t}
		end := r.run()
		r.happens("acme/1.jpg", "uploading", "filed")
		time.Sleep(time.Minute)
		r.want("acme: 1 filed")
		end()
		r.set(func() { r.events[0].Path = "globex/1.jpg" })
		end = r.run()
		time.Sleep(time.Minute)
		r.want("acme: 1 filed")
		end()
	})
}

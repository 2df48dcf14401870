package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// looks counts the looks that a pipeline takes at its journal.
type looks struct{ n atomic.Int64 }

// rest returns when there was none for a while.
func (l *looks) rest(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for before := int64(-1); l.n.Load() != before; {
		if time.Now().After(deadline) {
			t.Fatalf("the journal was looked at %d times, and no end", l.n.Load())
		}
		before = l.n.Load()
		time.Sleep(3 * time.Second)
	}
}

// wantIdle fails if a pipeline with nothing to do looks at its journal more than once in
// ten seconds.
func (l *looks) wantIdle(t *testing.T) {
	t.Helper()
	l.rest(t)
	before := l.n.Load()
	time.Sleep(10 * time.Second)
	if n := l.n.Load() - before; n > 1 {
		t.Errorf("the journal was looked at %d times in ten seconds", n)
	}
}

// noDrops is a watcher in whose folder nothing is on its way.
type noDrops struct{}

func (noDrops) Drop(string) watcher.Drop   { return watcher.Drop{} }
func (noDrops) Announced(string) time.Time { return time.Time{} }

// goOn runs a pipeline until the test ends.
func (r *rig) goOn(t *testing.T) *process {
	t.Helper()
	p := r.start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, nil, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.close(p)
	})
	return p
}

func TestIdle(t *testing.T) {
	t.Parallel()
	t.Run("ten empty folders", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		var l looks
		r.look = func() { l.n.Add(1) }
		one := r.config.Folders[0]
		one.Companions, one.Drops, one.After, one.Done, one.Failed = manifests{}, noDrops{}, dropfolder.AfterMove, "_ingested", "_failed"
		r.config.Folders = nil
		for i := range 10 {
			one.Name = fmt.Sprint("drop", i)
			r.config.Folders = append(r.config.Folders, one)
		}
		p := r.goOn(t)
		l.wantIdle(t)
		for i := range 10 { // a folder that is polled is scanned again and again
			p.Resting().Scanned(fmt.Sprint("drop", i), func(string) bool { return false })
		}
		l.rest(t)
		before := l.n.Load()
		for i := range 10 {
			p.Resting().Scanned(fmt.Sprint("drop", i), func(string) bool { return false })
			if err := p.Resting().Wait(t.Context(), fmt.Sprint("drop", i)); err != nil {
				t.Fatal(err)
			}
		}
		if n := l.n.Load() - before; n > 1 {
			t.Errorf("ten more scans looked at the journal %d times, though nothing had changed", n)
		}
	})
	// What waits for people, or for a time that is far away, is no work either.
	t.Run("all is waiting", func(t *testing.T) {
		t.Parallel()
		r := newBatchRig(t)
		var l looks
		r.look = func() { l.n.Add(1) }
		r.write("spring/unmappable.jpg", 10, 1)
		r.write("spring/fits.jpg", 10, 1)
		r.write("unmappable.jpg", 10, 1)
		r.begin()
		r.waitHeldBack("1 of 2 files are held", "spring/fits.jpg")
		r.waitStatus(journal.Held, "unmappable.jpg")
		l.wantIdle(t)
		r.corrected.Store(true) // and it is not asleep
		for _, rules := range []string{"those that there were", "others"} {
			if _, err := r.process.Release(t.Context(), "drop", rules); err != nil {
				t.Fatal(err)
			}
		}
		r.waitStatus(journal.Filed, "spring/fits.jpg", "spring/unmappable.jpg", "unmappable.jpg")
	})
}

// soon waits a while until something is so, and else tells what the entry of a path is.
func (r *rig) soon(path, otherwise string, so func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: it is %+v", otherwise, r.entry(path))
		}
	}
}

// What was to wait for an hour goes on when the clock is set.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var ahead atomic.Int64
	r.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	f := &r.config.Folders[0]
	f.After, f.Done, f.Failed, f.Resume = dropfolder.AfterMove, "_ingested", "_failed", time.Hour
	later := f.Map
	f.Map = func(file file.File, at string) (dropfolder.Mapped, error) {
		if ahead.Load() == 0 {
			return dropfolder.Mapped{}, &dropfolder.LaterError{Err: context.DeadlineExceeded, After: time.Hour}
		}
		return later(file, at)
	}
	r.write("a.jpg", 10, 1)
	p := r.goOn(t)
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	until := func(what string, so func(journal.Entry) bool) {
		t.Helper()
		r.soon("a.jpg", what, func() bool { return so(r.entry("a.jpg")) })
	}
	until("it does not wait", func(e journal.Entry) bool { return e.NotBefore.After(time.Now().Add(time.Minute)) })
	ahead.Store(int64(2 * time.Hour))
	until("it waits on", func(e journal.Entry) bool { return e.Status == journal.Filed })
	ahead.Store(int64(4 * time.Hour))
	until("its file stays", func(e journal.Entry) bool { return e.MovedTo == filepath.Join("_ingested", "a.jpg") })
}

// heldStore is a store in which no upload ends before it is let go.
type heldStore struct {
	ingest.Store
	let <-chan struct{}
}

func (s heldStore) Upload(ctx context.Context, job uploader.Job) error {
	select {
	case <-s.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Store.Upload(ctx, job)
}

// A correction that came while the file was uploaded is made when it is in, though nobody
// looks for one meanwhile.
func TestCorrectionWaitsForItsFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var l looks
	r.look = func() { l.n.Add(1) }
	let := make(chan struct{})
	r.store = func(s ingest.Store) ingest.Store { return heldStore{s, let} }
	r.config.Folders[0].Companions = manifests{}
	r.write("sub/a.jpg", 10, 1)
	p := r.goOn(t)
	until := func(what string, so func() bool) {
		t.Helper()
		r.soon("sub/a.jpg", what, so)
	}
	correction := func() bool {
		_, open, err := journal.OpenEditsOf(p.journal.Reader()).Of(t.Context(), r.entry("sub/a.jpg").ID)
		if err != nil {
			t.Fatal(err)
		}
		return open
	}
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	until("it is not uploaded", func() bool { return r.entry("sub/a.jpg").Status == journal.Uploading })
	r.write("sub/manifest.csv", 10, 1)
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	until("it is not corrected", correction)
	l.rest(t)
	close(let)
	until("it is not in", func() bool { return r.entry("sub/a.jpg").Status == journal.Filed })
	until("it waits for its correction", func() bool { return !correction() })
}

// More requests than are answered at once are answered one after the other.
func TestManyRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	j, err := journal.Open(t.Context(), r.journal, journal.Options{WatchLock: true})
	if err != nil {
		t.Fatal(err)
	}
	let := make(chan struct{})
	client := r.client()
	p := ingest.New(r.config, ingest.Deps{API: client, Journal: j, Log: zerolog.Nop(), Handlers: map[string]desk.Handler{
		"slow": func(ctx context.Context, _ journal.Request) (any, error) {
			select {
			case <-let:
				return "done", nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, nil, nil) }()
	defer func() {
		cancel()
		if err := errors.Join(<-ended, j.Close()); err != nil {
			t.Error(err)
		}
		client.Close()
	}()
	var ids []int64
	for range 9 {
		id, err := journal.Ask(t.Context(), r.journal, "slow", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	answered := func() (n int) {
		for _, id := range ids {
			if _, _, done, err := journal.AnswersOf(j.Reader()).To(t.Context(), id); err != nil {
				t.Fatal(err)
			} else if done {
				n++
			}
		}
		return n
	}
	for i := range ids {
		select {
		case let <- struct{}{}:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d are answered", i, len(ids))
		}
	}
	for deadline := time.Now().Add(20 * time.Second); answered() < len(ids); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d are answered", answered(), len(ids))
		}
	}
}

// A file that waits for a later time, and was touched, is looked at anew at once, though
// there is nothing new about it and nobody else wakes the dispatcher.
func TestTouchedWhileItWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var l looks
	r.look = func() { l.n.Add(1) }
	var touched atomic.Bool
	f := &r.config.Folders[0]
	later := f.Map
	f.Map = func(file file.File, at string) (dropfolder.Mapped, error) {
		if !touched.Load() {
			return dropfolder.Mapped{}, &dropfolder.LaterError{Err: context.DeadlineExceeded, After: time.Hour}
		}
		return later(file, at)
	}
	r.write("a.jpg", 10, 1)
	p := r.goOn(t)
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l.rest(t)
	if e := r.entry("a.jpg"); !e.NotBefore.After(time.Now().Add(time.Minute)) {
		t.Fatalf("it does not wait: %+v", e)
	}
	touched.Store(true)
	if err := os.Chmod(filepath.Join(r.drop, "a.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r.soon("a.jpg", "it waits on", func() bool { return r.entry("a.jpg").Status == journal.Filed })
}

// Who waits for the update of an asset that is withdrawn meanwhile, and its update with
// it, is answered.
func TestWithdrawnWhileItsUpdateWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var once atomic.Bool
	f := &r.config.Folders[0]
	mapFile := f.Map
	f.Map = func(file file.File, at string) (dropfolder.Mapped, error) {
		if once.Swap(true) {
			return dropfolder.Mapped{}, &dropfolder.LaterError{Err: context.DeadlineExceeded, After: time.Hour}
		}
		return mapFile(file, at)
	}
	r.write("a.jpg", 10, 1)
	p := r.goOn(t)
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	until := func(what string, so func() bool) {
		t.Helper()
		r.soon("a.jpg", what, so)
	}
	until("it is not in", func() bool { return r.entry("a.jpg").Status == journal.Filed })
	id := r.entry("a.jpg").ID
	request, err := journal.Ask(t.Context(), r.journal, desk.RequestUpdate, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	until("its update does not wait", func() bool {
		e, open, err := journal.OpenEditsOf(p.journal.Reader()).Of(t.Context(), id)
		return err == nil && open && e.Message != ""
	})
	time.Sleep(time.Second) // by then whoever asked has looked at it, too
	if _, err := p.journal.Advance(t.Context(), journal.Move{ID: id, From: journal.Filed, To: journal.Withdrawn}); err != nil {
		t.Fatal(err)
	}
	until("the request waits on", func() bool {
		_, _, done, err := journal.AnswersOf(p.journal.Reader()).To(t.Context(), request)
		return err == nil && done
	})
}

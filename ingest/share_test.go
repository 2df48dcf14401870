package ingest_test

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sharefs"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// newShareRig is a rig whose drop folder is a share.
func newShareRig(t *testing.T, after dropfolder.After) (*rig, *sharefs.Share) {
	t.Helper()
	r := newFilingRig(t, after)
	return r, sharefs.Mount(t, r.drop)
}

// hooked is a store that does something before or after it was handed a file.
type hooked struct {
	ingest.Store
	before, after func()
}

func (h hooked) Upload(ctx context.Context, job uploader.Job) error {
	if h.before != nil {
		h.before()
	}
	err := h.Store.Upload(ctx, job)
	if h.after != nil {
		h.after()
	}
	return err
}

// TestGrownSinceItsUpload has a file grow on another machine after it was uploaded,
// which this one's memory of its attributes does not show: it is not taken away.
func TestGrownSinceItsUpload(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterDelete, dropfolder.AfterMove} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r, s := newShareRig(t, after)
			s.Cache(time.Hour)
			s.Write("a.jpg", "half")
			r.store = func(st ingest.Store) ingest.Store {
				return hooked{st, nil, func() { s.Append("a.jpg", " and half") }}
			}
			r.backfill()
			if got, there := s.Read("a.jpg"); !there || got != "half and half" {
				t.Fatalf("it is %v there, with %q; all: %q", there, got, s.Files())
			}
			r.store = nil
			s.Cache(0)
			r.config.Folders[0].VersionByPath = true
			r.backfill()
			if _, there := s.Read("a.jpg"); there {
				t.Error("it stays")
			}
			whole := 0
			for _, a := range available(r.sandbox.State()) {
				if a.ContentSize == 13 {
					whole++
				}
			}
			if whole != 1 {
				t.Errorf("its whole content is in %d assets", whole)
			}
		})
	}
}

// TestLockedInMidUpload has another client lock a file whose upload has begun: it waits,
// for longer than it has attempts, and goes on.
func TestLockedInMidUpload(t *testing.T) {
	t.Parallel()
	for name, lock := range map[string]func(*sharefs.Share, syscall.Errno){
		"a range": func(s *sharefs.Share, on syscall.Errno) { s.RefuseRead("a.jpg", on&syscall.EACCES) },
		"whole":   func(s *sharefs.Share, on syscall.Errno) { s.RefuseOpen("a.jpg", on&syscall.ETXTBSY) },
		"for now": func(s *sharefs.Share, on syscall.Errno) { s.RefuseRead("a.jpg", on&syscall.EAGAIN) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := newShareRig(t, dropfolder.AfterDelete)
			r.config.MaxAttempts = 1
			s.Write("a.jpg", "content")
			first := true
			r.store = func(st ingest.Store) ingest.Store {
				return hooked{st, func() {
					if first {
						first = false
						lock(s, ^syscall.Errno(0))
						s.RefuseRead("a.jpg", syscall.EACCES) // what is open cannot be read either
					}
				}, nil}
			}
			p := r.start()
			defer r.close(p)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.scan(ctx, p); err != nil {
				t.Fatal(err)
			}
			drain, done := make(chan struct{}), make(chan error, 1)
			go func() { done <- p.Run(ctx, drain, nil) }()
			await := func(what string, so func(journal.Entry) bool) {
				t.Helper()
				for !so(r.entry("a.jpg")) {
					if ctx.Err() != nil {
						t.Fatalf("in vain: %s; journal:\n%s", what, r.dump(p))
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
			await("three looks", func(e journal.Entry) bool { return e.Tries >= 2 })
			if e := r.entry("a.jpg"); e.Failures != 0 || !strings.Contains(e.Reason.Message, "another program has the file locked") {
				t.Errorf("failures %d, %+v", e.Failures, e.Reason)
			}
			s.RefuseRead("a.jpg", 0)
			lock(s, 0)
			await("filed", func(e journal.Entry) bool { return e.Status == journal.Filed })
			close(drain)
			if err := <-done; err != nil {
				t.Error(err)
			}
			if got := available(r.sandbox.State()); len(got) != 1 || got[0].ContentSize != 7 || len(s.Files()) != 0 {
				t.Errorf("%d assets, left %q", len(got), s.Files())
			}
			r.wantNothingLeft(r.sandbox.State())
		})
	}
}

// TestRenamedOnTheServerWhileQueued has the client of a share know a file by the name
// only that it lost on the server: it is gone there, and no failure.
func TestRenamedOnTheServerWhileQueued(t *testing.T) {
	t.Parallel()
	for _, refusal := range []syscall.Errno{syscall.EINVAL, syscall.ESTALE, syscall.ENOENT} {
		r, s := newShareRig(t, dropfolder.AfterMove)
		s.StaleNames(refusal)
		s.Write("old.jpg", "content")
		p := r.start()
		if err := r.scan(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		r.close(p)
		s.Rename("old.jpg", "new.jpg")
		r.backfill()
		if e := r.entry("old.jpg"); e.Status != journal.Superseded {
			t.Errorf("%v: the old name is %s: %+v", refusal, e.Status, e.Reason)
		}
		if e := r.entry("new.jpg"); e.Status != journal.Filed || len(available(r.sandbox.State())) != 1 {
			t.Errorf("%v: the new name is %s: %+v", refusal, e.Status, e.Reason)
		}
	}
}

// TestRefusedForGood has a file that is there and cannot be opened, whatever it is: it
// fails when its attempts are spent, and by its name.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	r, s := newShareRig(t, dropfolder.AfterKeep)
	s.Write("odd.jpg", "content")
	s.Age("odd.jpg", 48*time.Hour)
	s.RefuseOpen("odd.jpg", syscall.EINVAL)
	r.backfill()
	if e := r.entry("odd.jpg"); e.Status != journal.Failed || !strings.Contains(e.Reason.Message, "odd.jpg") {
		t.Errorf("it is %s: %+v", e.Status, e.Reason)
	}
}

// TestDirectoryWhoseModeIsTheShares moves files into directories whose mode cannot be
// set: they are used as they are.
func TestDirectoryWhoseModeIsTheShares(t *testing.T) {
	t.Parallel()
	r, s := newShareRig(t, dropfolder.AfterMove)
	s.RefuseChmod()
	s.Write("deep/er/a.jpg", "content")
	r.backfill()
	if got := s.Files(); len(got) != 1 || got["_ingested/deep/er/a.jpg"] != "content" {
		t.Errorf("the share holds %q", got)
	}
	if strings.Contains(r.log.String(), "cannot be moved") {
		t.Errorf("log:\n%s", r.log)
	}
}

// TestNumbersThatChange ingests from a share whose inode numbers are others at each
// look: each file once, whatever becomes of it, and again when it changes.
func TestNumbersThatChange(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterKeep, dropfolder.AfterMove, dropfolder.AfterDelete} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r, s := newShareRig(t, after)
			r.config.Folders[0].VersionByPath = after == dropfolder.AfterKeep
			s.Renumber()
			s.Write("a.jpg", "one")
			r.backfill()
			r.backfill()
			opens := s.Opens()
			r.backfill()
			if after == dropfolder.AfterKeep && s.Opens() > opens+2 { // its ends are looked at, no more
				t.Errorf("it was opened %d times", s.Opens()-opens)
			}
			if e := r.entries(); len(e) != 1 || e[0].Status != journal.Filed {
				t.Errorf("journal: %+v", e)
			}
			s.Write("a.jpg", "two, longer")
			r.backfill()
			var sizes []int64
			for _, a := range available(r.sandbox.State()) {
				sizes = append(sizes, a.ContentSize)
			}
			slices.Sort(sizes)
			if !slices.Equal(sizes, []int64{3, 11}) {
				t.Errorf("contents of %v bytes", sizes)
			}
		})
	}
}

package ingest

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// An entry that was superseded while a step worked on it, because another file came to its
// path, needs no answer to what the step met: nothing ends for it.
func TestAnswerLeavesWhatRests(t *testing.T) {
	ctx := t.Context()
	j, err := journal.Open(ctx, filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	for size := range int64(2) {
		if _, err := j.Admit(ctx, []file.File{{Folder: "in", Path: "a", Stat: file.Stat{Size: size}}}); err != nil {
			t.Fatal(err)
		}
	}
	p := New(Config{MaxAttempts: 3, RetryInitial: time.Second, RetryMax: time.Second}, Deps{Journal: j})
	settled := &work{Work: stage.Work{Entry: journal.Entry{ID: 1, Status: journal.Settled}}} // as the stage knows it
	for _, cause := range []error{
		uploader.ErrSourceChanged, // of the settled
		errors.New("anything"),
		&stage.RestError{To: journal.Superseded, Reason: reasons.Changed},
		tenovos.ErrThrottled,
	} {
		if m, err := p.answer(ctx, settled, 0, cause); err != nil || m.ID != 0 {
			t.Errorf("%v: the daemon would end, or move it: %v, %+v", cause, err, m)
		}
	}
	if e, err := j.Entry(ctx, 1); err != nil || e.Status != journal.Superseded || e.Tries != 0 {
		t.Errorf("it is %s, %d tries: %v", e.Status, e.Tries, err)
	}
	if _, err := p.answer(ctx, settled, 0, &journalError{errors.New("the disk is full")}); err == nil {
		t.Error("a broken journal is passed over")
	}
}

// A journal that is slow to read, because long lists have all its readers, ends
// nothing: whoever answers an error waits.
func TestAnswerWaitsForASlowRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		j, err := journal.Open(ctx, path, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}()
		if _, err := j.Admit(ctx, []file.File{{Folder: "in", Path: "a"}, {Folder: "in", Path: "b"}}); err != nil {
			t.Fatal(err)
		}
		for range 4 { // every connection that a reader has
			begun := make(chan bool, 2)
			go func() {
				_ = j.Reader().Entries(ctx, journal.Filter{IDs: []int64{2}}, func(journal.Entry) error {
					begun <- true
					time.Sleep(2 * journal.RecordWait)
					return nil
				})
			}()
			<-begun
		}
		p := New(Config{MaxAttempts: 3, RetryInitial: time.Second, RetryMax: time.Second}, Deps{Journal: j})
		cause := &fs.PathError{Op: "read", Path: "a", Err: syscall.EIO}
		w := &work{Work: stage.Work{Entry: journal.Entry{ID: 1, Status: journal.Settled}}}
		m, err := p.answer(ctx, w, 0, cause)
		if err != nil {
			t.Errorf("the daemon would end: %v", err)
		}
		if _, err := p.commit(ctx, w, m); err != nil {
			t.Error(err)
		}
		if e, err := j.Entry(ctx, 1); err != nil || e.Failures != 1 {
			t.Errorf("the error was not answered: %+v, %v", e, err)
		}
	})
}

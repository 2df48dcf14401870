package ingest

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

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
		if _, err := j.Admit(ctx, []journal.Found{{Folder: "in", Path: "a"}, {Folder: "in", Path: "b"}}); err != nil {
			t.Fatal(err)
		}
		for range 4 { // every connection that a reader has
			begun := make(chan bool, 2)
			go func() {
				_ = j.Reader().Entries(ctx, journal.Filter{IDs: []int64{2}}, func(journal.Entry) error {
					begun <- true
					time.Sleep(2 * recordWait)
					return nil
				})
			}()
			<-begun
		}
		p := New(Config{MaxAttempts: 3, RetryInitial: time.Second, RetryMax: time.Second}, Deps{Journal: j})
		cause := &fs.PathError{Op: "read", Path: "a", Err: syscall.EIO}
		if err := p.answer(ctx, 1, 0, cause); err != nil {
			t.Errorf("the daemon would end: %v", err)
		}
		if e, err := j.Entry(ctx, 1); err != nil || e.Failures != 1 {
			t.Errorf("the error was not answered: %+v, %v", e, err)
		}
	})
}

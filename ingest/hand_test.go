package ingest_test

import (
	"context"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// A backfill does not end while a chore or a request has an entry in hand, and ends when
// that is let go of, though nothing else happens then.
func TestBackfillEndsWhenAnEntryIsLetGoOf(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p := r.start()
	defer r.close(p)
	release := p.Hand(journal.Entry{ID: 1, File: file.File{Folder: "drop", Path: "a.jpg"}})
	over := make(chan struct{})
	close(over)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(context.Background(), nil, over) }()
	select {
	case err := <-ended:
		t.Fatalf("it ended while an entry was in hand: %v", err)
	case <-time.After(200 * time.Millisecond): // the dispatcher sleeps by now
	}
	release()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it did not end")
	}
}

package ingest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// A file that was mapped before the clock was set back by an hour, and is mapped
// again after, waits neither for the hour to pass nor in a circle.
func TestClockIsSetBackBetweenTwoMappings(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var ahead, maps atomic.Int64
	ahead.Store(int64(time.Hour))
	r.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		maps.Add(1)
		return r.mapFile(f, at)
	}
	r.store = func(s ingest.Store) ingest.Store {
		return storeFunc(func(ctx context.Context, job uploader.Job) error {
			if ahead.Swap(0) != 0 {
				return uploader.ErrSourceChanged
			}
			return s.Upload(ctx, job)
		})
	}
	r.write("a.jpg", 1000, 1)
	r.backfill()
	r.wantExactly("a.jpg")
	if n := maps.Load(); n != 2 {
		t.Errorf("it was mapped %d times, want twice", n)
	}
}

package ingest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// A file that is written anew, and found, while a worker looks at its first content is
// superseded then. What the worker meets with the first content is nobody's trouble any
// more, and does not end the pipeline.
func TestSupersededWhileItIsLookedAt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("a.jpg", 3000, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var p *process
	var once sync.Once
	r.config.Folders[0].Map = func(f file.File, at string) (m dropfolder.Mapped, err error) {
		m, err = r.mapFile(f, at)
		once.Do(func() {
			r.write("a.jpg", 4000, 2)
			must(t, r.scan(ctx, p))
			err = dropfolder.ErrNoRule
		})
		return m, err
	}
	p = r.start()
	defer r.close(p)
	must(t, r.run(ctx, p))
	if e := r.entry("a.jpg"); e.Generation != 2 || e.Status != journal.Filed {
		t.Errorf("generation %d is %s: %+v", e.Generation, e.Status, e.Reason)
	}
	r.wantExactly("a.jpg")
}

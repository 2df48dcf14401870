package sources

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// displaced says whether files were found at another path.
type displaced bool

func (d displaced) Displaced(context.Context, journal.Entry) (bool, error) { return bool(d), nil }

// rig is the files of one folder, of which the clock, the walk of a backfill and what the
// journal finds can be set.
type rig struct {
	*Sources
	dir              string
	now              time.Time
	walked, backfill bool
}

func newRig(t *testing.T, found displaced) *rig {
	t.Helper()
	r := &rig{dir: filepath.Join(t.TempDir(), "in"), now: time.Unix(1000, 0)}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	folders := []dropfolder.Folder{{Name: "in", Path: r.dir}}
	r.Sources = New(Deps{
		Paths: found, Folders: folders, Mounts: mounts.New(folders, func() {}, zerolog.Nop()), Log: zerolog.Nop(),
		Walked: func() (done, backfill bool) { return r.walked, r.backfill }, Now: func() time.Time { return r.now },
	})
	return r
}

// entry is one whose file is a.jpg.
func entry(status journal.Status) journal.Entry {
	return journal.Entry{ID: 1, Kind: journal.File, Status: status, File: file.File{Folder: "in", Path: "a.jpg"}}
}

var errGone = fmt.Errorf("a.jpg: %w", uploader.ErrSourceGone)

// A file that is not found is gone where nobody may find it at another path, and else waited
// for, but not for ever.
func TestGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		found            displaced
		walked, backfill bool
		status           journal.Status
		cause            error
		waits            bool
	}{
		"nobody scans":               {status: journal.Uploading},
		"the backfill has not ended": {status: journal.Uploading, backfill: true, waits: true},
		"the backfill has ended":     {status: journal.Uploading, backfill: true, walked: true},
		"it was found":               {status: journal.Uploading, found: true, waits: true},
		"nothing was begun":          {status: journal.Settled, found: true},
		"somebody removed it":        {status: journal.Uploading, found: true, cause: uploader.ErrSourceRemoved},
	} {
		r := newRig(t, c.found)
		r.walked, r.backfill = c.walked, c.backfill
		cause := errGone
		if c.cause != nil {
			cause = fmt.Errorf("%w: %w", errGone, c.cause)
		}
		err := r.Explain(t.Context(), entry(c.status), cause)
		wait, waits := errors.AsType[*stage.WaitError](err)
		if waits != c.waits || waits && wait.Reason != reasons.Sought || !waits && !errors.Is(err, cause) {
			t.Errorf("%s: %v", name, err)
		}
		if !waits {
			continue
		}
		r.now = r.now.Add(seekAtMost)
		if err := r.Explain(t.Context(), entry(c.status), cause); !errors.Is(err, cause) {
			t.Errorf("%s: it is waited for without end: %v", name, err)
		}
		if err := r.Explain(t.Context(), entry(c.status), cause); errors.Is(err, cause) {
			t.Errorf("%s: the next time it is missing is not a new one: %v", name, err)
		}
	}
}

// A file that is there after all, or a folder that is not, is no file that is gone.
func TestNotGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	path := filepath.Join(r.dir, "a.jpg")
	if err := os.WriteFile(path, []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := r.Explain(t.Context(), entry(journal.Uploading), errGone)
	if wait, ok := errors.AsType[*stage.WaitError](err); !ok || wait.Reason.Class != reasons.ClassNoFolder {
		t.Errorf("a file that is there: %v", err)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Explain(t.Context(), entry(journal.Uploading), errGone); !mounts.IsGone(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
	_, unreadable := os.ReadFile(path)
	if err := r.Explain(t.Context(), entry(journal.Uploading), unreadable); !mounts.IsGone(err) {
		t.Errorf("a file that cannot be read in it: %v", err)
	}
	other := errors.New("something else")
	if err := r.Explain(t.Context(), entry(journal.Uploading), other); !errors.Is(err, other) {
		t.Errorf("another error became %v", err)
	}
}

// A file on its way out of its folder that is not where it was is asked for again until a
// time, or it was found, or is left.
func TestDisplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.backfill = true
	found, until, err := r.Displaced(t.Context(), entry(journal.Verified))
	if found || err != nil || !until.Equal(r.now.Add(seekEvery)) {
		t.Errorf("while the backfill walks: %v, %v, %v", found, until, err)
	}
	r.now = r.now.Add(seekAtMost)
	if found, until, err = r.Displaced(t.Context(), entry(journal.Verified)); found || err != nil || !until.IsZero() {
		t.Errorf("at last: %v, %v, %v", found, until, err)
	}
	r.Paths = displaced(true)
	if found, until, err = r.Displaced(t.Context(), entry(journal.Verified)); !found || err != nil || !until.IsZero() {
		t.Errorf("found: %v, %v, %v", found, until, err)
	}
}

// A file that changes again and again is counted by its path, whatever entry it is, until it
// is quiet.
func TestRestless(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	e := entry(journal.Uploading)
	for n := 1; n <= reasons.RestlessFrom; n++ {
		e.ID = int64(n)
		if got := r.Restless(e); got != reasons.Restless(n) {
			t.Errorf("the %d. time: %v", n, got)
		}
	}
	other := e
	other.Path = "b.jpg"
	if got := r.Restless(other); got != reasons.Restless(1) {
		t.Errorf("another path: %v", got)
	}
	r.Quiet(e)
	if got := r.Restless(e); got != reasons.Restless(1) {
		t.Errorf("after it was quiet: %v", got)
	}
}

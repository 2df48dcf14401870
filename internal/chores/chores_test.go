package chores

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// open is a gate that is open.
type open struct{}

func (open) Reason() string                     { return "" }
func (open) Blamed(context.Context, error) bool { return false }

// rig is a journal with an entry that has one chore, and what does it.
type rig struct {
	*Chores
	t   *testing.T
	now time.Time
}

func newRig(t *testing.T, chore journal.NewChore, kinds map[journal.ChoreKind]Kind) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Now()}
	clock := func() time.Time { return r.now }
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), journal.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := j.Admit(t.Context(), []file.File{{Folder: "in", Path: "a.jpg", Stat: file.Stat{Size: 1, Ino: 1}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Advance(t.Context(), journal.Move{ID: 1, From: journal.Settled, To: journal.Held, Chores: []journal.NewChore{chore}}); err != nil {
		t.Fatal(err)
	}
	folders := []dropfolder.Folder{{Name: "in", Path: t.TempDir()}}
	a := alarms.New(j, clock)
	r.Chores = New(Deps{
		Journal: journal.ChoresOf(j), Kinds: kinds, Folders: folders, Usable: func(string) bool { return true },
		Filer:     filing.New(filing.Config{Folders: folders, Entries: j, Intents: journal.FilingOf(j), Now: clock, Log: zerolog.Nop()}),
		Leftovers: filing.NewLeftovers(journal.FilingOf(j), folders, a.RingFolder), Alarms: a, Gate: open{},
		Draining: func() bool { return false }, Backfill: func() bool { return false }, Now: clock, Log: zerolog.Nop(),
	})
	return r
}

// left does what is due after a while, and returns the chores that are open then.
func (r *rig) left(after time.Duration) []journal.Chore {
	r.t.Helper()
	r.now = r.now.Add(after)
	if err := r.doDue(r.t.Context(), ""); err != nil {
		r.t.Fatal(err)
	}
	due, err := r.Journal.Due(r.t.Context(), r.now.Add(1000*time.Hour), "", batch)
	if err != nil {
		r.t.Fatal(err)
	}
	return due
}

// A chore is tried with growing waits until it is done, or its time is over.
func TestTriedUntilDoneOrOver(t *testing.T) {
	t.Parallel()
	tries, done := 0, false
	refused := errors.New("not yet")
	kind := func(context.Context, journal.Chore) (bool, error) {
		tries++
		if done {
			return true, nil
		}
		return false, refused
	}
	chore := journal.NewChore{Kind: journal.ChoreDelete, ObjectID: "o", NotBefore: time.Now(), Until: time.Now().Add(time.Hour)}
	for name, ends := range map[string]func(r *rig) time.Duration{
		"done": func(*rig) time.Duration { done = true; return wait(1) },
		"over": func(*rig) time.Duration { return 2 * time.Hour },
	} {
		tries, done = 0, false
		r := newRig(t, chore, map[journal.ChoreKind]Kind{journal.ChoreDelete: kind})
		if left := r.left(time.Second); tries != 1 || len(left) != 1 || left[0].Tries != 1 || left[0].Message != refused.Error() {
			t.Fatalf("%s: after the first try: %d, %+v", name, tries, left)
		}
		if left := r.left(wait(0) - time.Second); tries != 1 || len(left) != 1 {
			t.Fatalf("%s: it is tried too early: %d, %+v", name, tries, left)
		}
		if left := r.left(2 * time.Second); tries != 2 || len(left) != 1 || left[0].Tries != 2 {
			t.Fatalf("%s: after the second try: %d, %+v", name, tries, left)
		}
		if left := r.left(ends(r)); tries != 3 || len(left) != 0 {
			t.Errorf("%s: %d tries, %+v is left", name, tries, left)
		}
	}
}

// A chore whose time has not come is put off, which is no try; one of an unknown kind is
// kept, with what is wrong with it.
func TestPutOff(t *testing.T) {
	t.Parallel()
	tries := 0
	var r *rig
	later := func(context.Context, journal.Chore) (bool, error) {
		tries++
		return false, &filing.NotYetError{Until: r.now.Add(time.Hour)}
	}
	r = newRig(t, journal.NewChore{Kind: journal.ChoreRestore}, map[journal.ChoreKind]Kind{journal.ChoreRestore: later})
	if left := r.left(time.Second); tries != 1 || len(left) != 1 || left[0].Tries != 0 {
		t.Errorf("put off: %d, %+v", tries, left)
	}
	if r.left(59 * time.Minute); tries != 1 {
		t.Error("it is looked at before its time")
	}
	if r.left(2 * time.Minute); tries != 2 {
		t.Error("it is not looked at when its time has come")
	}
	r = newRig(t, journal.NewChore{Kind: "paint"}, nil)
	if left := r.left(time.Second); len(left) != 1 || !strings.Contains(left[0].Message, `"paint"`) {
		t.Errorf("an unknown kind: %+v", left)
	}
}

// A clean-up cancels an open upload, and names no parts of it; without one the asset alone
// is removed. A doubt ends after a day, a clean-up after a week.
func TestNewChores(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	e := journal.Entry{Filename: "a.jpg", Attempt: &journal.Attempt{ObjectID: "o", FileID: "f"}}
	chore, err := CleanUp(e, nil, now)
	if err != nil || chore.Kind != journal.ChoreDelete || chore.ObjectID != "o" || chore.FileID != "f" || !chore.Until.Equal(now.Add(7*24*time.Hour)) {
		t.Errorf("without an upload: %+v, %v", chore, err)
	}
	upload := tenovos.Completion{UploadID: "u", Parts: []tenovos.CompletedPart{{Number: 1, ETag: "etag"}}}
	chore, err = CleanUp(e, &upload, now)
	if err != nil || chore.Kind != journal.ChoreCancel || !strings.Contains(chore.Spec, `"u"`) || strings.Contains(chore.Spec, "etag") || len(upload.Parts) != 1 {
		t.Errorf("with an upload: %+v, %v", chore, err)
	}
	chore, err = Doubt(holdings.LostCreate{Filename: "a.jpg"}, now)
	if err != nil || chore.Kind != journal.ChoreTwin || chore.Filename != "a.jpg" || !chore.Until.Equal(now.Add(24*time.Hour)) {
		t.Errorf("a doubt: %+v, %v", chore, err)
	}
}

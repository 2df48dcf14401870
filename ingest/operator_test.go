package ingest_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// ask does what a command does where no daemon runs: it takes the journal and
// answers its own request.
func (r *rig) ask(kind string, s desk.Selection) []desk.Outcome {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return r.askOf(ctx, kind, s, func(id int64) error { return p.Desk().ServeOne(ctx, id) })
}

func (r *rig) askOf(ctx context.Context, kind string, s desk.Selection, serve func(id int64) error) []desk.Outcome {
	r.t.Helper()
	args, err := json.Marshal(s)
	if err != nil {
		r.t.Fatal(err)
	}
	id, err := journal.Ask(ctx, r.journal, kind, args)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := serve(id); err != nil {
		r.t.Fatal(err)
	}
	reader, err := journal.OpenReader(ctx, r.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	defer reader.Close()
	for {
		answer, text, done, err := journal.AnswersOf(reader).To(ctx, id)
		if err != nil || text != "" {
			r.t.Fatalf("%s: %v %s", kind, err, text)
		}
		if done {
			var out []desk.Outcome
			if err := json.Unmarshal(answer, &out); err != nil {
				r.t.Fatal(err)
			}
			return out
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// wantResults fails unless the outcomes have these results, in order.
func (r *rig) wantResults(got []desk.Outcome, want ...string) {
	r.t.Helper()
	if len(got) != len(want) {
		r.t.Fatalf("want %v, got %+v", want, got)
	}
	for i := range want {
		if got[i].Result != want[i] {
			r.t.Errorf("entry %d: want %s, got %+v", got[i].ID, want[i], got[i])
		}
	}
}

func TestRetryOfWhatFailed(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.refuse()
	r.write("a.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Failed || e.Reason.Hint == "" {
		t.Fatalf("want failed with a hint, got %s %+v", e.Status, e.Reason)
	}
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{}), "requeued")
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{1, 77}}), "skipped", "unknown")
	r.backfill()
	r.wantExactly("a.jpg")
}

func TestRetryOfTheUnverifiedUploadsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *sandbox.Options) { o.ChecksumLag = time.Hour })
	r.config.VerifyAsset, r.config.VerifyTimeout = true, time.Millisecond
	r.write("a.jpg", 1000, 1)
	r.backfill()
	if err := r.sandbox.Configure(func(o *sandbox.Options) { o.ChecksumLag = 0 }); err != nil {
		t.Fatal(err)
	}
	r.config.VerifyTimeout = time.Minute
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{}), "requeued")
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Filed {
		t.Errorf("want filed, got %s: %s", e.Status, e.Reason.Message)
	}
	if n := r.sandbox.State().Counts.Requests["PutObject"]; n != 1 {
		t.Errorf("the content was sent %d times", n)
	}
	r.wantExactly("a.jpg")
}

func TestCancelBeforeAndDuringTheUpload(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("waiting.jpg", 1000, 1)
	p := r.start()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.scan(ctx, p); err != nil {
		t.Fatal(err)
	}
	r.close(p)
	r.wantResults(r.ask(desk.RequestCancel, desk.Selection{}), "cancelled")
	r.wantExactly() // nothing

	// One that is on its way: the store takes its time.
	r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: 20 * time.Second})
	r.write("sending.jpg", 1000, 1)
	p = r.start()
	defer r.close(p)
	done := make(chan error, 1)
	go func() { done <- r.run(ctx, p) }()
	for r.sandbox.State().InFlight == 0 || r.statusOf("sending.jpg") != journal.Uploading {
		time.Sleep(5 * time.Millisecond)
	}
	e := r.entry("sending.jpg")
	r.wantResults(r.askOf(ctx, desk.RequestCancel, desk.Selection{IDs: []int64{e.ID}}, func(int64) error { return nil }), "cancelled")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.wantExactly() // nothing
}

// statusOf is the status of a path's latest generation, "" while it is unknown.
func (r *rig) statusOf(path string) journal.Status {
	for _, e := range r.entries() {
		if e.Path == path {
			return e.Status
		}
	}
	return ""
}

func TestVerifyTellsWhatIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, path := range []string{"fine.jpg", "deleted.jpg", "purged.jpg"} {
		r.write(path, 1000, 1)
	}
	r.backfill()
	r.sandbox.Purge(r.entry("purged.jpg").ObjectID)
	c := r.client()
	defer c.Close()
	if err := c.DeleteAsset(t.Context(), r.entry("deleted.jpg").ObjectID); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range r.ask(desk.RequestVerify, desk.Selection{}) {
		got[o.Path] = o.Result
	}
	for path, want := range map[string]string{"fine.jpg": "ok", "deleted.jpg": "missing", "purged.jpg": "missing"} {
		if got[path] != want {
			t.Errorf("%s: want %s, got %q", path, want, got[path])
		}
	}
}

func TestWithdrawRestoreAndWhatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("a.jpg", 1000, 1)
	r.write("b.jpg", 1000, 2)
	r.backfill()
	b := r.entry("b.jpg")
	r.wantResults(r.ask(desk.RequestWithdraw, desk.Selection{IDs: []int64{b.ID}}), "withdrawn")
	if n := len(available(r.sandbox.State())); n != 1 {
		t.Errorf("%d assets are available, want 1", n)
	}
	r.backfill() // nothing comes back by itself
	if n := len(available(r.sandbox.State())); n != 1 {
		t.Errorf("a withdrawn file was ingested again: %d assets", n)
	}
	r.write("b.jpg", 1000, 3)
	r.backfill()
	if e := r.entry("b.jpg"); e.Status != journal.Held || e.Reason.Hint == "" {
		t.Fatalf("changed after its withdrawal: want held with the choice, got %s %+v", e.Status, e.Reason)
	}
	r.wantResults(r.ask(desk.RequestUndelete, desk.Selection{}), "restored")
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{}), "requeued")
	r.backfill()
	if e := r.entry("b.jpg"); e.Status != journal.Filed || e.OriginalFileID != b.OriginalFileID {
		t.Errorf("restored and retried, it should be a version: %s %+v", e.Status, e)
	}
}

// TestRestoreByEitherName restores assets from a service that knows the action by one
// of its two names alone.
func TestRestoreByEitherName(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"undelete", "un-delete", "either"} {
		t.Run(verb, func(t *testing.T) {
			r := newRig(t, func(o *sandbox.Options) { o.UndeleteVerb = verb })
			r.write("a.jpg", 1000, 1)
			r.write("b.jpg", 1000, 2)
			r.backfill()
			r.wantResults(r.ask(desk.RequestWithdraw, desk.Selection{}), "withdrawn", "withdrawn")
			r.wantResults(r.ask(desk.RequestUndelete, desk.Selection{}), "restored", "restored")
			r.wantExactly("a.jpg", "b.jpg")
			refused := 0
			for _, q := range r.sandbox.Requests() {
				if q.Operation == "DeleteAsset" && q.Status >= 400 {
					refused++
				}
			}
			if want := map[string]int{"un-delete": 1}[verb]; refused != want {
				t.Errorf("%d actions were refused, want %d: the name is remembered", refused, want)
			}
		})
	}
}

func TestChangedAfterWithdrawalAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("b.jpg", 1000, 2)
	r.backfill()
	r.ask(desk.RequestWithdraw, desk.Selection{})
	r.write("b.jpg", 1000, 3)
	r.backfill()
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{AsNew: true}), "requeued")
	r.backfill()
	r.wantExactly("b.jpg")
}

func TestDuplicatesBySettledContent(t *testing.T) {
	t.Parallel()
	for policy, want := range map[dropfolder.Duplicates]journal.Status{
		dropfolder.DuplicatesSkip: journal.Duplicate, dropfolder.DuplicatesHold: journal.Held, dropfolder.DuplicatesUpload: journal.Filed,
	} {
		t.Run(string(policy), func(t *testing.T) {
			r := newRig(t, nil)
			r.config.Folders[0].Duplicates = policy
			r.write("one.jpg", 5000, 1)
			data, err := os.ReadFile(filepath.Join(r.drop, "one.jpg"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"two.jpg", "three.jpg"} { // at the same time as the first
				if err := os.WriteFile(filepath.Join(r.drop, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r.write("empty1", 0, 1)
			r.write("empty2", 0, 1)
			r.write("other.jpg", 5000, 2) // the same size, other content
			r.backfill()
			count := map[journal.Status]int{}
			for _, e := range r.entries() {
				count[e.Status]++
				if e.Status == want && want != journal.Filed && (e.Reason.Message == "" || e.Reason.Hint == "") {
					t.Errorf("%s without a reason", e.Path)
				}
			}
			filed := 4
			if policy == dropfolder.DuplicatesUpload {
				filed = 6
			}
			if count[journal.Filed] != filed || count[want] < 2 {
				t.Errorf("want %d filed and two %s, got %v", filed, want, count)
			}
			r.wantNothingLeft(r.sandbox.State())
		})
	}
}

func TestBackAndForthIsNoDuplicate(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
	for _, n := range []uint64{1, 2, 1} {
		r.write("a.jpg", 5000, n)
		r.backfill()
	}
	if n := len(available(r.sandbox.State())); n != 3 {
		t.Errorf("want three versions, got %d", n)
	}
}

func TestAdoptAfterTheJournalWasLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	paths := []string{"a.jpg", "b.jpg", "sub/c.jpg"}
	for _, path := range paths {
		r.write(path, 4000, 1)
	}
	r.backfill()
	for _, name := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(r.journal + name); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	r.write("new.jpg", 4000, 1)
	r.config.Adopt = true
	r.backfill()
	r.wantExactly(append(paths, "new.jpg")...)
	if e := r.entry("a.jpg"); e.Status != journal.Filed || e.ObjectID == "" {
		t.Errorf("want filed with its asset, got %s %+v", e.Status, e)
	}
	// What was adopted is known: touched it stays, changed it becomes a version.
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(filepath.Join(r.drop, "a.jpg"), later, later); err != nil {
		t.Fatal(err)
	}
	r.write("b.jpg", 4000, 2)
	r.backfill()
	s := r.sandbox.State()
	if n := len(available(s)); n != 5 {
		t.Errorf("want the four assets and one version, got %d", n)
	}
}

package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// rig is a journal and its metrics.
type rig struct {
	*Metrics
	t       testing.TB
	journal *journal.Journal
	path    string
	now     time.Time
}

func newRig(t testing.TB) *rig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := journal.Open(context.Background(), path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	r := &rig{t: t, journal: j, path: path, now: time.Now()}
	r.Metrics = New(Deps{Reader: j.Reader(), Journal: path, Version: "1.2.3", Clock: func() time.Time { return r.now }})
	return r
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// scrape returns the exposition, and each sample by its name with labels.
func (r *rig) scrape() (text string, samples map[string]string) {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		r.t.Fatalf("%d: %s", w.Code, w.Body)
	}
	text = w.Body.String()
	samples = map[string]string{}
	for line := range strings.Lines(text) {
		if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			samples[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return text, samples
}

func (r *rig) want(samples map[string]string, want map[string]string) {
	r.t.Helper()
	for name, value := range want {
		if got, there := samples[name]; !there || got != value {
			r.t.Errorf("%s is %q, want %s", name, got, value)
		}
	}
}

// TestBooks has files in some states, and a folder that is away: the metrics say what the
// journal says, at once.
func TestBooks(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	_, first := r.scrape()
	r.want(first, map[string]string{"ingestd_cleanups_open": "0", `ingestd_paused{reason="tenovos"}`: "0"})
	if first["ingestd_journal_bytes"] == "" || first["ingestd_journal_disk_free_bytes"] == "" || first["process_open_fds"] == "" || first["go_goroutines"] == "" {
		t.Errorf("before the first file there is %v", first)
	}
	_, err := r.journal.Admit(ctx, []file.File{{Folder: "in", Path: "a"}, {Folder: "in", Path: "b"}, {Folder: "away", Path: "c"}})
	r.ok(err)
	_, err = r.journal.Advance(ctx, journal.Move{ID: 1, From: journal.Settled, To: journal.Held, Reason: journal.Reason{Message: "because"},
		Chores: []journal.NewChore{{Kind: journal.ChoreFile}}})
	r.ok(err)
	r.ok(journal.FoldersOf(r.journal).Set(ctx, journal.FolderState{Name: "in", Watch: "notify", Settling: 3, Polled: 7, Hours: "waits for 22:00", PausedBy: journal.PausedByTenovos, Paused: "everything"},
		journal.FolderState{Name: "away", Watch: "notify", Paused: "gone", PausedBy: "tenovos folder"},
		journal.FolderState{Name: "former", Paused: "gone", PausedBy: "circuit"}))
	r.now = time.Now().Add(time.Hour)
	r.Watch([]string{"in", "away"})
	_, now := r.scrape()
	r.want(now, map[string]string{
		`ingestd_files{folder="in",state="held"}`: "1", `ingestd_files{folder="in",state="queued"}`: "1", `ingestd_files{folder="in",state="settling"}`: "3",
		`ingestd_files{folder="in",state="filed"}`: "0", `ingestd_files_seen{folder="in"}`: "5", `ingestd_files_seen{folder="former"}`: "0",
		`ingestd_folder_up{folder="in"}`: "1", `ingestd_folder_up{folder="away"}`: "0", `ingestd_folder_open{folder="in"}`: "0", `ingestd_folder_open{folder="away"}`: "1", `ingestd_watch_polled_directories{folder="in"}`: "7",
		`ingestd_paused{reason="tenovos"}`: "1", `ingestd_paused{reason="folder"}`: "1", `ingestd_paused{reason="credentials"}`: "0", `ingestd_paused{reason="circuit"}`: "0",
		"ingestd_cleanups_open": "1", `ingestd_queue_age_seconds{folder="former"}`: "0", `ingestd_bytes_sent_total{folder="in"}`: "0",
	})
	if age := now[`ingestd_queue_age_seconds{folder="in"}`]; !strings.HasPrefix(age, "3600") && !strings.HasPrefix(age, "3599") {
		t.Errorf("the file that is queued has waited for %s s, and not for an hour", age)
	}
	if _, there := now[`ingestd_folder_up{folder="former"}`]; there {
		t.Error("a folder that nobody watches any more is up, or down")
	}
	if !slices.ContainsFunc(strings.Split(fmt.Sprint(now), " "), func(s string) bool { return strings.Contains(s, `ingestd_build_info{goversion="go`) }) {
		t.Error("no version of Go")
	}
}

// TestUnreadable closes the journal: no scrape may do as if there were no files.
func TestUnreadable(t *testing.T) {
	r := newRig(t)
	r.ok(r.journal.Close())
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), ".db") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

// TestObserved feeds the instruments as the rooms do.
func TestObserved(t *testing.T) {
	r := newRig(t)
	r.Call("create asset", nil, 300*time.Millisecond)
	r.Call("refresh the session", &tenovos.Error{Kind: tenovos.Unauthorized, Status: 401}, time.Second)
	r.Sent("in", 1000)
	r.Sent("in", 24)
	r.Stored(2 * time.Second)
	r.Retried("clock-skew")
	_, got := r.scrape()
	r.want(got, map[string]string{
		`ingestd_api_seconds_count{operation="create_asset",outcome="ok"}`:                  "1",
		`ingestd_api_seconds_bucket{operation="create_asset",outcome="ok",le="0.25"}`:       "0",
		`ingestd_api_seconds_bucket{operation="create_asset",outcome="ok",le="0.5"}`:        "1",
		`ingestd_api_seconds_count{operation="refresh_the_session",outcome="unauthorized"}`: "1",
		`ingestd_token_refreshes_total{outcome="unauthorized"}`:                             "1",
		`ingestd_token_refreshes_total{outcome="ok"}`:                                       "0",
		`ingestd_bytes_sent_total{folder="in"}`:                                             "1024",
		`ingestd_part_seconds_count`:                                                        "1",
		`ingestd_retries_total{reason="clock_skew"}`:                                        "1",
	})
	var none *Metrics // observes nothing, and says so to nobody
	none.Call("create asset", nil, 0)
	none.Sent("in", 1)
	none.Stored(0)
	none.Retried("x")
	none.Watch(nil)
}

// TestOutcomes has an outcome for each error that a request can end with.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "ok"},
		{&tenovos.Error{Kind: tenovos.Rejected, Status: 400}, "client_error"},
		{&tenovos.Error{Kind: tenovos.Rejected, Status: 200, Message: "invalid asset"}, "client_error"},
		{&tenovos.Error{Kind: tenovos.NotFound, Status: 404}, "client_error"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Status: 403, Message: "missing authentication token"}, "client_error"},
		{&tenovos.Error{Kind: tenovos.Unauthorized, Status: 401}, "unauthorized"},
		{&tenovos.Error{Kind: tenovos.Unauthorized, Status: 403}, "unauthorized"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Status: 403, Err: tenovos.ErrIntermediary}, "intermediary"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Status: 200, Err: tenovos.ErrIntermediary}, "intermediary"},
		{&tenovos.Error{Kind: tenovos.Throttled, Status: 429}, "throttled"},
		{&tenovos.Error{Kind: tenovos.Throttled, Status: 200}, "throttled"},
		{&tenovos.Error{Kind: tenovos.Ambiguous, Status: 500}, "server_error"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Status: 502, Err: tenovos.ErrIntermediary}, "server_error"},
		{&tenovos.Error{Kind: tenovos.Ambiguous, Status: 200, Message: "internal server error"}, "server_error"},
		{&tenovos.Error{Kind: tenovos.Ambiguous, Status: 200, Err: errors.New("the reply is not understood")}, "invalid_reply"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Status: 504}, "timeout"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Status: 408}, "timeout"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Err: fmt.Errorf("%w within 1m", tenovos.ErrTimeout)}, "timeout"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Err: os.ErrDeadlineExceeded}, "timeout"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Err: io.ErrUnexpectedEOF}, "network"},
		{&tenovos.Error{Kind: tenovos.Unavailable, Err: context.Canceled}, "cancelled"},
		{errors.New("anything else"), "network"},
	} {
		if got := outcomeOf(c.err); got != c.want {
			t.Errorf("%v is %s, want %s", c.err, got, c.want)
		}
	}
}

// TestFresh has a scrape look for itself, unless another one began to look after it was asked.
func TestFresh(t *testing.T) {
	r := newRig(t)
	b := &books{Deps: Deps{Reader: r.journal.Reader()}}
	for name, c := range map[string]struct {
		begun  time.Time
		shared bool
	}{"looked before": {time.Now(), false}, "looks later": {time.Now().Add(time.Hour), true}} {
		b.last = snapshot{begun: c.begun, chores: 7}
		if got, err := b.fresh(); err != nil || (got.chores == 7) != c.shared {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	var scrapes sync.WaitGroup
	for range 20 {
		scrapes.Go(func() { r.scrape() })
	}
	scrapes.Wait()
}

// TestLabels holds the labels to the few that docs/metrics.md names.
func TestLabels(t *testing.T) {
	r := newRig(t)
	r.Call("create asset", nil, 0)
	r.Retried("x")
	r.Watch([]string{"in"})
	text, _ := r.scrape()
	for _, m := range regexp.MustCompile(`(?m)^ingestd_\w+\{(.*)\}`).FindAllStringSubmatch(text, -1) {
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(m[1], -1) {
			if !slices.Contains([]string{"folder", "state", "operation", "outcome", "reason", "version", "goversion", "le"}, label[1]) {
				t.Errorf("label %s", label[1])
			}
		}
	}
}

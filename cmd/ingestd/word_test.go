package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// listener is a receiver of webhooks that comes and goes.
type listener struct {
	t      *testing.T
	addr   string
	server *http.Server

	mu     sync.Mutex
	status int
	slow   time.Duration
	told   []toldEvent
}

type toldEvent struct {
	key, signature string
	body           []byte
	message        struct {
		Event, Folder, Path, Status, Reason string
		ID                                  int64
	}
}

func newListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{t: t, addr: "127.0.0.1:0", status: http.StatusOK}
	l.open()
	t.Cleanup(l.close)
	return l
}

func (l *listener) open() {
	l.t.Helper()
	socket, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.addr = socket.Addr().String()
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: time.Minute}
	go l.server.Serve(socket) //nolint:errcheck // it ends with close
}

func (l *listener) close() { _ = l.server.Close() }

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l.mu.Lock()
	status, slow := l.status, l.slow
	l.mu.Unlock()
	time.Sleep(slow) // as a receiver does that is at something else
	if status == http.StatusOK {
		told := toldEvent{key: r.Header.Get("X-Ingestd-Event"), signature: r.Header.Get("X-Ingestd-Signature"), body: body}
		if err := json.Unmarshal(body, &told.message); err != nil {
			l.t.Errorf("%v in %s", err, body)
		}
		l.mu.Lock()
		l.told = append(l.told, told)
		l.mu.Unlock()
	}
	w.WriteHeader(status)
}

func (l *listener) be(status int, slow time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status, l.slow = status, slow
}

// of returns the paths that an event was told of, in order.
func (l *listener) of(event string) (paths []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, told := range l.told {
		if told.message.Event == event {
			paths = append(paths, told.message.Path)
		}
	}
	return paths
}

// tellsOf adds a receiver and a receipt to the configuration of a room.
func (r *room) tellsOf(l *listener, on string) {
	r.t.Helper()
	const token, secret = "T0KEN-of-the-hook", "the-shared-k3y"
	r.stand.remember(token, secret)
	file := filepath.Join(r.dir, "hook-secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.ownConfig()
	r.edit("listen: \"\"", fmt.Sprintf("listen: \"\"\nnotify:\n  - {url: \"http://%s/%s?t=%s\", on: [%s], secret_file: %s}", l.addr, token, token, on, file))
	r.edit("    after: ", "    receipt: csv\n    after: ")
	r.t.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		seen := map[string]bool{}
		for _, told := range l.told {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(told.body)
			if told.signature != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
				r.t.Errorf("%s is signed %s", told.body, told.signature)
			}
			if seen[told.key] {
				r.t.Errorf("%s came twice", told.body)
			}
			seen[told.key] = true
		}
		if _, err := os.Stat(r.journal); err != nil {
			return
		}
		if texts, err := journalTexts(r.journal); err != nil || r.stand.leaked(texts) != "" {
			r.t.Errorf("the journal's texts hold %s (%v)", r.stand.leaked(texts), err)
		}
	})
}

// receipt returns how often each path stands in the list with a status.
func (r *room) receipt() map[string]int {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.drop, "_ingested", "ingestd-receipt.csv"))
	if err != nil {
		return nil
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\uFEFF"))).ReadAll()
	if err != nil {
		r.t.Errorf("%v in %s", err, text)
	}
	out := map[string]int{}
	for _, row := range rows[min(1, len(rows)):] {
		out[row[1]+" "+row[2]]++
		if row[2] == "filed" && (row[3] == "" || row[4] == "" || row[5] != "1" || !strings.Contains(row[6], ":")) {
			r.t.Errorf("the row of a file that is in is %q", row)
		}
	}
	return out
}

// TestWordOutlastsEverything has a receiver be away, slow, and out of order, while the daemon
// is reloaded, killed and stopped: the files go in meanwhile, each event arrives once, and each
// row is written once.
func TestWordOutlastsEverything(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	r := newRoom(t, newStand(t, "1.5", nil))
	r.env["SETTLE"] = "20ms"
	r.tellsOf(l, "held, failed")
	files, held := 0, []string{}
	drop := func(n int) {
		t.Helper()
		for range n {
			files++
			r.write(fmt.Sprintf("acme/%d.jpg", files), fmt.Sprintf("good %d", files))
			held = append(held, fmt.Sprintf("nobody/%d.jpg", files))
			r.write(held[len(held)-1], fmt.Sprintf("bad %d", files))
		}
		eventually(t, "what was dropped is at rest", func() bool { b := r.books(); return b.Filed == files && b.Held == files })
	}
	daemon := r.start("run")
	daemon.says(`"message":"running"`)
	drop(2)
	eventually(t, "the first events", func() bool { return len(l.of("held")) == 2 })

	l.close()
	drop(3)
	daemon.says("events are not taken")
	if code, stdout, _ := r.run("status"); code != 0 || !strings.Contains(stdout, "webhook http://"+l.addr+" has taken nothing since") {
		t.Errorf("status does not tell that a receiver is away: %s", stdout)
	}
	r.edit("level: debug", "level: info") // a new logger, so that the follower is another one
	r.reload(0, "reloaded")
	drop(2)
	daemon.kill()
	daemon = r.start("run")
	daemon.says("events are not taken")
	drop(2)
	l.be(http.StatusInternalServerError, 0)
	l.open()
	drop(1)
	l.be(http.StatusOK, 300*time.Millisecond)
	eventually(t, "some events", func() bool { return len(l.of("held")) > 4 })
	daemon.terminate() // in the middle of it
	l.be(http.StatusOK, 0)
	daemon = r.start("run")
	daemon.says(`"message":"running"`)
	eventually(t, "all events", func() bool { return len(l.of("held")) == files })
	eventually(t, "status says nothing of it", func() bool {
		_, stdout, _ := r.run("status", "--json")
		return strings.Contains(stdout, `"receivers": []`)
	})
	daemon.terminate()

	got := l.of("held")
	slices.Sort(got)
	slices.Sort(held)
	if !slices.Equal(got, held) {
		t.Errorf("the receiver was told of %q, want %q", got, held)
	}
	rows := r.receipt()
	for n := range files {
		for _, row := range []string{fmt.Sprintf("acme/%d.jpg filed", n+1), fmt.Sprintf("nobody/%d.jpg held", n+1)} {
			if rows[row] != 1 {
				t.Errorf("%s is in the receipt %d times", row, rows[row])
			}
		}
	}
	if b := r.books(); b.Seen != 2*files {
		t.Errorf("the receipt was taken for a file: %+v", b)
	}
}

// TestDropIsDone drops directories, corrects one, and adds to another.
func TestDropIsDone(t *testing.T) {
	t.Parallel()
	for _, batch := range []string{"none", "all"} {
		t.Run("batch: "+batch, func(t *testing.T) {
			t.Parallel()
			l := newListener(t)
			r := newRoom(t, newStand(t, "1.5", nil))
			r.env["SETTLE"] = "200ms"
			r.tellsOf(l, "drop_done")
			r.edit("    after: ", "    batch: "+batch+"\n    after: ")
			daemon := r.start("run")
			daemon.says(`"message":"running"`)
			for i := range 5 {
				r.write(fmt.Sprintf("../outside/%d.jpg", i), fmt.Sprint(i))
			}
			if err := os.Rename(filepath.Join(r.dir, "outside"), filepath.Join(r.drop, "acme")); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the drop is done", func() bool { return len(l.of("drop_done")) == 1 })
			if m := l.told[0].message; m.Path != "acme" || m.Folder != "drop" || m.Reason != "5 filed" {
				t.Errorf("it says %+v", m)
			}
			daemon.terminate()
			daemon = r.start("run")
			daemon.says(`"message":"running"`)
			r.write("globex/1.jpg", "another drop")
			eventually(t, "the next is done", func() bool { return len(l.of("drop_done")) == 2 })
			r.write("acme/late.jpg", "late")
			eventually(t, "the first is done again", func() bool { return len(l.of("drop_done")) == 3 })
			daemon.terminate()
			if got := l.of("drop_done"); !slices.Equal(got, []string{"acme", "globex", "acme"}) || l.told[2].message.Reason != "1 filed" {
				t.Errorf("done are %q, the last with %q", got, l.told[2].message.Reason)
			}
		})
	}
}

// TestDropsOfAQuietTime is told of no drop from a time in which nobody was told of any.
func TestDropsOfAQuietTime(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	r := newRoom(t, newStand(t, "1.5", nil))
	r.env["SETTLE"] = "20ms"
	r.tellsOf(l, "drop_done")
	told := func(file string, n int) {
		t.Helper()
		daemon := r.start("run")
		daemon.says(`"message":"running"`)
		filed := r.books().Filed
		r.write(file, file)
		eventually(t, file+" is in", func() bool { return r.books().Filed == filed+1 })
		eventually(t, "its drop is done", func() bool { return len(l.of("drop_done")) == n })
		daemon.terminate()
	}
	told("acme/a.jpg", 1)
	r.edit("on: [drop_done]", "on: [held]")
	told("globex/b.jpg", 1)
	r.edit("on: [held]", "on: [drop_done]")
	told("acme/c.jpg", 2)
	if got := l.of("drop_done"); !slices.Equal(got, []string{"acme", "acme"}) {
		t.Errorf("done are %q", got)
	}
}

// TestBackfillLeavesAReceipt holds that a run that ends has written it.
func TestBackfillLeavesAReceipt(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	r := newRoom(t, newStand(t, "1.5", nil))
	r.tellsOf(l, "held")
	r.write("acme/a.jpg", "a")
	r.write("nobody/b.jpg", "b")
	if code, _, stderr := r.run("backfill"); code != 3 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if rows := r.receipt(); rows["acme/a.jpg filed"] != 1 || rows["nobody/b.jpg held"] != 1 || len(rows) != 2 {
		t.Errorf("the receipt has %v", rows)
	}
	if got := l.of("held"); !slices.Equal(got, []string{"nobody/b.jpg"}) {
		t.Errorf("told were %q", got)
	}
}

// TestNotifyTest tries receivers, one of which is away.
func TestNotifyTest(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	r := newRoom(t, newStand(t, "1.5", nil))
	r.ownConfig()
	if code, _, stderr := r.run("notify", "--test"); code != 2 || !strings.Contains(stderr, "no receiver") {
		t.Errorf("without a receiver: exit code %d: %s", code, stderr)
	}
	r.config = "testdata/process.yaml"
	r.tellsOf(l, "failed")
	if code, _, stderr := r.run("notify"); code != 2 || !strings.Contains(stderr, "notify --test") {
		t.Errorf("without --test: exit code %d: %s", code, stderr)
	}
	if code, stdout, _ := r.run("notify", "--test"); code != 0 || !strings.HasPrefix(stdout, "webhook http://"+l.addr+": it was told") || len(l.of("test")) != 1 {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	l.close()
	code, stdout, _ := r.run("notify", "--test", "--json")
	var results []tried
	if err := json.Unmarshal([]byte(stdout), &results); code != 3 || err != nil || len(results) != 1 || results[0].OK || !strings.Contains(results[0].Error, "cannot be reached") {
		t.Errorf("a receiver that is away: exit code %d: %s", code, stdout)
	}
}

// newJournal opens a journal of its own for a test.
func newJournal(t *testing.T) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// TestWaitsAreEvents has a folder and the pool wait, over a restart in between.
func TestWaitsAreEvents(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	j := newJournal(t)
	log := zerolog.Nop()
	states := func() *folderStates {
		waiting, err := journal.OutwardOf(j.Reader()).Paused(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f := newFolderStates([]config.Folder{{Name: "in"}}, j, log)
		f.pauses = newPauses(time.Millisecond, waiting, recordPause(j, log))
		return f
	}
	told := func(n int) []string {
		t.Helper()
		var out []string
		eventually(t, "the events", func() bool {
			events, err := eventFeed{journal.EventsOf(j.Reader())}.After(ctx, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			out = nil
			for _, e := range events {
				out = append(out, fmt.Sprintf("%s %s: %s", e.Kind, e.Folder, e.Reason))
			}
			return len(out) == n
		})
		return out
	}
	f := states()
	f.report(watcher.State{Folder: "in", Paused: "it is away"})
	told(1)
	f.pause(journal.PausedByTenovos, "Tenovos does not answer")
	told(2)
	f = states() // a restart, after which both wait still, and then do not
	f.report(watcher.State{Folder: "in", Paused: "it is away"})
	f.pause(journal.PausedByTenovos, "Tenovos does not answer")
	time.Sleep(20 * time.Millisecond) // nothing is told
	f.report(watcher.State{Folder: "in"})
	told(3)
	f.pause("", "")
	want := []string{"paused in: it is away", "paused : Tenovos does not answer", "resumed in: ", "resumed : "}
	if got := told(4); !slices.Equal(got, want) {
		t.Errorf("the events are %q, want %q", got, want)
	}
}

// TestSameRestIsNoNews has a file be held again for the same reason, and for another.
func TestSameRestIsNoNews(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	j := newJournal(t)
	if _, err := j.Admit(ctx, []file.File{{Folder: "in", Path: "a.jpg"}}); err != nil {
		t.Fatal(err)
	}
	move := func(from, to journal.Status, why string) {
		t.Helper()
		if _, err := j.Advance(ctx, journal.Move{ID: 1, From: from, To: to, Reason: journal.Reason{Class: "c", Message: why}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, why := range []string{"one", "one", "two", "two", "one"} {
		move(journal.Settled, journal.Held, why)
		move(journal.Held, journal.Settled, "")
	}
	move(journal.Settled, journal.Failed, "one")
	move(journal.Failed, journal.Settled, "")
	move(journal.Settled, journal.Failed, "one")
	events, err := eventFeed{journal.EventsOf(j.Reader())}.After(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var news []string
	for _, e := range events {
		if e.Status != "held" && e.Status != "failed" {
			continue
		}
		again, err := saidBefore(ctx, j.Reader(), e)
		if err != nil {
			t.Fatal(err)
		}
		if !again {
			news = append(news, e.Status+" "+e.Reason)
		}
	}
	if want := []string{"held one", "held two", "held one", "failed one", "failed one"}; !slices.Equal(news, want) {
		t.Errorf("the news are %q, want %q", news, want)
	}
}

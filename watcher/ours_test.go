package watcher

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// ourTexts are texts that end and begin as ours would.
var ourTexts = Texts{
	Named: func(name string) bool { return strings.HasSuffix(name, ".held.txt") },
	Ours:  func(head []byte) bool { return bytes.HasPrefix(head, []byte("OURS")) },
	Head:  16,
}

// A text of ours is no file, however it is found: it does not settle, keeps no drop and no
// sentinel waiting, and is never emitted. Another file of such a name is one.
func TestTextsOfOurs(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{ModeNotify, ModePoll} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			const quiet = time.Hour // what begins to settle settles for ever
			r := newRig(t,
				Folder{Path: "in", Mode: mode, PollInterval: 20 * time.Millisecond, Drops: true, Settle: quiet, Texts: ourTexts},
				Folder{Path: "ready", Name: "ready", Mode: mode, PollInterval: 20 * time.Millisecond, Drops: true, Ready: "{name}.done", Texts: ourTexts},
				Folder{Path: "plain", Name: "plain", Mode: mode, PollInterval: 20 * time.Millisecond, Settle: 10 * time.Millisecond, Texts: ourTexts})
			r.write("in/d/before.jpg.held.txt", "OURS: it waits")
			r.write("ready/d/before.jpg.held.txt", "OURS: it waits")
			r.mkdir("plain")
			r.started()
			for _, dir := range []string{"in", "ready", "plain"} {
				r.write("draft", "OURS: it waits") // ours get their names when they are whole
				must(t, os.MkdirAll(r.path(dir+"/d"), 0o755))
				r.rename("draft", dir+"/d/a.jpg.held.txt")
			}
			r.write("plain/d/theirs.held.txt", "a file of somebody's")
			r.write("plain/d/ours.txt", "OURS, but not by its name")
			r.await("d/theirs.held.txt", "d/ours.txt")
			for range 2 {
				must(t, r.w.WaitScan(t.Context(), ""))
			}
			for _, folder := range []string{"drop", "ready"} {
				if got := r.w.Drop(folder, "d"); got.Settling+got.Waiting > 0 {
					t.Errorf("%s waits for a text of ours: %+v", folder, got)
				}
				r.until("nothing is counted", func() bool { s := r.state(folder); return s.Settling+s.Waiting == 0 })
			}
			for _, p := range r.emitted() {
				if strings.HasSuffix(p, "a.jpg.held.txt") || strings.HasSuffix(p, "before.jpg.held.txt") {
					t.Errorf("%s was emitted", p)
				}
			}
			// What is no text of ours any more is a file from then on.
			r.write("plain/d/a.jpg.held.txt", "somebody's by now")
			r.await("d/a.jpg.held.txt")
			if why := Skipped(r.w.folders[0].conf, "d/before.jpg.held.txt"); why != "it is a note that ingestd left for people" {
				t.Errorf("it is skipped because %q", why)
			}
			if why := Skipped(r.w.folders[2].conf, "d/theirs.held.txt"); why != "" {
				t.Errorf("somebody's file is skipped because %s", why)
			}
		})
	}
}

// A copy of a text of ours that arrives in pieces is none until it has its first line, and
// is not emitted all the same.
func TestTextThatArrives(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Settle: 200 * time.Millisecond, Texts: ourTexts})
	r.mkdir("in")
	r.started()
	f, err := os.Create(r.path("in/a.held.txt"))
	must(t, err)
	r.until("it settles", func() bool { return r.state("drop").Settling == 1 })
	_, err = f.WriteString("OURS: it waits")
	must(t, err)
	must(t, f.Close())
	r.until("it is none", func() bool { return r.state("drop").Settling == 0 })
	if got := r.emitted(); len(got) > 0 {
		t.Errorf("%q was emitted", got)
	}
}

package watcher

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestReadySentinel(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Ready: "{name}.done", Settle: time.Hour},
		Folder{Path: "stems", Name: "stems", Ready: ".{stem}.ok", Settle: time.Hour})
	r.write("in/old/a.jpg", "x")
	r.write("in/old/a.jpg.done", "")
	r.write("in/old/waits.jpg", "x")
	r.mkdir("stems")
	r.started()
	r.await("old/a.jpg")
	r.until("one waiting", func() bool { s := r.state("drop"); return s.Waiting == 1 && s.Settling == 0 })

	r.write("in/live/b.jpg", "x")
	r.write("in/live/b.jpg.done", "")
	r.await("live/b.jpg")
	r.write("in/old/waits.jpg.done", "")
	r.await("old/waits.jpg")

	// Announced, but a writer has it open.
	if at, err := inspect(r.w.folders[0].conf); err == nil && at.leases {
		f, err := os.Create(r.path("in/open.jpg"))
		must(t, err)
		r.write("in/open.jpg.done", "")
		r.until("the writer seen", func() bool { return r.state("drop").Open == 1 })
		must(t, f.Close())
		r.await("open.jpg")
	}

	r.write("stems/d/p.jpg", "x")
	r.write("stems/d/p.xmp", "x")
	r.write("stems/d/q.jpg", "x")
	r.write("stems/d/.p.ok", "")
	r.await("d/p.jpg", "d/p.xmp")

	// New content under an old sentinel: the settle time decides.
	r.write("in/old/a.jpg", "other")
	later := time.Now().Add(time.Minute)
	must(t, os.Chtimes(r.path("in/old/a.jpg"), later, later))
	r.until("it settles", func() bool { return r.state("drop").Settling == 1 })

	must(t, r.w.WaitScan(t.Context(), "stems")) // what waits for its sentinel is not waited for
	for _, p := range r.emitted() {
		if strings.HasSuffix(p, ".done") || strings.HasSuffix(p, ".ok") || p == "d/q.jpg" {
			t.Errorf("emitted %q", p)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.files["old/a.jpg"]); n != 1 {
		t.Errorf("a.jpg emitted %d times", n)
	}
}

func TestSentinelNames(t *testing.T) {
	for _, tt := range []struct{ pattern, file, want string }{
		{"{name}.done", "a/b.jpg", "a/b.jpg.done"},
		{"{stem}.done", "a/b.tar.gz", "a/b.tar.done"},
		{"{stem}.done", "b", "b.done"},
		{".{name}", "a/b", "a/.b"},
		{"ok-{stem}", ".hidden", "ok-.hidden"},
	} {
		s, err := parseSentinel(tt.pattern)
		must(t, err)
		if got := s.of(tt.file); got != tt.want || !s.is(got) || s.is(tt.file) {
			t.Errorf("%s of %s: %s, is %v", tt.pattern, tt.file, got, s.is(got))
		}
		if got, one := s.file(tt.want); one && got != tt.file {
			t.Errorf("%s is for %s, want %s", tt.want, got, tt.file)
		}
	}
	for _, p := range []string{"done", "{name}", "{stem}", "ready/{name}", "{name}{stem}", "{name}.{ext}", "{name}{name}"} {
		if _, err := parseSentinel(p); err == nil {
			t.Errorf("%q is accepted", p)
		}
	}
}

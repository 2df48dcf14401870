package watcher

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// Times that nanoseconds do not reach are the nearest that they do, so that a
// sentinel is still older or younger than its file.
func TestTimesOfOtherCenturies(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Ready: "{name}.done", Settle: time.Hour}, Folder{Path: "any", Name: "any"})
	stamp := func(rel string, year int) {
		at := unix.NsecToTimespec(0)
		at.Sec = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, r.path(rel), []unix.Timespec{at, at}, 0)) // os.Chtimes overflows as well
		if info, err := os.Stat(r.path(rel)); err != nil || info.ModTime().UTC().Year() != year {
			t.Skipf("the file system here does not keep the year %d: %v", year, err)
		}
	}
	r.write("any/far.jpg", "x")
	stamp("any/far.jpg", 2300)
	r.write("in/far.jpg", "x")
	stamp("in/far.jpg", 2300)
	r.write("in/far.jpg.done", "") // of today: made for content before
	r.write("in/near.jpg", "x")
	r.write("in/near.jpg.done", "")
	stamp("in/near.jpg.done", 2300)
	r.started()
	r.await("near.jpg")
	r.until("far.jpg seen everywhere", func() bool { return len(r.files["far.jpg"]) == 1 && r.state("drop").Settling == 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.files["far.jpg"][0]; f.Folder != "any" || f.ModTime != math.MaxInt64 {
		t.Errorf("the file of 2300 is %+v", f)
	}
}

// What is no file is no sentinel: who left it there did not mean the file beside it.
func TestSentinelIsAFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Ready: "{name}.done", Settle: time.Hour, Drops: true})
	link := func(to string) func(string) error { return func(name string) error { return os.Symlink(to, name) } }
	kinds := map[string]func(name string) error{
		"pipe":      func(name string) error { return unix.Mkfifo(name, 0o600) },
		"directory": func(name string) error { return os.Mkdir(name, 0o700) },
		"link":      link("pipe"), "nowhere": link("none"), "loop": link("loop.done"), "device": link("/dev/null"),
	}
	for name, put := range kinds {
		r.write("in/"+name, "x")
		must(t, put(r.path("in/"+name+".done")))
	}
	r.write("in/spring/a.jpg", "x")
	must(t, unix.Mkfifo(r.path("in/spring.done"), 0o600))
	r.started()
	r.until("all waiting", func() bool { s := r.state("drop"); return s.Waiting == len(kinds)+1 && s.Settling == 0 })
	if at := r.w.Announced("drop", "spring"); !at.IsZero() {
		t.Errorf("a pipe announces the drop, at %v", at)
	}
	if got := r.emitted(); len(got) > 0 {
		t.Errorf("emitted %q", got)
	}
	must(t, os.Remove(r.path("in/spring.done")))
	r.write("in/spring.done", "")
	must(t, os.Remove(r.path("in/pipe.done")))
	r.write("in/pipe.done", "")
	r.await("pipe", "spring/a.jpg")
	if at := r.w.Announced("drop", "spring"); at.IsZero() {
		t.Error("a file does not announce the drop")
	}
}

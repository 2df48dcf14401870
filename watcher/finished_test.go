package watcher

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// pretend has the folders take their file system for one of this kind.
func (r *rig) pretend(k kind, leases bool) {
	for _, f := range r.w.folders {
		f.inspect = func(conf Folder) (root, error) {
			at, err := inspect(conf)
			at.kind, at.leases = k, leases
			return at, err
		}
	}
}

// A writer that pauses for ten seconds is what the lease is for.
func TestPausingWriter(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Settle: time.Second})
	r.mkdir("in")
	requireLeases(t, r.dir)
	r.started()
	pause := 10 * time.Second
	if testing.Short() {
		pause = 3 * time.Second
	}
	f, err := os.Create(r.path("in/slow"))
	must(t, err)
	_, err = f.WriteString("the first half ")
	must(t, err)
	time.Sleep(pause)
	if got := r.emitted(); got != nil {
		t.Errorf("emitted %q while a writer had it open", got)
	}
	r.until("the writer seen", func() bool { return r.state("drop").Open == 1 })
	must(t, f.Close())
	closed := time.Now()
	r.await("slow")
	r.mu.Lock()
	took := r.when["slow"].Sub(closed)
	r.mu.Unlock()
	if took < 0 || took > 2*time.Second {
		t.Errorf("taken %v after it was closed", took)
	}
	t.Logf("paused %v, taken %v after it was closed", pause, took)
	r.until("nothing open", func() bool { s := r.state("drop"); return s.Open == 0 && s.Settling == 0 })

	// The same, and the rest is written at last.
	f, err = os.OpenFile(r.path("in/slow"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("and ")
	must(t, err)
	time.Sleep(2 * time.Second)
	_, err = f.WriteString("the second")
	must(t, err)
	must(t, f.Close())
	closed = time.Now()
	r.until("the whole", func() bool { return len(r.files["slow"]) > 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := r.files["slow"][1:]; len(got) != 1 || got[0].Size != 29 || r.when["slow"].Sub(closed) > 2*time.Second {
		t.Errorf("emitted %+v %v after it was closed", got, r.when["slow"].Sub(closed))
	}
}

func TestWithoutLeasesPatienceRules(t *testing.T) {
	for _, k := range []kind{local, share} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: 15 * time.Second, Mode: ModePoll, PollInterval: time.Second})
			r.pretend(k, false)
			r.write("in/done", "x")
			f, err := os.Create(r.path("in/slow"))
			must(t, err)
			_, err = f.WriteString("half")
			must(t, err)
			start := time.Now()
			r.run()
			time.Sleep(10 * time.Second)
			_, err = f.WriteString("half")
			must(t, err)
			must(t, f.Close())
			time.Sleep(4 * time.Second)
			synctest.Wait()
			if got := r.emitted(); got != nil {
				t.Errorf("emitted %q after 14 s", got)
			}
			r.await("done", "slow")
			if d := r.when["done"].Sub(start); d < 15*time.Second || d > 16*time.Second {
				t.Errorf("the quiet file took %v", d)
			}
			if d := r.when["slow"].Sub(start); d < 25*time.Second || d > 27*time.Second || r.files["slow"][0].Size != 8 {
				t.Errorf("the slow file took %v: %+v", d, r.files["slow"])
			}
		})
	}
}

// The same on a real file system that is not on the list of those whose leases
// can be relied on.
func TestPausingWriterWithoutLeases(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: 4 * time.Second})
	r.mkdir("in")
	mountAt(t, r.path("in"), "ramfs", "")
	r.started()
	f, err := os.Create(r.path("in/slow"))
	must(t, err)
	_, err = f.WriteString("half")
	must(t, err)
	time.Sleep(3 * time.Second)
	_, err = f.WriteString("half")
	must(t, err)
	must(t, f.Close())
	closed := time.Now()
	r.await("slow")
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.when["slow"].Sub(closed); d < 3900*time.Millisecond || len(r.files["slow"]) != 1 || r.files["slow"][0].Size != 8 {
		t.Errorf("taken %v after it was closed: %+v", d, r.files["slow"])
	}
}

// A copy whose space was reserved at once, on a share that does not show each
// write in size and times: only the bytes tell that it grows.
func TestPreallocatedCopy(t *testing.T) {
	const size, patience = 4 * endSize, 10 * time.Second
	r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: patience, Mode: ModePoll, PollInterval: time.Hour})
	r.pretend(share, false)
	for _, name := range []string{"copy", "late", "blank"} {
		r.write("in/"+name, strings.Repeat("\x00", size))
	}
	r.write("in/small", strings.Repeat("\x00", 10))
	f, now := r.w.folders[0], time.Now()
	f.now = func() time.Time { return now }
	after := func(d time.Duration, want ...string) {
		t.Helper()
		for end := now.Add(d); now.Before(end); now = now.Add(500 * time.Millisecond) {
			must(t, f.step(t.Context()))
		}
		if got := r.emitted(); !slices.Equal(got, want) {
			t.Errorf("emitted %q, want %q", got, want)
		}
	}
	fill := func(name string, at, n int64) {
		t.Helper()
		w, err := os.OpenFile(r.path("in/"+name), os.O_WRONLY, 0)
		must(t, err)
		_, err = w.WriteAt(bytes.Repeat([]byte("x"), int(n)), at)
		must(t, err)
		must(t, w.Close())
		st, err := lstat(r.path("in/" + name))
		must(t, err)
		f.settle.pending[name].fp = file.StatOfSys(&st) // as if it were the same
	}
	after(3 * time.Second)
	fill("copy", 0, size/2) // half of it
	after(patience, "small")
	fill("copy", size/2, size/2) // the rest
	after(patience, "small")
	after(patience, "copy", "small")
	fill("late", size-1, 1) // its middle was never written: what is said is only that nobody goes on
	after(2*patience+time.Second, "copy", "late", "small")
	after(blankFactor*patience-5*patience, "blank", "copy", "late", "small")
}

package watcher

import (
	"errors"
	"os"
	"testing"
	"time"
)

// untilDrop waits until what is still to come of a drop is want.
func (r *rig) untilDrop(dir string, want Drop) {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for r.w.Drop("drop", dir) != want {
		if time.Now().After(deadline) {
			r.t.Fatalf("drop %q is %+v, want %+v", dir, r.w.Drop("drop", dir), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestDropWithAnOpenWriter(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Drops: true, Settle: 50 * time.Millisecond})
	r.write("in/autumn/a.jpg", "x")
	if got := r.w.Drop("drop", "autumn"); !got.Moving {
		t.Errorf("before the first scan nothing is known, but the drop is %+v", got)
	}
	r.started()
	r.await("autumn/a.jpg")
	r.untilDrop("autumn", Drop{})
	requireLeases(t, r.dir)

	r.mkdir("in/spring/raw")
	f, err := os.Create(r.path("in/spring/raw/slow.jpg"))
	must(t, err)
	_, err = f.WriteString("x")
	must(t, err)
	r.until("the writer seen", func() bool { return r.state("drop").Open == 1 })
	r.untilDrop("spring", Drop{Settling: 1})
	r.untilDrop("autumn", Drop{})
	r.untilDrop("", Drop{})
	must(t, f.Close())
	r.await("spring/raw/slow.jpg")
	r.untilDrop("spring", Drop{})

	// One that is gone is not waited for.
	f, err = os.Create(r.path("in/top.jpg"))
	must(t, err)
	r.untilDrop("", Drop{Settling: 1})
	must(t, os.Remove(r.path("in/top.jpg")))
	r.untilDrop("", Drop{})
	must(t, f.Close())
}

func TestDropOfAFolderThatIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Drops: true})
	r.write("in/spring/a.jpg", "x")
	r.started()
	r.await("spring/a.jpg")
	r.untilDrop("spring", Drop{})
	r.rename("in", "away")
	r.untilDrop("spring", Drop{Moving: true})
	r.rename("away", "in")
	r.untilDrop("spring", Drop{})
}

func TestSentinelOfAWholeDrop(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Drops: true, Ready: "{name}.done", Settle: time.Hour})
	r.write("in/spring/a.jpg", "x")
	r.write("in/spring/raw/b.jpg", "x")
	r.write("in/spring/c.jpg", "x")
	r.started()
	r.untilDrop("spring", Drop{Waiting: 3})
	r.write("in/spring/c.jpg.done", "")
	r.await("spring/c.jpg")
	r.untilDrop("spring", Drop{Waiting: 2})
	must(t, os.Remove(r.path("in/spring/a.jpg")))
	r.untilDrop("spring", Drop{Waiting: 1})
	if at := r.w.Announced("drop", "spring"); !at.IsZero() {
		t.Errorf("announced at %v without a sentinel", at)
	}
	r.write("in/spring.done", "")
	r.await("spring/raw/b.jpg")
	r.untilDrop("spring", Drop{})
	if at := r.w.Announced("drop", "spring"); at.IsZero() {
		t.Error("the sentinel beside the directory announces the drop")
	}
}

func TestDropAfterAWalk(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Drops: true, Ready: "{name}.done"})
	r.write("in/spring/a.jpg", "x")
	must(t, r.w.Walk(t.Context()))
	if got, want := r.w.Drop("drop", "spring"), (Drop{Waiting: 1}); got != want {
		t.Errorf("got %+v, want %+v: the walk is over", got, want)
	}
	gone := newRig(t, Folder{Path: "nowhere", Drops: true})
	if err := gone.w.Walk(t.Context()); !errors.Is(err, ErrPaused) {
		t.Fatal(err)
	}
	if got, want := gone.w.Drop("drop", "spring"), (Drop{Unreadable: true}); got != want {
		t.Errorf("got %+v, want %+v: nothing was read", got, want)
	}
}

func TestDropThatCannotBeRead(t *testing.T) {
	t.Parallel()
	d := newDrops()
	denied := errors.New("denied")
	d.take(note{what: noteScanned, scan: 1, unreadable: map[string]error{"spring/raw": denied, "summer": denied}})
	for dir, want := range map[string]bool{"spring": true, "summer": true, "autumn": false, "": false} {
		if got := d.of(dir, false, false); got.Unreadable != want {
			t.Errorf("%q: %+v", dir, got)
		}
	}
	d.take(note{what: noteScanned, scan: 2})
	if got := d.of("spring", false, false); got != (Drop{}) {
		t.Errorf("the next scan could read it, but it is %+v", got)
	}
}

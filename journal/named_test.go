package journal

import (
	"fmt"
	"slices"
	"testing"
)

func TestNamed(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("1/a", 1), fileAt("2/a", 1), fileAt("3/a", 1), fileAt("4/a", 1), fileAt("other", 1))
	first, second, third, fourth := ids[0], ids[1], ids[2], ids[3]
	const name = "hero.jpg"
	named := func(id int64, folders ...string) Named {
		t.Helper()
		n, err := r.Reader().Named(t.Context(), name, id, folders)
		r.ok(err)
		return n
	}
	waits := func(n Named, want int64) {
		t.Helper()
		switch {
		case want == 0 && n.Waits != nil:
			t.Errorf("it should wait for nobody, and waits for %d", n.Waits.ID)
		case want != 0 && (n.Waits == nil || n.Waits.ID != want):
			t.Errorf("it should wait for %d, and waits for %+v", want, n.Waits)
		}
	}
	waits(named(third, "in"), 0) // nobody has told a name

	// Of those that wait only the earlier ones count, and only those that go on.
	r.ok(r.SetFilename(t.Context(), second, name))
	waits(named(third, "in"), second)
	waits(named(third, "elsewhere"), 0)
	waits(named(second, "in"), 0)
	waits(named(first, "in"), 0)

	// Whoever has begun counts, whoever asks.
	m := move(second, Settled, Mapped)
	m.Filename = name
	r.ok(r.Advance(t.Context(), m))
	waits(named(first), second)
	waits(named(second), 0)
	r.fails(r.SetFilename(t.Context(), second, name), ErrMoved)

	// In the end its asset is told, once, and nobody waits.
	for _, id := range []int64{first, fourth} {
		m := move(id, Settled, Mapped)
		m.Filename = name
		r.ok(r.Advance(t.Context(), m))
	}
	r.bring(second, Uploading)
	r.bring(second, Verified)
	waits(named(third), first)
	for id, end := range map[int64]Status{first: Filed, fourth: Withdrawn} {
		r.bring(id, Uploading)
		r.bring(id, end)
	}
	n := named(third)
	waits(n, 0)
	want := []string{fmt.Sprintf("file-%d", first), fmt.Sprintf("file-%d", second)}
	if slices.Sort(n.Originals); !slices.Equal(n.Originals, want) {
		t.Errorf("the assets are %v, want %v", n.Originals, want)
	}
}

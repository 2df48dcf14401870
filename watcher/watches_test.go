package watcher

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// newSet is a set of watches of directories that exist nowhere.
func newSet(t *testing.T, paths ...string) *watches {
	t.Helper()
	fsn, err := fsnotify.NewWatcher()
	must(t, err)
	t.Cleanup(func() { _ = fsn.Close() })
	w := newWatches(fsn)
	for i, p := range paths {
		id := identity{1, uint64(i)}
		w.byPath[p], w.byID[id] = watched{id: id}, p
		w.link(p)
	}
	return w
}

func TestDropOfATree(t *testing.T) {
	t.Parallel()
	// Between /in/b and the one below it is a directory that is not watched.
	w := newSet(t, "/in", "/in/a", "/in/b", "/in/b/not/watched", "/in/bc", "/in/b/d")
	left := func(want ...string) {
		t.Helper()
		var got []string
		for p := range w.byPath {
			got = append(got, p)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || len(w.byID) != len(want) {
			t.Errorf("watched are %q, want %q", got, want)
		}
	}
	w.drop("/in/x")
	w.drop("/in/b/not")
	left("/in", "/in/a", "/in/b", "/in/b/d", "/in/b/not/watched", "/in/bc")
	w.drop("/in/b")
	left("/in", "/in/a", "/in/bc")
	w.drop("/in/a")
	w.drop("/in")
	if left(); len(w.within) != 0 {
		t.Errorf("left behind: %v", w.within)
	}
}

// A tree that is deleted loses its directories one by one, while no event is handled.
func TestDropOneByOneIsLinear(t *testing.T) {
	var paths []string
	for i := range 30_000 {
		paths = append(paths, filepath.Join("/in", fmt.Sprint(i%100), fmt.Sprint(i)))
	}
	w := newSet(t, paths...)
	begin := time.Now()
	for _, p := range paths {
		w.drop(p)
	}
	if took := time.Since(begin); took > 5*time.Second { // some 50 ms; were each to look at all others, half a minute
		t.Errorf("took %s", took)
	}
}

package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// claimed has a claim taken on a path, as another process would.
func claimed(t *testing.T, c *Claim, path string) error {
	t.Helper()
	dir, err := os.Open(path)
	must(t, err)
	defer dir.Close()
	return c.Take(dir)
}

// One folder has one holder, below as well; who lets go, or turns to another directory,
// makes room for the next.
func TestClaim(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "drop/below/deep"), 0o700))
	drop, deep := filepath.Join(dir, "drop"), filepath.Join(dir, "drop/below/deep")
	one, other, nobody := &Claim{}, &Claim{}, (*Claim)(nil)
	for range 2 {
		must(t, claimed(t, one, drop))
		must(t, claimed(t, nobody, drop))
		for _, path := range []string{drop, deep} {
			if err := claimed(t, other, path); !errors.Is(err, ErrClaimed) || !strings.Contains(err.Error(), "shared: true") {
				t.Errorf("a second claim on %s: %v", path, err)
			}
		}
		must(t, claimed(t, other, dir)) // who comes second to one above does not see it
		one.Release()
		other.Release()
		must(t, claimed(t, other, deep))
		other.Release()
	}
	must(t, claimed(t, one, drop))
	must(t, claimed(t, one, drop))
	must(t, claimed(t, one, filepath.Join(drop, "below"))) // the folder's path leads elsewhere by now
	must(t, claimed(t, other, drop))
	nobody.Release()
}

// Who was kept off for a while leaves the folder to the one who let go of it, who may
// have crashed and comes back; not for ever.
func TestClaimGivesWay(t *testing.T) {
	drop := t.TempDir()
	one, other := &Claim{}, &Claim{}
	must(t, claimed(t, one, drop))
	if err := claimed(t, other, drop); !errors.Is(err, ErrClaimed) {
		t.Fatal(err)
	}
	one.Release()
	must(t, claimed(t, other, drop)) // it was kept off for a moment only
	other.Release()

	for _, comesBack := range []bool{true, false} {
		must(t, claimed(t, one, drop))
		if err := claimed(t, other, drop); !errors.Is(err, ErrClaimed) {
			t.Fatal(err)
		}
		other.refused = other.refused.Add(-passing)
		one.Release()
		if err := claimed(t, other, drop); !errors.Is(err, ErrClaimed) || !strings.Contains(err.Error(), "comes back") {
			t.Errorf("just after it was let go: %v", err)
		}
		if comesBack {
			must(t, claimed(t, one, drop))
			if err := claimed(t, other, drop); !errors.Is(err, ErrClaimed) {
				t.Error(err)
			}
			one.Release()
		}
		other.last = other.last.Add(-giveWay)
		must(t, claimed(t, other, drop))
		other.Release()
	}
}

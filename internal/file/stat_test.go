package file

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStat looks at one file in each way that there is, before and after what can become
// of it.
func TestStat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(path, []byte("content"), 0o600))
	past := time.Unix(1_700_000_000, 5)
	must(os.Chtimes(path, past, past))
	look := func() Stat {
		t.Helper()
		info, err := os.Lstat(path)
		must(err)
		is := StatOf(info)
		opened, err := os.Open(path)
		must(err)
		defer opened.Close()
		st, err := LookOpen(opened)
		must(err)
		if StatOfSys(&st) != is {
			t.Fatalf("an open file is %+v, by its name %+v", StatOfSys(&st), is)
		}
		if st, err = Look(unix.AT_FDCWD, path, false); err != nil || StatOfSys(&st) != is {
			t.Fatalf("%+v, %v, by its name %+v", StatOfSys(&st), err, is)
		}
		return is
	}
	was := look()
	if was.Size != 7 || was.ModTime != past.UnixNano() || was.Ino == 0 || was.Dev == 0 {
		t.Fatalf("%+v", was)
	}
	if age, known := was.Age(time.Unix(0, was.ChangeTime).Add(time.Minute)); age != time.Minute || !known {
		t.Errorf("its age is %v, known %t", age, known)
	}
	for name, tt := range map[string]struct {
		change     func() error
		alike      bool
		difference string
	}{
		"a mode":       {func() error { return os.Chmod(path, 0o640) }, true, ""},
		"an extension": {func() error { return os.WriteFile(path, []byte("contents"), 0o600) }, false, "it has 8 bytes and had 7"},
		"a time":       {func() error { return os.Chtimes(path, past, past.Add(time.Second)) }, false, "its time stamps moved"},
		"an exchange": {func() error {
			if err := os.WriteFile(path+"2", []byte("content"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+"2", path)
		}, false, "another file has its name"},
	} {
		must(os.WriteFile(path, []byte("content"), 0o600))
		must(os.Chtimes(path, past, past))
		was := look()
		for now := was; now == was; now = look() { // the clock of a file system is coarse
			must(tt.change())
		}
		now := look()
		if now == was || was.Alike(now) != tt.alike || !tt.alike && was.Difference(now) != tt.difference {
			t.Errorf("%s: alike %t, %s", name, was.Alike(now), was.Difference(now))
		}
	}
}

func TestAgeOfNoTime(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, ns := range []int64{0, -1, math.MinInt64, math.MaxInt64, now.UnixNano() + 1} {
		if age, known := (Stat{ChangeTime: ns}).Age(now); known {
			t.Errorf("the age of %d is %v", ns, age)
		}
	}
}

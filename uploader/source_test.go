package uploader

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// place writes content to a new file f in a new folder and returns the folder.
func place(t testing.TB, content []byte) string {
	t.Helper()
	folder := t.TempDir()
	check(t, os.WriteFile(filepath.Join(folder, "f"), content, 0o600))
	return folder
}

// openIn opens the file at path below a folder.
func openIn(folder, path string) (*Source, error) {
	root, err := file.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return Open(root, path, nil)
}

// opened opens a file of content, for the time of the test.
func opened(t testing.TB, content []byte) (*Source, string) {
	t.Helper()
	folder := place(t, content)
	src, err := openIn(folder, "f")
	check(t, err)
	t.Cleanup(func() { _ = src.Close() })
	return src, filepath.Join(folder, "f")
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// changes are the ways in which a file stops being what was opened.
var changes = map[string]struct {
	do   func(t testing.TB, path string)
	want error
}{
	"grown": {func(t testing.TB, path string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		check(t, err)
		_, err = f.WriteString("more")
		check(t, errors.Join(err, f.Close()))
	}, ErrSourceChanged},
	"shrunk": {func(t testing.TB, path string) { check(t, os.Truncate(path, 1)) }, ErrSourceChanged},
	"replaced": {func(t testing.TB, path string) {
		content, err := os.ReadFile(path)
		check(t, err)
		check(t, os.WriteFile(path+".new", content, 0o600))
		check(t, os.Rename(path+".new", path))
	}, ErrSourceChanged},
	"replaced by a link to itself": {func(t testing.TB, path string) {
		check(t, os.Rename(path, path+".old"))
		check(t, os.Symlink(path+".old", path))
	}, ErrSourceChanged},
	"removed": {func(t testing.TB, path string) { check(t, os.Remove(path)) }, ErrSourceRemoved},
	"renamed": {func(t testing.TB, path string) { check(t, os.Rename(path, path+".old")) }, ErrSourceGone},
}

// tick waits until the file system's clock has moved on, so that a write gets
// another time stamp than the one before.
func tick(t testing.TB, src *Source) {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe")
	for {
		check(t, os.WriteFile(probe, []byte("x"), 0o600))
		info, err := os.Stat(probe)
		check(t, err)
		if file.StatOf(info).ChangeTime > src.Hint().ChangeTime {
			return
		}
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range changes {
		t.Run(name, func(t *testing.T) {
			src, path := opened(t, []byte("content"))
			check(t, src.Check())
			tick(t, src)
			tc.do(t, path)
			err := src.Check()
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if tc.want != ErrSourceChanged && (!errors.Is(err, fs.ErrNotExist) || !errors.Is(err, ErrSourceGone)) {
				t.Errorf("%v does not wrap ErrSourceGone and fs.ErrNotExist", err)
			}
		})
	}
	t.Run("parent replaced by a file", func(t *testing.T) {
		folder := t.TempDir()
		check(t, os.Mkdir(filepath.Join(folder, "d"), 0o700))
		check(t, os.WriteFile(filepath.Join(folder, "d", "f"), nil, 0o600))
		src, err := openIn(folder, "d/f")
		check(t, err)
		defer src.Close()
		check(t, os.Rename(filepath.Join(folder, "d"), filepath.Join(folder, "e")))
		check(t, os.WriteFile(filepath.Join(folder, "d"), nil, 0o600))
		if err := src.Check(); !errors.Is(err, ErrSourceGone) {
			t.Errorf("got %v, want ErrSourceGone", err)
		}
	})
}

// touches are what happens to a file of which its bytes know nothing. A rewrite that
// puts the times back looks the same: only the bytes tell.
var touches = map[string]func(t testing.TB, path string){
	"chmod": func(t testing.TB, path string) { check(t, os.Chmod(path, 0o640)) },
	"chown": func(t testing.TB, path string) { check(t, os.Chown(path, os.Getuid(), os.Getgid())) },
	"link":  func(t testing.TB, path string) { check(t, os.Link(path, path+".link")) },
	"link removed": func(t testing.TB, path string) {
		check(t, errors.Join(os.Link(path, path+".link"), os.Remove(path+".link")))
	},
	"attribute": func(t testing.TB, path string) {
		if err := syscall.Setxattr(path, "user.seen", []byte("x"), 0); !errors.Is(err, syscall.ENOTSUP) {
			check(t, err)
		}
		check(t, os.Chmod(path, 0o640))
	},
	"access time": func(t testing.TB, path string) { check(t, os.Chtimes(path, time.Now(), time.Time{})) },
	"times put back": func(t testing.TB, path string) {
		info, err := os.Stat(path)
		check(t, errors.Join(err, os.WriteFile(path, []byte("CONTENT"), 0o600), os.Chtimes(path, time.Time{}, info.ModTime())))
	},
	"renamed back": func(t testing.TB, path string) {
		check(t, errors.Join(os.Rename(path, path+".away"), os.Rename(path+".away", path)))
	},
}

func TestTouch(t *testing.T) {
	for name, touch := range touches {
		t.Run(name, func(t *testing.T) {
			src, path := opened(t, []byte("content"))
			tick(t, src)
			touch(t, path)
			now, err := src.Now()
			if err != nil || src.Check() != nil {
				t.Fatalf("a touch is a change: %v", err)
			}
			if now == src.Hint() {
				t.Error("the touch does not show")
			}
		})
	}
}

// TestFollow has the kernel tell where an open file is that got another path.
func TestFollow(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(folder string) error
		want error
	}{
		"file":      {func(folder string) error { return os.Rename(folder+"/d/f", folder+"/d/g") }, nil},
		"directory": {func(folder string) error { return os.Rename(folder+"/d", folder+"/e") }, nil},
		"odd name":  {func(folder string) error { return os.Rename(folder+"/d/f", folder+"/d/new\nline \xff (deleted)") }, nil},
		"new file in place": {func(folder string) error {
			return errors.Join(os.Rename(folder+"/d/f", folder+"/d/g"), os.WriteFile(folder+"/d/f", []byte("other"), 0o600))
		}, nil},
		"twice": {func(folder string) error {
			return errors.Join(os.Rename(folder+"/d", folder+"/e"), os.Rename(folder+"/e/f", folder+"/e/g"))
		}, nil},
		"unwanted":  {func(folder string) error { return os.Rename(folder+"/d/f", folder+"/d/f~") }, ErrSourceGone},
		"out of it": {func(folder string) error { return os.Rename(folder+"/d/f", folder+"-out") }, ErrSourceGone},
		"removed":   {func(folder string) error { return os.Remove(folder + "/d/f") }, ErrSourceRemoved},
		"renamed, written": {func(folder string) error {
			return errors.Join(os.Rename(folder+"/d/f", folder+"/d/g"), os.WriteFile(folder+"/d/g", []byte("contents"), 0o600))
		}, ErrSourceChanged},
		"overwritten by another": {func(folder string) error {
			return errors.Join(os.WriteFile(folder+"/d/g", []byte("other"), 0o600), os.Rename(folder+"/d/g", folder+"/d/f"))
		}, ErrSourceChanged},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "drop")
			check(t, errors.Join(os.MkdirAll(folder+"/d", 0o700), os.WriteFile(folder+"/d/f", []byte("content"), 0o600)))
			link := folder + "-by-link" // the folder's name is not what the kernel knows it by
			check(t, os.Symlink(folder, link))
			src, err := openIn(link, "d/f")
			check(t, err)
			defer src.Close()
			src.Follow(func(rel string) bool { return filepath.Base(rel) != "f~" })
			check(t, tc.do(folder))
			for range 2 {
				if err := src.Check(); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
					t.Fatalf("got %v, want %v", err, tc.want)
				}
			}
			if tc.want == nil {
				if sum, err := src.MD5(t.Context(), 0, 7); err != nil || string(sum) != string(md5sum("content")) {
					t.Errorf("it reads other bytes: %v", err)
				}
			}
		})
	}
}

func md5sum(text string) []byte {
	sum := md5.Sum([]byte(text))
	return sum[:]
}

func TestOpen(t *testing.T) {
	outside := t.TempDir()
	check(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o600))
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	check(t, os.MkdirAll(in("a/b"), 0o700))
	check(t, os.WriteFile(in("a/b/grün \xff #%&?+ 🎞.jpg"), []byte("x"), 0o600))
	check(t, os.Symlink(filepath.Join(outside, "secret"), in("out")))
	check(t, os.Symlink(outside, in("outdir")))
	check(t, os.Symlink("a/b", in("indir")))
	check(t, os.Symlink("a/b/grün \xff #%&?+ 🎞.jpg", in("in")))
	check(t, syscall.Mkfifo(in("pipe"), 0o600))

	for _, tc := range []struct {
		path string
		want error // nil: opens
		any  bool  // any error will do
	}{
		{path: "a/b/grün \xff #%&?+ 🎞.jpg"},
		{path: "indir/grün \xff #%&?+ 🎞.jpg", want: ErrSourceGone}, // no link is followed
		{path: "out", want: ErrSourceGone},
		{path: "in", want: ErrSourceGone},
		{path: "a", want: ErrNotRegular},
		{path: "pipe", want: ErrNotRegular},
		{path: "none", want: ErrSourceGone},
		{path: "a/none/f", want: ErrSourceGone},
		{path: "outdir/secret", want: ErrSourceGone},
		{path: "../" + filepath.Base(outside) + "/secret", any: true},
		{path: filepath.Join(outside, "secret"), any: true},
	} {
		src, err := openIn(folder, tc.path)
		if err == nil {
			check(t, src.Close())
		}
		if tc.any && err == nil || !tc.any && !errors.Is(err, tc.want) {
			t.Errorf("%q: got %v, want %v", tc.path, err, tc.want)
		}
	}
}

// Whoever opens a file can tell that a call to its file system does not return.
func TestCallsAreToldOf(t *testing.T) {
	folder := place(t, []byte("content"))
	root, err := file.OpenRoot(folder)
	check(t, err)
	defer root.Close()
	var begun, returned int
	told := func(what string) {
		t.Helper()
		if begun == 0 || begun != returned {
			t.Errorf("%s: told of %d calls, of which %d returned", what, begun, returned)
		}
		begun, returned = 0, 0
	}
	src, err := Open(root, "f", func() func() { begun++; return func() { returned++ } })
	check(t, err)
	defer src.Close()
	told("open")
	check(t, src.Check())
	told("check")
	_, err = src.SHA256(t.Context())
	check(t, err)
	told("hash")
}

// A pipe that takes the file's place after the first look must not block either.
func TestOpenWhilePipesComeAndGo(t *testing.T) {
	folder := place(t, []byte("x"))
	path := filepath.Join(folder, "f")
	check(t, os.Link(path, path+".file"))
	check(t, syscall.Mkfifo(path+".pipe", 0o600))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			from := path + []string{".pipe", ".file"}[i%2]
			_ = os.Link(from, path+".next")
			_ = os.Rename(path+".next", path)
		}
	}()
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		for range 2000 {
			if src, err := openIn(folder, "f"); err == nil {
				_ = src.Close()
			}
		}
	}()
	select {
	case <-opened:
	case <-time.After(20 * time.Second):
		t.Error("Open blocks on a pipe")
	}
	close(stop)
	<-stopped
}

func TestHintAndSums(t *testing.T) {
	content := random(3*hashBuffer + 17)
	src, path := opened(t, content)
	info, err := os.Stat(path)
	check(t, err)
	h := src.Hint()
	if h.Size != int64(len(content)) || h.ModTime != info.ModTime().UnixNano() || h.Ino == 0 || h.ChangeTime == 0 {
		t.Errorf("hint is %+v", h)
	}
	ctx := context.Background()
	for _, r := range [][2]int{{0, len(content)}, {5, hashBuffer}, {hashBuffer, 2*hashBuffer + 17}, {9, 0}} {
		got, err := src.MD5(ctx, int64(r[0]), int64(r[1]))
		check(t, err)
		if want := md5.Sum(content[r[0] : r[0]+r[1]]); string(got) != string(want[:]) {
			t.Errorf("MD5 of %v is %x, want %x", r, got, want)
		}
	}
	got, err := src.SHA256(ctx)
	check(t, err)
	if want := sha256.Sum256(content); string(got) != string(want[:]) {
		t.Errorf("SHA-256 is %x, want %x", got, want)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := src.SHA256(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := src.MD5(ctx, 1, int64(len(content))); !errors.Is(err, ErrSourceChanged) {
		t.Errorf("past the end: got %v, want ErrSourceChanged", err)
	}
}

// An open file whose directory became a link has no path below the folder any more,
// wherever the link leads.
func TestCheckOfAPathThatEscapes(t *testing.T) {
	dir := t.TempDir()
	folder, outside := filepath.Join(dir, "drop"), filepath.Join(dir, "outside")
	for _, name := range []string{filepath.Join(folder, "d/f"), filepath.Join(outside, "f")} {
		check(t, os.MkdirAll(filepath.Dir(name), 0o700))
		check(t, os.WriteFile(name, []byte("x"), 0o600))
	}
	src, err := openIn(folder, "d/f")
	check(t, err)
	defer src.Close()
	check(t, src.Check())
	check(t, os.Rename(filepath.Join(folder, "d"), filepath.Join(dir, "away")))
	check(t, os.Symlink(outside, filepath.Join(folder, "d")))
	if err := src.Check(); !errors.Is(err, ErrSourceGone) {
		t.Errorf("got %v, want ErrSourceGone", err)
	}
}

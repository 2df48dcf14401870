package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eachWay runs a test with openat2 and, as where the kernel does not know that, without.
func eachWay(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("openat2", func(t *testing.T) {
		if !knowsOpenat2() {
			t.Skip("this kernel does not know it")
		}
		test(t)
	})
	t.Run("by steps", func(t *testing.T) {
		before := knowsOpenat2
		knowsOpenat2 = func() bool { return false }
		defer func() { knowsOpenat2 = before }()
		test(t)
	})
}

// Nothing is done by way of a link, wherever it leads, nor out of the root: what is
// there is not there. A link itself can be looked at, moved and removed.
func TestRootFollowsNoLink(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		dir := t.TempDir()
		in := func(name string) string { return filepath.Join(dir, "root", name) }
		must(t, os.MkdirAll(in("a/b"), 0o700))
		must(t, os.MkdirAll(filepath.Join(dir, "outside/b"), 0o700))
		for _, name := range []string{in("a/b/f"), filepath.Join(dir, "outside/b/f")} {
			must(t, os.WriteFile(name, []byte("x"), 0o600))
		}
		for name, to := range map[string]string{"out": "../outside", "absolute": filepath.Join(dir, "outside"), "inside": "a", "itself": "itself", "gone": "none"} {
			must(t, os.Symlink(to, in(name)))
		}
		must(t, os.Symlink(filepath.Join(dir, "outside/b/f"), in("a/link")))
		root, err := OpenRoot(filepath.Join(dir, "root"))
		must(t, err)
		defer root.Close()
		ways := map[string]func(rel string) error{
			"open":   func(rel string) error { f, err := root.Open(rel); closeIf(f); return err },
			"lstat":  func(rel string) error { _, err := root.Lstat(rel); return err },
			"look":   func(rel string) error { _, err := root.Look(rel, true); return err },
			"remove": root.Remove,
			"rename": func(rel string) error { return root.Rename(rel, "moved") },
			"move":   func(rel string) error { return root.Rename("a/b/f", rel) },
			"link":   func(rel string) error { return root.Link(rel, "linked") },
			"create": func(rel string) error {
				f, err := root.OpenFile(rel+"-new", unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
				closeIf(f)
				return err
			},
			"list": func(rel string) error { f, err := root.OpenDir(filepath.Dir(rel)); closeIf(f); return err },
		}
		for how, do := range ways {
			for _, at := range []string{"out/b/f", "absolute/b/f", "inside/b/f", "itself/b/f", "gone/b/f", "../outside/b/f", "a/../../outside/b/f", filepath.Join(dir, "outside/b/f")} {
				err := do(at)
				if pe, ok := errors.AsType[*fs.PathError](err); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) || !ok || pe.Path == "" {
					t.Errorf("%s %s: %v", how, at, err)
				}
			}
		}
		if _, err := root.Open("a/link"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a link was opened: %v", err)
		}
		if info, err := root.Lstat("a/link"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("a link is %v, %v", info, err)
		}
		must(t, root.Rename("a/link", "a/moved"))
		must(t, root.Remove("a/moved"))
		must(t, root.Link("a/b/f", "a/second"))
		must(t, root.Remove("a/b/f"))
		must(t, root.Remove("a/b"))
		if err := root.Remove("a"); !errors.Is(err, unix.ENOTEMPTY) {
			t.Errorf("a directory that is not empty: %v", err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "outside/b/f")); err != nil || string(data) != "x" {
			t.Errorf("outside there is %q, %v", data, err)
		}
	})
}

func closeIf(f *os.File) {
	if f != nil {
		_ = f.Close()
	}
}

// What is no file is not opened as one, and nobody is waited for.
func TestOpenOfWhatIsNoFile(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		dir := t.TempDir()
		root, err := OpenRoot(dir)
		must(t, err)
		defer root.Close()
		must(t, os.Mkdir(filepath.Join(dir, "dir"), 0o700))
		must(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
		socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		must(t, err)
		defer unix.Close(socket)
		must(t, unix.Bind(socket, &unix.SockaddrUnix{Name: filepath.Join(dir, "socket")}))
		names := []string{"dir", "pipe", "socket"}
		if unix.Mknod(filepath.Join(dir, "zero"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))) == nil { // only root may
			names = append(names, "zero")
		}
		for _, name := range names {
			if f, err := root.Open(name); !errors.Is(err, ErrIrregular) && !errors.Is(err, unix.ENXIO) && !errors.Is(err, unix.EACCES) {
				closeIf(f)
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A directory that is exchanged for a link, again and again, never shows what is
// outside, and a file that is exchanged for a pipe never blocks.
func TestRootWhileThingsAreExchanged(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		dir := t.TempDir()
		in := func(name string) string { return filepath.Join(dir, "root", name) }
		must(t, os.MkdirAll(in("d"), 0o700))
		must(t, os.MkdirAll(filepath.Join(dir, "outside"), 0o700))
		must(t, os.WriteFile(in("d/f"), []byte("inside"), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "outside/f"), []byte("secret"), 0o600))
		must(t, os.Symlink("../outside", in("link")))
		must(t, unix.Mkfifo(in("pipe"), 0o600))
		must(t, os.WriteFile(in("file"), []byte("inside"), 0o600))
		writer, err := unix.Open(in("pipe"), unix.O_RDWR|unix.O_NONBLOCK, 0) // who reads it would wait for what this one writes
		must(t, err)
		defer unix.Close(writer)
		root, err := OpenRoot(filepath.Join(dir, "root"))
		must(t, err)
		defer root.Close()
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					_ = unix.Renameat2(unix.AT_FDCWD, in("d"), unix.AT_FDCWD, in("link"), unix.RENAME_EXCHANGE)
					_ = unix.Renameat2(unix.AT_FDCWD, in("file"), unix.AT_FDCWD, in("pipe"), unix.RENAME_EXCHANGE)
				}
			}
		}()
		read := map[string]int{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for until := time.Now().Add(500 * time.Millisecond); time.Now().Before(until); {
				for _, rel := range []string{"d/f", "file"} {
					f, err := root.Open(rel)
					if err != nil {
						continue
					}
					data, _ := io.ReadAll(f)
					closeIf(f)
					read[string(data)]++
				}
			}
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatal("it waits for the pipe")
		}
		close(stop)
		<-stopped
		if len(read) != 1 || read["inside"] == 0 {
			t.Errorf("read %v", read)
		}
	})
}

package facts

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
)

// A companion, or the file itself, that is exchanged for a pipe in whatever moment is
// not waited for: somebody holds the pipe open and writes nothing.
func TestPipesInThePlaceOfCompanions(t *testing.T) {
	d := newDrop(t)
	d.picture("a.jpg")
	d.write("a.jpg.xmp", "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
	d.write("a.jpg.json", "{}")
	d.write("a.jpg.yaml", "{}")
	d.write("manifest.csv", "file\na.jpg\n")
	names := []string{"a.jpg", "a.jpg.xmp", "a.jpg.json", "a.jpg.yaml", "manifest.csv"}
	stop, stopped := make(chan struct{}), make(chan struct{})
	for _, name := range names {
		pipe := filepath.Join(d.Root, "."+name+".pipe")
		if err := unix.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		writer, err := unix.Open(pipe, unix.O_RDWR|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(writer)
	}
	go func() {
		defer close(stopped)
		for {
			for _, name := range names {
				select {
				case <-stop:
					return
				default:
				}
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(d.Root, "."+name+".pipe"), unix.AT_FDCWD, filepath.Join(d.Root, name), unix.RENAME_EXCHANGE)
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		teller := d.Teller(func(string, func(string)) error { return nil })
		for until := time.Now().Add(700 * time.Millisecond); time.Now().Before(until); {
			_, _ = d.Collect(file.File{Path: "a.jpg"}, "")
			d.Forget("manifest.csv")
			_ = d.Beside("a.jpg")
			_ = d.Virtual("manifest.csv", func([]manifest.Virtual, []error) error { return nil })
			_, _ = teller.Lost("a.jpg.xmp")
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for a pipe")
	}
	close(stop)
	<-stopped
}

// What a companion holds is bounded, however large it seems: a file of a terabyte that
// takes no room on the disk is not read, and one that grows meanwhile is not read on.
func TestCompanionOfATerabyte(t *testing.T) {
	d := newDrop(t)
	d.picture("a.jpg")
	for _, name := range []string{"a.jpg.xmp", "a.jpg.json", "manifest.csv"} {
		d.write(name, "")
		if err := os.Truncate(filepath.Join(d.Root, name), 1<<40); err != nil {
			t.Skip(err)
		}
	}
	c, err := d.Collect(file.File{Path: "a.jpg"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Unread) != 3 {
		t.Errorf("not read: %v", c.Unread)
	}
}

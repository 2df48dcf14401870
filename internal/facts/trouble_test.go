package facts

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/embedded"
	"github.com/tenovos-ingest/ingestd/internal/file"
)

// TestTroubleIsNoMissingFact has the kernel refuse to read a companion: the file
// must not be taken for one without it. Nor for one whose companion is odd for good.
func TestTroubleIsNoMissingFact(t *testing.T) {
	if os.Getenv("FACTS_TEST_TROUBLE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "FACTS_TEST_TROUBLE=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{ // so that a mount is allowed, and gone afterwards
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		if err != nil && len(out) == 0 || strings.Contains(string(out), "SKIP") {
			t.Skipf("no user namespaces here: %v\n%s", err, out)
		}
		if err != nil {
			t.Errorf("in the namespace: %v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		t.Skipf("no mount: %v", err)
	}
	c := NewCollector(Settings{Root: dir, Sources: Sources{XMP: true, Sidecar: true, Manifest: true}, Companions: Companions{Manifests: []string{"*.csv"}}})
	long := strings.Repeat("n", 250) + ".jpg"
	for _, name := range []string{"a.jpg", long} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("a"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, companion := range []string{"a.jpg.xmp", "a.xmp", "a.jpg.json", "all.csv"} {
		name := filepath.Join(dir, companion)
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		// Nothing is mapped at its first address: to read it is EIO.
		if err := syscall.Mount("/proc/self/mem", name, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("no mount: %v", err)
		}
		c.Forget(companion)
		if _, err := c.Collect(file.File{Path: "a.jpg"}, ""); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: error %v", companion, err)
		}
		if err := syscall.Unmount(name, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Collect(file.File{Path: "a.jpg"}, ""); err != nil {
			t.Errorf("%s is gone: error %v", companion, err)
		}
	}
	if known, err := c.Collect(file.File{Path: long}, ""); err != nil || len(known.Gaps) > 0 {
		t.Errorf("a name that has no room for an extension more: error %v, %v", err, known.Gaps)
	}
	if err := os.Mkdir(filepath.Join(dir, "a.jpg.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	if known, err := c.Collect(file.File{Path: "a.jpg"}, ""); err != nil || len(known.Gaps) != 1 {
		t.Errorf("a directory for a sidecar: error %v", err)
	}
}

func TestTroubleInTheFileIsKept(t *testing.T) {
	bad := readerFunc(func([]byte, int64) (int, error) {
		return 0, &fs.PathError{Op: "read", Path: "a.jpg", Err: syscall.EIO}
	})
	r := &file.TroubleReader{Reader: bad}
	if known, _ := embedded.Read(r, 1000, embedded.Want{EXIF: true, IPTC: true, XMP: true}, nil); len(known) > 0 || !errors.Is(r.Err, syscall.EIO) {
		t.Errorf("%v, error %v", known, r.Err)
	}
	for _, err := range []error{nil, errors.New("the manifest has no rows"), fs.ErrNotExist, syscall.ENOTDIR, &fs.PathError{Err: syscall.EACCES}} {
		if file.Passing(err) {
			t.Errorf("%v does not pass", err)
		}
	}
}

type readerFunc func([]byte, int64) (int, error)

func (f readerFunc) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

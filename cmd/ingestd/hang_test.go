package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hangingShare mounts a FUSE file system whose server shakes hands and then never
// answers, for the length of a test.
func hangingShare(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	opts := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Getuid(), os.Getgid())
	if err := unix.Mount("hanging", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, opts); err != nil {
		_ = unix.Close(fd)
		t.Skipf("no mount here: %v", err)
	}
	t.Cleanup(func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH|unix.MNT_FORCE)
		_ = unix.Close(fd) // every call that waits fails now
	})
	// fuse_in_header is 40 bytes, its unique at 8; fuse_init_out 64, after
	// fuse_out_header of 16: length, error, unique.
	in := make([]byte, 1<<16)
	if _, err := unix.Read(fd, in); err != nil {
		t.Fatalf("read FUSE_INIT: %v", err)
	}
	out := make([]byte, 16+64)
	binary.NativeEndian.PutUint32(out[0:], uint32(len(out)))
	copy(out[8:16], in[8:16])
	binary.NativeEndian.PutUint32(out[16:], 7)
	binary.NativeEndian.PutUint32(out[20:], 31)
	binary.NativeEndian.PutUint32(out[36:], 4096) // max_write
	if _, err := unix.Write(fd, out); err != nil {
		t.Fatalf("answer FUSE_INIT: %v", err)
	}
}

// Five folders on shares that hang cost a command no more time than one, and the
// folder beside them nothing.
func TestHangingShares(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	share := filepath.Join(r.dir, "share")
	if err := os.Mkdir(share, 0o700); err != nil {
		t.Fatal(err)
	}
	hangingShare(t, share)
	data, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(data), "\nfolders:")
	text := head + "\nfolders:\n"
	for i := range 6 {
		path := filepath.Join(share, fmt.Sprint(i))
		if i == 5 {
			path = r.drop
		}
		text += fmt.Sprintf("- {name: f%d, path: %s, rules: [{match: '**', template: Creative Asset, security: [Creative Internal], metadata: {Title: {from: file.stem}}}]}\n", i, path)
	}
	r.config = filepath.Join(r.dir, "config.yaml")
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write("a.jpg", "x")

	start := time.Now()
	offline := r.start("check", "--offline")
	explained := r.start("explain", filepath.Join(r.drop, "a.jpg"))
	hanging := r.start("explain", filepath.Join(share, "0", "a.jpg"))
	for _, c := range []struct {
		p    *process
		code int
		says string
	}{
		{offline, exitUsage, "folder " + share + "/4 does not answer"},
		{explained, exitDone, "template Creative Asset"},
		{hanging, exitError, "its file system does not answer"},
	} {
		code := c.p.wait(patience)
		if out := c.p.stdout.String() + c.p.stderr.String(); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s ended with %d, want %d and %q", c.p.cmd, code, c.code, c.says)
		}
	}
	if n := strings.Count(offline.stderr.String(), "does not answer"); n != 5 {
		t.Errorf("check found %d folders that hang", n)
	}
	if d := time.Since(start); d > 15*time.Second { // one after the other they would take a minute
		t.Errorf("the commands took %v", d)
	}
}

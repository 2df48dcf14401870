package sharefs

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Hang mounts at dir, for the length of a test, a file system whose server shakes
// hands and then never answers. It returns what lets go of those who wait for it.
func Hang(t *testing.T, dir string) (release func()) {
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
	released := false
	release = func() {
		if released {
			return
		}
		released = true
		_ = unix.Unmount(dir, unix.MNT_DETACH|unix.MNT_FORCE)
		_ = unix.Close(fd) // every call that waits fails now
	}
	t.Cleanup(release)
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
	return release
}

package watcher

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// hangingShare mounts a FUSE file system whose server shakes hands and then never
// answers, and returns what lets go of those who wait for it.
func hangingShare(t *testing.T, dir string) (release func()) {
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

func TestHangingShare(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "share", Name: "share"}, Folder{Path: "in"})
	r.mkdir("share")
	r.mkdir("in")
	release := hangingShare(t, r.path("share"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.w.Run(ctx) }()

	r.write("in/a/b", "x")
	r.await("a/b")
	must(t, r.w.WaitScan(ctx, "drop"))
	r.w.folders[0].checkPulse(time.Now().Add(hangAfter))
	r.until("the hang said", func() bool { return strings.Contains(r.state("share").Paused, "not answered") })
	if err := r.w.WaitScan(ctx, ""); !errors.Is(err, ErrPaused) || !strings.Contains(err.Error(), `"share"`) {
		t.Errorf("WaitScan: %v", err)
	}
	r.write("in/c", "x")
	r.await("c")

	cancel()
	start := time.Now()
	must(t, <-done)
	if d := time.Since(start); d > abandonAfter+time.Second {
		t.Errorf("Run ended %v after its context", d)
	}
	release() // lets the goroutine end

	// Nothing tells of that, so that until would not look.
	for end := time.Now().Add(40 * time.Second); !r.w.folders[0].ended.Load(); {
		if time.Now().After(end) {
			t.Fatalf("its goroutine goes on; log:\n%s", r.log.String())
		}
		time.Sleep(time.Millisecond)
	}
}

func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Folder{Path: "in", Mode: ModePoll, PollInterval: time.Minute})
		r.mkdir("in")
		release := make(chan struct{})
		f := r.w.folders[0]
		f.inspect = func(conf Folder) (root, error) {
			if f.scan == 1 {
				<-release
			}
			return inspect(conf)
		}
		start := time.Now()
		r.run()
		r.until("the first scan", func() bool { return !r.state("drop").LastScan.IsZero() })
		r.until("the hang said", func() bool {
			s := r.state("drop")
			return strings.Contains(s.Paused, "not answered") && !s.LastScan.Before(start)
		})
		if d := time.Since(start); d < hangAfter || d > hangAfter+rootCheck+2*hangCheck {
			t.Errorf("said after %v", d)
		}
		close(release)
		r.until("an answer", func() bool { return r.state("drop").Paused == "" })
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := r.logged("not answered"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}

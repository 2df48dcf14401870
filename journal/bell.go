package journal

import (
	"context"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Another process that left the owner a request, or took one back, rings: it sets the
// times of the lock file, which belongs to whoever owns the journal. The kernel tells the
// owner, who asks the journal for requests only then.

// ring is for the owner of the journal at path. Where it fails, the owner finds the
// request when it looks by itself.
func ring(path string) {
	_ = withFile(path+".lock", func(fd int, _ unix.Stat_t) error {
		now, err := unix.TimeToTimespec(time.Now())
		if err != nil {
			return err
		}
		return unix.UtimesNanoAt(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), []unix.Timespec{now, now}, 0)
	})
}

// bellTick is how often the owner looks at the lock file where the kernel does not tell.
const bellTick = 150 * time.Millisecond

// Listen has rung, which must have room for one value, told when another process may have
// left something in the journal, until ctx ends: once at the beginning, and then whenever
// one rang. Whoever takes the value out before it reads the journal misses nothing.
func (q Requests) Listen(ctx context.Context, rung chan<- struct{}) {
	name := q.j.path + ".lock"
	signal(rung)
	if q.j.watchLock {
		watchTimes(ctx, name, rung)
	}
	tick := time.NewTicker(bellTick)
	defer tick.Stop()
	var seen [2]syscall.Timespec
	for ctx.Err() == nil {
		if times, ok := timesOf(name); !ok || times != seen {
			seen = times
			signal(rung)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watchTimes has the kernel tell of a file's times, until ctx ends or it cannot: the limits
// of inotify may be exhausted.
func watchTimes(ctx context.Context, name string, changed chan<- struct{}) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	events := os.NewFile(uintptr(fd), "inotify") // which Go reads without a thread that waits
	defer events.Close()                         // nothing was written
	if _, err := unix.InotifyAddWatch(fd, name, unix.IN_ATTRIB|unix.IN_DONT_FOLLOW); err != nil {
		return
	}
	signal(changed) // it may have rung before it was watched
	defer context.AfterFunc(ctx, func() { _ = events.Close() })()
	for buf := make([]byte, 16*unix.SizeofInotifyEvent); ; {
		if n, err := events.Read(buf); err != nil || n == 0 {
			return
		}
		if _, ok := timesOf(name); !ok { // another file may take the name
			return
		}
		signal(changed)
	}
}

// timesOf returns when a file was changed, and when anything of it was.
func timesOf(name string) (times [2]syscall.Timespec, ok bool) {
	info, err := os.Lstat(name)
	if err != nil {
		return times, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok {
		times = [2]syscall.Timespec{st.Mtim, st.Ctim}
	}
	return times, ok
}

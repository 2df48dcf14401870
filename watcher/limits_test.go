package watcher

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// limitedEnv makes the test binary lower its inotify limits, to WATCHES or
// WATCHES,INSTANCES, before it runs any test. That works in a user namespace of
// its own, without touching the machine's sysctls.
const limitedEnv = "WATCHER_TEST_INOTIFY_LIMITS"

func lowerLimits(limits string) error {
	names := []string{"max_inotify_watches", "max_inotify_instances"}
	for i, limit := range strings.Split(limits, ",") {
		if err := os.WriteFile("/proc/sys/user/"+names[i], []byte(limit), 0); err != nil {
			return err
		}
	}
	return nil
}

// limited runs the test again in a user namespace with these limits, and
// reports whether the caller is that run.
func limited(t *testing.T, limits string) bool {
	t.Helper()
	if os.Getenv(limitedEnv) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), limitedEnv+"="+limits)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skipf("no user namespaces here: %v", err)
	}
	if err != nil {
		t.Errorf("in the namespace: %v\n%s", err, out)
	}
	return false
}

func TestWatchLimit(t *testing.T) {
	t.Parallel()
	if !limited(t, "10") {
		return
	}
	r := newRig(t, Folder{Path: "in", PollInterval: 200 * time.Millisecond})
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprintf("d%d/e/before", i))
		r.write("in/"+want[i], "x")
	}
	r.started()
	r.until("polling", func() bool { return r.state("drop").Watch == ModePoll })
	for i := range 30 {
		want = append(want, fmt.Sprintf("d%d/e/f/after", i))
		r.write("in/"+want[30+i], "x")
	}
	r.await(want...)
	polled := r.polled()
	if polled < 20 || polled > 30 {
		t.Errorf("%d directories are polled, want those without a watch", polled)
	}
	// Everything is looked at by the hour; only what has no watch is polled.
	r.mu.Lock()
	scan := r.state("drop").LastScan
	r.mu.Unlock()
	r.write("in/d29/e/f/polled", "x")
	r.await("d29/e/f/polled")
	r.mu.Lock()
	if !r.state("drop").LastScan.Equal(scan) {
		t.Error("the whole folder was scanned again")
	}
	r.mu.Unlock()
	must(t, r.w.WaitScan(t.Context(), "")) // gives up no watch and says nothing again
	if again := r.polled(); again != polled {
		t.Errorf("%d directories are polled after a scan, %d before", again, polled)
	}
	if n := r.logged("fs.inotify.max_user_watches"); n != 1 {
		t.Errorf("the limit was said %d times", n)
	}
	// A polled directory that is gone is not looked for any more.
	must(t, os.RemoveAll(r.path("in/d28")))
	// The limit is raised, or others need less: events again.
	must(t, lowerLimits("1000"))
	r.until("events", func() bool { s := r.state("drop"); return s.Watch == ModeNotify && s.Polled == 0 })
	must(t, r.w.WaitScan(t.Context(), ""))
	r.write("in/d29/e/live", "x")
	r.await("d29/e/live")
	if n := r.logged("watched again"); n != 1 {
		t.Errorf("the end was said %d times", n)
	}
}

// polled returns how many directories are polled now.
func (r *rig) polled() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state("drop").Polled
}

func TestInstanceLimit(t *testing.T) {
	t.Parallel()
	if !limited(t, "10,0") {
		return
	}
	r := newRig(t, Folder{Path: "in", PollInterval: 200 * time.Millisecond})
	r.mkdir("in")
	r.started()
	r.write("in/a/b/c", "x")
	r.await("a/b/c")
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := r.state("drop").Watch; got != ModePoll {
		t.Errorf("watch is %q", got)
	}
	if !strings.Contains(r.log.String(), "fs.inotify.max_user_instances") {
		t.Errorf("the limit was not said: %s", r.log.String())
	}
}

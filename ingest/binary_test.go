package ingest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// What the benchmarks of the shipped program have in common: the program, what it
// talks to, and what it costs.

// program returns the path of ingestd as it is shipped. INGESTD_BIN names another one,
// say that of an earlier commit.
func program(b *testing.B) string {
	b.Helper()
	if path := os.Getenv("INGESTD_BIN"); path != "" {
		return path
	}
	path := filepath.Join(b.TempDir(), "ingestd")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../cmd/ingestd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build ingestd: %v\n%s", err, out)
	}
	return path
}

// counterpart is a sandbox for one run of a program.
type counterpart struct {
	*sandbox.Server
	web  *httptest.Server
	url  string       // of the API
	puts atomic.Int64 // requests that brought content and have ended
}

// newCounterpart starts a sandbox that puts content into store, or keeps it itself.
func newCounterpart(b *testing.B, store sandbox.StoreSigner) *counterpart {
	b.Helper()
	o, err := sandbox.Preset("1.5")
	if err != nil {
		b.Fatal(err)
	}
	o.Dir, o.Store = b.TempDir(), store
	s, err := sandbox.New(o)
	if err != nil {
		b.Fatal(err)
	}
	c := &counterpart{Server: s}
	handler := s.Handler()
	c.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
		if r.Method == http.MethodPut {
			c.puts.Add(1)
		}
	}))
	c.url = c.web.URL + o.BasePath()
	return c
}

func (c *counterpart) close(b *testing.B) {
	b.Helper()
	if err := c.Close(); err != nil {
		b.Error(err)
	}
	c.web.CloseClientConnections()
	c.web.Close()
}

// holds reports whether the sandbox has the content of n assets. It may be asked often.
func (c *counterpart) holds(n int) bool {
	if c.puts.Load() < int64(n) {
		return false
	}
	for _, a := range c.State().Assets {
		if a.HasContent {
			n--
		}
	}
	return n == 0
}

// config writes a configuration with the defaults for folders, but for a settle of a
// second and no status page, and returns its path.
func (c *counterpart) config(b *testing.B, folders ...string) string {
	b.Helper()
	dir := b.TempDir()
	a := c.Account()
	text := fmt.Sprintf("tenovos: {url: %q, api_key: %q, username: %q, password: %q}\njournal: %s\nlisten: \"\"\nlog: {format: json}\nfolders:\n",
		c.url, a.APIKey, a.Users[0].Username, a.Users[0].Password, filepath.Join(dir, "journal.db"))
	for i, folder := range folders {
		text += fmt.Sprintf("  - {name: drop%d, path: %s, settle: 1s, rules: [{match: \"**\", template: Creative Asset, security: [Creative Internal], metadata: {Title: {from: file.stem}}}]}\n", i, folder)
	}
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// cost is what a run of a program took.
type cost struct {
	seconds, cpu float64
	peak         float64 // MiB resident at most
	calls        float64 // API calls a file, where they are counted
}

// medianOf is the median of what costs have in common.
func medianOf(costs []cost, of func(cost) float64) float64 {
	values := make([]float64, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// runMeasured runs a program to its end.
func runMeasured(b *testing.B, cmd *exec.Cmd) cost {
	b.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c := cost{}
	tick := time.NewTicker(20 * time.Millisecond) // the kernel's own peak of a child begins with its parent's
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.peak = max(c.peak, peakOf(cmd.Process.Pid))
		case err := <-ended:
			if err != nil {
				b.Fatalf("%s: %v\n%s", cmd, err, lastLines(out.String()))
			}
			c.seconds = time.Since(begun).Seconds()
			c.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
			return c
		}
	}
}

// lastLines is the end of a log.
func lastLines(log string) string {
	lines := strings.Split(log, "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

var residentPeak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakOf is the most that a process had resident so far, in MiB; 0 if it has ended.
func peakOf(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := residentPeak.FindSubmatch(status)
	if m == nil {
		return 0
	}
	kib, _ := strconv.ParseFloat(string(m[1]), 64) // digits
	return kib / 1024
}

// cpuOf is the processor time that a process has taken so far, in seconds.
func cpuOf(b *testing.B, pid int) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the first is the third
	ticks := 0.0
	for _, field := range fields[11:13] { // utime, stime: hundredths of a second wherever Go runs
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return ticks / 100
}

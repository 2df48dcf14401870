package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// patience is how long a test waits for what takes a moment on an idle machine.
const patience = 3 * time.Minute

// room is a drop folder with a configuration and a journal.
type room struct {
	t       *testing.T
	stand   *stand
	dir     string
	drop    string
	journal string
	config  string            // testdata/process.yaml unless a test brings another
	env     map[string]string // varies it
}

func newRoom(t *testing.T, s *stand) *room {
	t.Helper()
	dir := t.TempDir()
	r := &room{t: t, stand: s, config: "testdata/process.yaml", dir: dir, drop: filepath.Join(dir, "drop"), journal: filepath.Join(dir, "state", "journal.db")}
	r.env = map[string]string{"WORK": dir, "DROP": r.drop, "SETTLE": "1s", "GRACE": "15s", "VERIFY": "etag", "AFTER": "keep", "EMPTY": "hold", "RESUME": "0s"}
	if err := os.Mkdir(r.drop, 0o700); err != nil {
		t.Fatal(err)
	}
	return r
}

// write puts a file below the drop folder.
func (r *room) write(rel, content string) {
	r.t.Helper()
	path := filepath.Join(r.drop, rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// process is an ingestd.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr buffer
	ended          chan struct{}
}

// start runs a command of ingestd in the room, to the end of the test at most.
func (r *room) start(args ...string) *process {
	r.t.Helper()
	return r.launch(exec.Command("ingestd", append(args, "-c", r.config)...), args...)
}

// launch is start with a command line of the test's own.
func (r *room) launch(cmd *exec.Cmd, args ...string) *process {
	r.t.Helper()
	p := &process{t: r.t, cmd: cmd, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), r.stand.env()...)
	for k, v := range r.env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the state of the process tells what it is
		close(p.ended)
	}()
	r.t.Cleanup(func() {
		p.kill()
		if failed := p.cmd.ProcessState.ExitCode() != 0; r.t.Failed() && (failed || args[0] != "status") {
			r.t.Logf("ingestd %s:\n%s%s", strings.Join(args, " "), p.stdout.String(), p.stderr.String())
		}
		if found := r.stand.leaked([]byte(p.stdout.String() + p.stderr.String())); found != "" {
			r.t.Errorf("ingestd %s printed %s", strings.Join(args, " "), found)
		}
	})
	return p
}

// run runs a command of ingestd to its end.
func (r *room) run(args ...string) (code int, stdout, stderr string) {
	r.t.Helper()
	p := r.start(args...)
	code = p.wait(patience)
	return code, p.stdout.String(), p.stderr.String()
}

// wait returns the exit code; a process that does not end in time fails the test.
func (p *process) wait(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Fatalf("%s did not end within %v", p.cmd, within)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// kill ends the process the hard way, if it still runs.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// terminate asks the process to end, as systemd does.
func (p *process) terminate() {
	p.t.Helper()
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.wait(20 * time.Second); code != 0 {
		p.t.Errorf("SIGTERM: exit code %d", code)
	}
	p.t.Logf("SIGTERM: ended after %v", time.Since(begun).Round(time.Millisecond))
}

// buffer is a bytes.Buffer for a writer and a reader at the same time.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// says waits for a text in the process's log.
func (p *process) says(text string) {
	p.t.Helper()
	eventually(p.t, "the log says "+text, func() bool {
		select {
		case <-p.ended:
			p.t.Fatalf("it ended (exit code %d) before it said %q", p.cmd.ProcessState.ExitCode(), text)
		default:
		}
		return strings.Contains(p.stderr.String(), text)
	})
}

// status is what `status --json --all` prints.
func (r *room) status() (statusReport, error) {
	code, stdout, stderr := r.run("status", "--json", "--all")
	if code != 0 {
		return statusReport{}, errors.New(stderr)
	}
	var out statusReport
	err := json.Unmarshal([]byte(stdout), &out)
	return out, err
}

// books are those of the one folder; they must balance.
func (r *room) books() books {
	r.t.Helper()
	s, err := r.status()
	if err == nil {
		err = s.balance()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	if len(s.Folders) == 0 { // a daemon that has just begun has not entered it yet
		return books{}
	}
	return s.Folders[0]
}

// named returns the assets of that filename which have content.
func (s *stand) named(filename string) []sandbox.Asset {
	var out []sandbox.Asset
	for _, a := range s.assets() {
		if a.Filename == filename && a.HasContent {
			out = append(out, a)
		}
	}
	return out
}

// content returns what was uploaded.
func content(t *testing.T, a sandbox.Asset) string {
	t.Helper()
	data, err := os.ReadFile(a.ContentFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

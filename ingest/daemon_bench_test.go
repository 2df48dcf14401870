package ingest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStorm measures what `ingestd run`, as it is shipped, makes of 10,000 tiny
// files that come while it is stopped, so that the kernel's queue of events overflows:
// the seconds from when it goes on until all of them are in, and the most memory that
// it held. The sandbox is the API and the store.
func BenchmarkStorm(b *testing.B) {
	const dirs, each = 100, 100
	ingestd := program(b)
	for b.Loop() {
		drop := b.TempDir()
		api := newCounterpart(b, nil)
		write := func(name string) {
			name = filepath.Join(drop, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
				b.Fatal(err)
			}
		}
		for i := range dirs {
			write(fmt.Sprintf("%d/first.jpg", i))
		}
		d := runDaemon(b, ingestd, api.config(b, drop))
		d.await("it watches every directory", func() bool { return api.holds(dirs) })
		d.signal(syscall.SIGSTOP)
		for i := range dirs * each {
			write(fmt.Sprintf("%d/%05d.jpg", i%dirs, i))
		}
		d.signal(syscall.SIGCONT)
		begun, cpu := time.Now(), cpuOf(b, d.cmd.Process.Pid)
		d.await("every file is in", func() bool { return api.holds(dirs + dirs*each) })
		b.ReportMetric(time.Since(begun).Seconds(), "s-all-in")
		b.ReportMetric(peakOf(d.cmd.Process.Pid), "peak-MiB")
		b.ReportMetric((cpuOf(b, d.cmd.Process.Pid)-cpu)*1000/(dirs*each), "cpu-ms/file")
		if !strings.Contains(d.said(), "max_queued_events") {
			b.Log("the queue of events did not overflow: fs.inotify.max_queued_events is larger than usual here")
		}
		d.end()
		api.close(b)
	}
}

// BenchmarkIdle measures what `ingestd run` takes of a processor while ten empty
// folders stay empty, in a minute.
func BenchmarkIdle(b *testing.B) {
	const folders, window = 10, time.Minute
	ingestd := program(b)
	for b.Loop() {
		var drops []string
		for range folders {
			drops = append(drops, b.TempDir())
		}
		api := newCounterpart(b, nil)
		d := runDaemon(b, ingestd, api.config(b, drops...))
		d.await("it runs", func() bool { return strings.Contains(d.said(), `"message":"running"`) })
		time.Sleep(10 * time.Second) // what it still does because it started
		before := cpuOf(b, d.cmd.Process.Pid)
		time.Sleep(window)
		b.ReportMetric((cpuOf(b, d.cmd.Process.Pid)-before)/window.Seconds()*100, "%core")
		b.ReportMetric(peakOf(d.cmd.Process.Pid), "peak-MiB")
		d.end()
		api.close(b)
	}
}

// daemon is an `ingestd run`.
type daemon struct {
	b     *testing.B
	cmd   *exec.Cmd
	log   string // the path of what it says
	ended chan struct{}
}

func runDaemon(b *testing.B, ingestd, config string) *daemon {
	b.Helper()
	d := &daemon{b: b, cmd: exec.Command(ingestd, "run", "-c", config), log: filepath.Join(b.TempDir(), "log"), ended: make(chan struct{})}
	log, err := os.Create(d.log)
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close() // the daemon has its own
	d.cmd.Stderr = log
	if err := d.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // the state of the process tells what it is
		close(d.ended)
	}()
	b.Cleanup(func() {
		_ = d.cmd.Process.Kill() // if the benchmark failed
		<-d.ended
	})
	return d
}

// said is the log so far.
func (d *daemon) said() string {
	d.b.Helper()
	text, err := os.ReadFile(d.log)
	if err != nil {
		d.b.Fatal(err)
	}
	return string(text)
}

func (d *daemon) signal(sig os.Signal) {
	d.b.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.b.Fatal(err)
	}
}

// await waits until something is so.
func (d *daemon) await(what string, so func() bool) {
	d.b.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !so(); time.Sleep(200 * time.Millisecond) {
		select {
		case <-d.ended:
			d.b.Fatalf("the daemon ended before this: %s\n%s", what, lastLines(d.said()))
		default:
		}
		if time.Now().After(deadline) {
			d.b.Fatalf("not within ten minutes: %s\n%s", what, lastLines(d.said()))
		}
	}
}

// end asks the daemon to end.
func (d *daemon) end() {
	d.b.Helper()
	d.signal(syscall.SIGTERM)
	<-d.ended
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.b.Errorf("the daemon ended with %d:\n%s", code, lastLines(d.said()))
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/tenovos-ingest/ingestd/internal/bars/barstest"
)

// session is an ingestd on a terminal of its own.
type session struct {
	*process
	screen *barstest.Screen
	raw    buffer
	pty    *os.File
}

// session starts a command of ingestd on a terminal of that size. Its stdout is that
// terminal, or piped.
func (r *room) session(columns, rows int, piped bool, args ...string) *session {
	r.t.Helper()
	s := &session{
		process: &process{t: r.t, cmd: exec.Command("ingestd", append(args, "-c", r.config)...), ended: make(chan struct{})},
		screen:  barstest.New(columns, rows, true),
	}
	s.cmd.Env = append(append(os.Environ(), r.stand.env()...), "TERM=xterm", "NO_COLOR=")
	for k, v := range r.env {
		s.cmd.Env = append(s.cmd.Env, k+"="+v)
	}
	if piped {
		s.cmd.Stdout = &s.stdout
	}
	var err error
	if s.pty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		r.t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(io.MultiWriter(s.screen, &s.raw), s.pty) }) // which ends with an error when nobody has the terminal open
	go func() {
		_ = s.cmd.Wait() // the state of the process tells what it is
		reading.Wait()
		close(s.ended)
	}()
	r.t.Cleanup(func() {
		s.kill()
		_ = s.pty.Close()
		if r.t.Failed() {
			r.t.Logf("ingestd %s:\n%s", strings.Join(args, " "), strings.Join(s.screen.All(), "\n"))
		}
		if found := r.stand.leaked([]byte(s.raw.String())); found != "" {
			r.t.Errorf("ingestd %s printed %s", strings.Join(args, " "), found)
		}
		if bad := s.screen.Unknown(); len(bad) > 0 {
			r.t.Errorf("the terminal was told %v", bad)
		}
	})
	return s
}

// shows waits for a screen that matches a pattern, and returns what its groups match.
func (s *session) shows(pattern string) []string {
	s.t.Helper()
	expr := regexp.MustCompile(`(?m)` + pattern)
	var found []string
	barred := ""
	eventually(s.t, "the terminal shows "+pattern, func() bool {
		screen := s.screen.String()
		if barRow.MatchString(screen) {
			barred = screen
		}
		found = expr.FindStringSubmatch(screen)
		if found == nil {
			select {
			case <-s.ended:
				s.t.Fatalf("it ended (exit code %d) before its terminal showed %s; the last bars were\n%s", s.cmd.ProcessState.ExitCode(), pattern, barred)
			default:
			}
		}
		return found != nil
	})
	return found
}

// moves waits until the bar of a file has moved on.
func (s *session) moves(name string) {
	s.t.Helper()
	row := `^  \S*` + regexp.QuoteMeta(name) + ` .* (\d+)%`
	first := s.shows(row)[1]
	eventually(s.t, "the bar of "+name+" moves", func() bool {
		now, _ := strconv.Atoi(s.shows(row)[1])
		was, _ := strconv.Atoi(first)
		return now > was
	})
}

func (s *session) resize(columns, rows int) {
	s.t.Helper()
	s.screen.Resize(columns, rows)
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		s.t.Fatal(err)
	}
}

// interrupt presses Ctrl-C.
func (s *session) interrupt() {
	s.t.Helper()
	if _, err := s.pty.Write([]byte{3}); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end with an exit code, and asks for a clean terminal: no bar, no half
// line, a cursor to be seen.
func (s *session) ends(code int) {
	s.t.Helper()
	if got := s.wait(patience); got != code {
		s.t.Errorf("exit code %d, want %d", got, code)
	}
	if n := s.bars(); n != 0 {
		s.t.Errorf("%d bars are left behind", n)
	}
	if x, _, visible := s.screen.Cursor(); x != 0 || !visible {
		s.t.Errorf("the cursor is in column %d, visible %t", x, visible)
	}
}

var barRow = regexp.MustCompile(`(?m)\[[=>-]+\]? *\d*%?`)

// bars counts the bars on the screen and above it.
func (s *session) bars() int {
	return len(barRow.FindAllString(strings.Join(s.screen.All(), "\n"), -1))
}

// slow has a configuration of the room's own that sends so many bytes a second, with the log
// that a terminal gets.
func (r *room) slow(bytes string) {
	r.t.Helper()
	r.ownConfig()
	r.edit("upload: {", "upload: {bandwidth: "+bytes+", ")
	r.edit("log: {level: debug, format: json}", "log: {level: info, format: auto}")
	r.env["SETTLE"] = "20ms"
}

func (r *room) makeFiles(sizes map[string]int64) {
	r.t.Helper()
	for rel, size := range sizes {
		makeFile(r.t, filepath.Join(r.drop, filepath.FromSlash(rel)), size)
	}
}

// TestBackfillOnATerminal watches a backfill: its bars move, are drawn anew when the terminal
// is resized, and make room for a summary.
func TestBackfillOnATerminal(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.slow("2MiB")
	long := "acme/" + strings.Repeat("写真 ", 20) + "春🌸.jpg"
	r.makeFiles(map[string]int64{"acme/film.mov": 8 * mib, long: 4 * mib, "acme/a.jpg": 10, "acme/b.jpg": 20, "hooli/held.jpg": 30})
	s := r.session(100, 30, false, "backfill")
	s.shows(`^\[[=>-]+\] +\d+%\n\d of 5 files done, .* left · no estimate yet\n  drop/acme/film\.mov +\[[=>-]+\] +\d+%  \d\.\d MiB of 8\.0 MiB\n  drop/acme/写.*….*春🌸\.jpg +\[[=>-]+\] +\d+%`)
	s.moves("film.mov")
	t.Logf("a backfill:\n%s", s.screen)
	s.resize(60, 20)
	s.shows(`^\[[=>-]{52}\] +\d+%\n`)
	s.moves("film.mov")
	s.resize(90, 40)
	s.shows(`^\[[=>-]{82}\] +\d+%\n`)
	s.moves("film.mov")
	if n := s.bars(); n > 3 {
		t.Errorf("%d bars on the screen and above it", n)
	}
	s.ends(3)
	s.shown(`^5 files seen: 4 ingested \(0 as new versions, 12 MiB\) in \d+\.\d s; 0 duplicates, 1 held, 0 failed$`)
	s.shown(`^1 held since .*: Brand: vocabulary "Brand" has no value "hooli" \(drop/hooli/held\.jpg\)$`)
	t.Logf("in the end:\n%s", s.screen)
	if strings.Contains(s.raw.String(), "\x1b[?25l") {
		t.Error("the cursor was hidden")
	}
}

// shown asks for what is on the screen, or above it, after the end.
func (s *session) shown(pattern string) {
	s.t.Helper()
	if !regexp.MustCompile(`(?m)` + pattern).MatchString(strings.Join(s.screen.All(), "\n")) {
		s.t.Errorf("the terminal does not show %s", pattern)
	}
}

// TestRunOnATerminal watches a daemon that has nothing to do, then a file, and is told to
// end in the middle of it.
func TestRunOnATerminal(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.slow("2MiB")
	s := r.session(80, 24, false, "run")
	s.shows(`^nothing is on its way · 0 ingested since \d\d:\d\d$`)
	eventually(t, "nothing is drawn while nothing happens", func() bool {
		before := len(s.raw.String())
		time.Sleep(2 * time.Second)
		return len(s.raw.String()) == before
	})
	r.write("hooli/held.jpg", "held")
	s.shows(`held(.|\n)*^nothing is on its way · 0 ingested since \d\d:\d\d\n?.* ?1 held, 0 failed \(ingestd status\)$`)
	r.makeFiles(map[string]int64{"acme/film.mov": 12 * mib})
	s.shows(`^\[[=>-]+\] +\d+%\n0 of 1 files done, .* left · no estimate yet\n  drop/acme/film\.mov +\[[=>-]+\] +\d+%`)
	s.resize(50, 24)
	s.moves("film.mov")
	r.write("acme/small.jpg", "small")
	s.shows(`^\d of 2 files done`)
	s.resize(80, 24)
	s.moves("film.mov")
	s.interrupt()
	s.shows(`^stopping: parts on their way may finish \(15 s\); press Ctrl-C again to cut them o(.|\n)*film\.mov .* \d+%`)
	t.Logf("told to end:\n%s", s.screen)
	s.ends(0)
	s.shown(`^2 files ingested \(0 as new versions, 12 MiB\) in \d.*s; 1 held, 0 failed$`)
	s.shown(`^1 held since .*: Brand: vocabulary "Brand" has no value "hooli" \(drop/hooli/held\.jpg\)$`)
	t.Logf("in the end:\n%s", s.screen)
}

// TestResumedOnATerminal carries an upload on that a killed process began: what that one had
// stored is neither left to be sent nor sent by this one, at no moment.
func TestResumedOnATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("a file of several parts")
	}
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.slow("60MiB")
	r.makeFiles(map[string]int64{"acme/film.mov": 330 * mib})
	killed := r.start("run")
	eventually(t, "two parts are stored", func() bool {
		report, err := r.status()
		return err == nil && len(report.Entries) == 1 && report.Entries[0].Sent >= 210*mib
	})
	killed.kill()
	s := r.session(80, 24, false, "run")
	s.moves("film.mov")
	s.interrupt()
	s.ends(0)
	least := math.Inf(1)
	for _, found := range regexp.MustCompile(`([\d.]+) MiB left`).FindAllStringSubmatch(s.raw.String(), -1) {
		left, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if left > least+1 {
			t.Errorf("%.1f MiB are left after %.1f MiB were", left, least)
		}
		least = min(least, left)
	}
	if least > 140 || least == 0 {
		t.Errorf("%.1f MiB were left at last", least)
	}
}

// TestCutOffOnATerminal presses Ctrl-C twice.
func TestCutOffOnATerminal(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "backfill"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, newStand(t, "1.5", nil))
			r.slow("64KiB")
			r.makeFiles(map[string]int64{"acme/film.mov": 12 * mib})
			s := r.session(80, 24, false, command)
			s.moves("film.mov")
			s.interrupt()
			s.shows(`stopping: parts on their way may finish`)
			begun := time.Now()
			s.interrupt()
			s.ends(map[string]int{"run": 0, "backfill": 1}[command])
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %v to be cut off", took)
			}
			if e, err := r.status(); err != nil || e.Entries[0].Sent != 0 {
				t.Errorf("nothing is sent any more, and status says %+v, %v", e.Entries, err)
			}
		})
	}
}

// TestFollowOnATerminal follows a daemon with bars; what is printed for programs is not
// disturbed by them.
func TestFollowOnATerminal(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.slow("2MiB")
	r.makeFiles(map[string]int64{"acme/film.mov": 12 * mib, "acme/small.jpg": 7})
	daemon := r.start("run")
	daemon.says("running")
	s := r.session(80, 24, true, "backfill", "--json")
	s.shows(`^a daemon owns the journal: asking it to look at the folders, and following it\n(.*\n)?.*\d of \d files done, .* left(.|\n)*^  drop/acme/film\.mov +\[[=>-]+\] +\d+%`)
	s.moves("film.mov")
	s.ends(0)
	var sum summary
	if err := json.Unmarshal([]byte(s.stdout.String()), &sum); err != nil || sum.Seen != 2 {
		t.Errorf("stdout is %q, %v", s.stdout.String(), err)
	}
	daemon.terminate()
	wantPlain(t, daemon.stdout.String()+daemon.stderr.String())
}

// wantPlain asks for a text without control sequences.
func wantPlain(t *testing.T, text string) {
	t.Helper()
	if strings.ContainsAny(text, "\x1b\b") || strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), "\r") {
		t.Errorf("there are control characters in %q", text)
	}
}

// TestNoBars has nothing but lines where there is no terminal, or one that takes no more.
func TestNoBars(t *testing.T) {
	t.Parallel()
	for i, env := range []string{"", "NO_COLOR=1", "TERM=dumb"} {
		t.Run(fmt.Sprint(i, env), func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, newStand(t, "1.5", nil))
			r.slow("2MiB")
			r.makeFiles(map[string]int64{"acme/film.mov": 5 * mib, "hooli/held.jpg": 7})
			if env == "" {
				code, stdout, stderr := r.run("backfill")
				if code != 3 || !strings.Contains(stdout, "2 files seen: 1 ingested") || !strings.Contains(stderr, "of 2 files done") {
					t.Errorf("exit code %d", code)
				}
				wantPlain(t, stdout+stderr)
				return
			}
			name, value, _ := strings.Cut(env, "=")
			r.env[name] = value
			s := r.session(80, 24, false, "backfill")
			s.ends(3)
			s.shown(`of 2 files done`)
			s.shown(`^2 files seen: 1 ingested`)
			wantPlain(t, s.raw.String())
		})
	}
}

package bars

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/tenovos-ingest/ingestd/internal/bars/barstest"
)

// stage is a terminal with a screen, and what its bars show.
type stage struct {
	t      *testing.T
	term   *Terminal
	tty    *os.File
	screen *barstest.Screen
	wake   chan struct{}

	mu    sync.Mutex
	view  View
	again time.Duration
	looks int
}

func newStage(t *testing.T, columns, rows int, reflow bool) *stage {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, term: On(tty), tty: tty, screen: barstest.New(columns, rows, reflow), wake: make(chan struct{}, 1)}
	s.size(columns, rows)
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(s.screen, master) })
	t.Cleanup(func() {
		_ = tty.Close()
		reading.Wait()
		_ = master.Close()
		if bad := s.screen.Unknown(); len(bad) > 0 {
			t.Errorf("the terminal was told %v", bad)
		}
	})
	return s
}

func (s *stage) size(columns, rows int) {
	s.t.Helper()
	if err := pty.Setsize(s.tty, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		s.t.Fatal(err)
	}
}

// resize resizes the terminal. It is not that of the test's process, which is told by hand.
func (s *stage) resize(columns, rows int) {
	s.t.Helper()
	s.screen.Resize(columns, rows)
	s.size(columns, rows)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGWINCH); err != nil {
		s.t.Fatal(err)
	}
}

// Look implements Progress.
func (s *stage) Look() (View, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return s.view, s.again
}

func (s *stage) set(v View) {
	s.mu.Lock()
	s.view = v
	s.mu.Unlock()
	signalTo(s.wake)
}

func (s *stage) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// shows waits until the screen is like that.
func (s *stage) shows(want ...string) {
	s.t.Helper()
	text := strings.Join(want, "\n")
	for deadline := time.Now().Add(20 * time.Second); s.screen.String() != text; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the screen shows\n%s\nwant\n%s", s.screen, text)
		}
	}
	if x, _, visible := s.screen.Cursor(); x != 0 || !visible {
		s.t.Errorf("the cursor is in column %d, visible %t", x, visible)
	}
}

// picture is what is drawn of a view at a size, as a screen has it.
func picture(v View, columns, lines int) []string {
	screen := barstest.New(columns, lines, false)
	for _, r := range rows(v, columns, lines) {
		fmt.Fprintf(screen, "%s\r\n", r.text)
	}
	return strings.Split(screen.String(), "\n")
}

var someView = View{
	Text: []string{"3 of 12 files done, 1.2 GiB left", "2 files/s, 12 MiB/s", "about 2 min left"},
	Done: 30, Total: 120,
	Files: []File{
		{Name: "drop/acme/spring/film.mov", Size: 450 << 20, Sent: 193 << 20},
		{Name: "drop/写真/春の桜 🌸/とても長い名前のファイル、もっと長い名前の写真.jpg", Size: 1 << 20, Sent: 1 << 20},
		{Name: "drop/family 👩\u200d👩\u200d👧 ❤\ufe0f 🇪🇺.jpg", Size: 7 << 20, Sent: 0},
	},
}

// Lines stay above the bars, which are drawn anew below them and gone in the end.
func TestLinesAboveBars(t *testing.T) {
	s := newStage(t, 80, 24, false)
	fmt.Fprintln(s.term, "before")
	s.set(someView)
	stop := s.term.Show(s, s.wake)
	s.shows(append([]string{"before"}, picture(someView, 80, 24)...)...)
	fmt.Fprintf(s.term, "first\nsecond, which is not w")
	s.shows(append([]string{"before", "first"}, picture(someView, 80, 24)...)...)
	fmt.Fprintln(s.term, "hole and \x1b[31mlonger\x1b[0m than the terminal is wide, so that it takes two lines of it")
	whole := []string{"second, which is not whole and longer than the terminal is wide, so that it take", "s two lines of it"}
	v := someView
	v.Files = v.Files[:1]
	s.set(v)
	above := append([]string{"before", "first"}, whole...)
	s.shows(append(above, picture(v, 80, 24)...)...)
	if _, err := s.tty.WriteString("^C"); err != nil { // as the kernel does
		t.Fatal(err)
	}
	v.Done++
	s.set(v)
	s.shows(append(above, picture(v, 80, 24)...)...)
	fmt.Fprint(s.term, "half")
	stop()
	s.screenEnds(append(above, "half")...)
}

// screenEnds waits for what is left on the screen.
func (s *stage) screenEnds(want ...string) {
	s.t.Helper()
	text := strings.Join(want, "\n")
	for deadline := time.Now().Add(20 * time.Second); s.screen.String() != text; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the screen shows\n%s\nwant\n%s", s.screen, text)
		}
	}
}

// A terminal that changes its size shows the bars once, whole, and the lines above them,
// whether it wraps its lines anew or cuts them.
func TestResizedTerminal(t *testing.T) {
	for _, reflow := range []bool{false, true} {
		t.Run(fmt.Sprintf("reflow %t", reflow), func(t *testing.T) {
			s := newStage(t, 100, 30, reflow)
			s.set(someView)
			stop := s.term.Show(s, s.wake)
			fmt.Fprintln(s.term, "a line")
			s.shows(append([]string{"a line"}, picture(someView, 100, 30)...)...)
			for _, size := range [][2]int{{60, 30}, {140, 30}, {33, 12}, {80, 24}, {20, 5}, {80, 24}} {
				s.resize(size[0], size[1])
				want := append([]string{"a line"}, picture(someView, size[0], size[1])...)
				s.shows(want...)
			}
			stop()
			s.screenEnds("a line")
		})
	}
}

// More lines than the screen has scroll away whole, and never a picture among them.
func TestManyLinesAboveBars(t *testing.T) {
	s := newStage(t, 80, 24, false)
	s.set(someView)
	stop := s.term.Show(s, s.wake)
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprint("line ", i))
		fmt.Fprintln(s.term, want[i])
	}
	stop()
	s.screenEnds(want[len(want)-18:]...) // there was a picture of five rows, and the line of the cursor
	if got := strings.TrimRight(strings.Join(s.screen.All(), "\n"), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the terminal got\n%s", got)
	}
}

// While nothing changes and nothing is to be expected, nothing is looked at or drawn.
func TestIdleBarsRest(t *testing.T) {
	s := newStage(t, 80, 24, false)
	s.set(View{Text: []string{"nothing is on its way"}})
	defer s.term.Show(s, s.wake)()
	s.shows("nothing is on its way")
	time.Sleep(4 * leastGap) // what the first wake-up brought
	before := s.looked()
	time.Sleep(time.Second)
	if n := s.looked() - before; n != 0 {
		t.Errorf("it was looked at %d times", n)
	}
	s.set(View{Text: []string{"something is"}})
	s.shows("something is")
}

func TestRowsFit(t *testing.T) {
	many := someView
	for i := range 40 {
		many.Files = append(many.Files, File{Name: fmt.Sprintf("drop/%0*d.jpg", i*3, i), Size: 1 << 40, Sent: 1023 << 30})
	}
	many.Text = append(many.Text, strings.Repeat("waiting for Tenovos ", 20))
	for _, v := range []View{someView, many, {}, {Text: []string{"x"}}} {
		for columns := 1; columns < 200; columns++ {
			for lines := 1; lines < 60; lines += 3 {
				picture := rows(v, columns, lines)
				if len(picture) > max(1, lines/2) {
					t.Fatalf("%d rows on a terminal of %d lines", len(picture), lines)
				}
				for _, r := range picture {
					if r.columns > max(0, columns-1) {
						t.Fatalf("%q takes %d of %d columns", r.text, r.columns, columns)
					}
				}
			}
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		name    string
		columns int
		want    string
	}{
		{"drop/a.jpg", 10, "drop/a.jpg"},
		{"drop/acme/spring/film.mov", 16, "drop/…g/film.mov"},
		{"写真写真写真写真.jpg", 12, "写…写真.jpg"},
		{"ab👩\u200d👩\u200d👧cdef.jpg", 10, "ab…def.jpg"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
	} {
		if got := shorten(c.name, c.columns); got != c.want || width(got) > c.columns {
			t.Errorf("%s in %d columns: %s, want %s", c.name, c.columns, got, c.want)
		}
	}
}

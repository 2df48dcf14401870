package bars

import (
	"bytes"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Terminal is a terminal on whose last lines bars are drawn. What is written to it stands
// above them, and stays. Safe for concurrent use.
type Terminal struct {
	file    *os.File
	written chan struct{} // capacity 1: lines wait for the next picture

	mu      sync.Mutex
	part    []byte // the beginning of a line, whose end is still to come
	recent  [][]byte
	drawing *drawing // nil while there are no bars
}

// mostRecent is how many lines are remembered, to be written again where a terminal that
// becomes narrower has torn them apart.
const mostRecent = 100

// On returns the terminal that file is.
func On(file *os.File) *Terminal {
	return &Terminal{file: file, written: make(chan struct{}, 1)}
}

// Fd is the descriptor of the terminal.
func (t *Terminal) Fd() uintptr { return t.file.Fd() }

// Write implements io.Writer. Lines appear whole: what follows the last end of a line waits
// for its own while there are bars.
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.drawing == nil {
		return t.file.Write(p)
	}
	t.part = append(t.part, p...)
	end := bytes.LastIndexByte(t.part, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	lines := bytes.Clone(t.part[:end])
	t.part = append(t.part[:0], t.part[end:]...)
	for line := range bytes.Lines(lines) {
		t.recent = append(t.recent, line)
	}
	t.recent = t.recent[max(0, len(t.recent)-mostRecent):]
	t.drawing.above(lines)
	signalTo(t.written)
	return len(p), nil
}

func signalTo(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// size returns how many columns and lines the terminal has.
func (t *Terminal) size() (columns, lines int) {
	columns, lines, err := term.GetSize(int(t.file.Fd()))
	if err != nil || columns <= 0 || lines <= 0 {
		return 80, 24 // some do not tell
	}
	return columns, lines
}

// leastGap is the least time between two pictures, whatever happens.
const leastGap = 50 * time.Millisecond

// Show draws bars until stop is called, which takes them away again. They are looked at when
// p said, and when wake, which may be nil, says that something changed.
func (t *Terminal) Show(p Progress, wake <-chan struct{}) (stop func()) {
	t.begin()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t.show(p, wake, end)
	}()
	var once sync.Once
	return func() {
		once.Do(func() {
			close(end)
			<-ended
			t.end()
		})
	}
}

// begin makes room for bars, and end takes them away.
func (t *Terminal) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drawing = newDrawing(t.file)
}

func (t *Terminal) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drawing.end()
	t.drawing = nil
	_, _ = t.file.Write(t.part) // as all else that is written to a terminal
	t.part, t.recent = nil, nil
}

func (t *Terminal) show(p Progress, wake, end <-chan struct{}) {
	changed, stopped := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	defer signal.Stop(changed)
	signal.Notify(stopped, syscall.SIGTSTP)
	defer signal.Stop(stopped)
	for {
		view, again := p.Look()
		t.draw(view)
		select {
		case <-end:
			return
		case <-time.After(leastGap):
		}
		var later <-chan time.Time
		if again > 0 {
			later = time.After(max(0, again-leastGap))
		}
		select {
		case <-end:
			return
		case <-later:
		case <-wake:
		case <-t.written:
		case <-changed:
		case <-stopped: // by Ctrl-Z: the shell gets its lines, and the bars are drawn below them afterwards
			t.end()
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
			t.begin()
		}
	}
}

// draw brings the picture up to date.
func (t *Terminal) draw(v View) {
	columns, lines := t.size()
	picture := rows(v, columns, lines)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.drawing.torn(columns, lines) {
		t.drawing.anew(t.recent, columns, lines-len(picture))
	}
	t.drawing.draw(picture)
}

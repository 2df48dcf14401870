// Package barstest is a terminal for tests: what is on its screen counts, not the bytes.
package barstest

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Screen is what a terminal shows of the bytes that were written to it. It knows the control
// sequences that move the cursor, erase and colour, and notes any other. Safe for concurrent
// use.
type Screen struct {
	mu            sync.Mutex
	reflow        bool
	columns, rows int
	lines         []line // of the screen, and above them what scrolled away
	x, y          int    // of the cursor; y counts from the first of lines
	full          bool   // a character stands in the last column: the next one begins a line
	hidden        bool   // the cursor is
	rest          string // a sequence or a character whose end is still to come
	unknown       []string
}

// line is a line of the screen: a text for each column, "" for the second column of a wide
// character.
type line struct {
	cells   []string
	wrapped bool // the text goes on in the next line
}

// New returns an empty screen. One that reflows wraps its lines anew when its width changes,
// as many terminals do; others cut them.
func New(columns, rows int, reflow bool) *Screen {
	return &Screen{columns: columns, rows: rows, reflow: reflow, lines: make([]line, rows)}
}

// Write implements io.Writer.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.rest + string(p)
	for text != "" {
		n := s.one(text)
		if n == 0 {
			break
		}
		text = text[n:]
	}
	s.rest = text
	return len(p), nil
}

// one takes one character or sequence from the beginning of a text and returns its length, 0
// if it is not complete.
func (s *Screen) one(text string) int {
	switch c := text[0]; {
	case c == '\r':
		s.x, s.full = 0, false
	case c == '\n':
		s.down()
	case c == '\b':
		s.x, s.full = max(0, s.x-1), false
	case c == '\a':
	case c == 0x1b:
		return s.sequence(text)
	case c < ' ':
		s.unknown = append(s.unknown, strconv.Quote(text[:1]))
	default:
		if !utf8.FullRuneInString(text) {
			return 0
		}
		r, n := utf8.DecodeRuneInString(text)
		s.put(r)
		return n
	}
	return 1
}

// sequence is one for what begins with an escape.
func (s *Screen) sequence(text string) int {
	if len(text) < 2 {
		return 0
	}
	if text[1] != '[' {
		s.unknown = append(s.unknown, strconv.Quote(text[:2]))
		return 2
	}
	end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' })
	if end < 0 {
		return 0
	}
	args, what := text[2:2+end], text[2+end]
	n, err := strconv.Atoi(args)
	if err != nil {
		n = 0
	}
	switch {
	case what == 'm':
	case what == 'A':
		s.move(s.x, s.y-max(n, 1))
	case what == 'B':
		s.move(s.x, s.y+max(n, 1))
	case what == 'G':
		s.move(max(n, 1)-1, s.y)
	case what == 'H' && args == "":
		s.move(0, s.top())
	case what == 'J' && n == 0:
		s.erase(s.y, s.x)
	case what == 'J' && n == 2:
		for y := s.top(); y < len(s.lines); y++ {
			s.lines[y] = line{}
		}
	case what == 'K' && n == 0:
		s.lines[s.y] = s.lines[s.y].upTo(s.x)
	case args == "?25":
		s.hidden = what == 'l'
	default:
		s.unknown = append(s.unknown, strconv.Quote(text[:3+end]))
	}
	return 3 + end
}

// top is the first line of the screen.
func (s *Screen) top() int { return len(s.lines) - s.rows }

// move moves the cursor, as far as there is a screen.
func (s *Screen) move(x, y int) {
	s.x, s.full = min(max(x, 0), s.columns-1), false
	s.y = min(max(y, s.top()), len(s.lines)-1)
}

// down moves the cursor down, which scrolls at the end of the screen.
func (s *Screen) down() {
	s.full = false
	if s.y++; s.y == len(s.lines) {
		s.lines = append(s.lines, line{})
	}
}

func (s *Screen) erase(y, x int) {
	s.lines[y] = s.lines[y].upTo(x)
	for y++; y < len(s.lines); y++ {
		s.lines[y] = line{}
	}
}

// upTo is the line without what stands in column x and behind it.
func (l line) upTo(x int) line { return line{cells: l.cells[:min(x, len(l.cells))]} }

// put writes a character.
func (s *Screen) put(r rune) {
	wide := (&runewidth.Condition{}).RuneWidth(r)
	if wide == 0 { // it belongs to the one before
		if l := s.lines[s.y]; s.x > 0 && s.x <= len(l.cells) {
			l.cells[s.x-1] += string(r)
		}
		return
	}
	if s.full || s.x+wide > s.columns {
		s.lines[s.y].wrapped = true
		s.down()
		s.x = 0
	}
	l := &s.lines[s.y]
	for len(l.cells) < s.x+wide {
		l.cells = append(l.cells, " ")
	}
	l.cells[s.x] = string(r)
	if wide == 2 {
		l.cells[s.x+1] = ""
	}
	if s.x += wide; s.x >= s.columns {
		s.x, s.full = s.columns-1, true
	}
}

// Resize gives the screen another size.
func (s *Screen) Resize(columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = false
	if s.reflow {
		s.wrapAnew(columns)
	}
	for i, l := range s.lines {
		if !s.reflow && len(l.cells) > columns {
			s.lines[i].cells = l.cells[:columns]
		}
	}
	s.columns, s.rows = columns, rows
	for s.y < len(s.lines)-1 && len(s.lines) > rows && len(s.lines[len(s.lines)-1].cells) == 0 {
		s.lines = s.lines[:len(s.lines)-1] // what is empty below the cursor goes first
	}
	for len(s.lines) < rows {
		s.lines = append(s.lines, line{})
	}
	s.x, s.y = min(s.x, columns-1), max(s.y, s.top())
}

// wrapAnew wraps the texts of all lines at another width.
func (s *Screen) wrapAnew(columns int) {
	var out []line
	var text []string
	at, y := -1, s.y // of the cursor in text; its line
	for i, l := range s.lines {
		if i == y {
			at = len(text) + s.x
		}
		text = append(text, l.cells...)
		if l.wrapped && i < len(s.lines)-1 {
			continue
		}
		for first := true; first || len(text) > 0; first = false {
			n := min(columns, len(text))
			if at >= 0 && (at < columns || n == len(text)) {
				s.x, s.y, at = min(at, columns-1), len(out), -1
			}
			at -= n
			out = append(out, line{cells: text[:n:n], wrapped: n < len(text)})
			text = text[n:]
		}
		at = -1
	}
	s.lines = out
}

// Lines returns what is on the screen, line by line, without spaces at their ends.
func (s *Screen) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return texts(s.lines[s.top():])
}

// All returns what is on the screen and what has scrolled away, with each line that takes
// several of the screen as one.
func (s *Screen) All() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	begun := ""
	for _, l := range s.lines {
		begun += strings.Join(l.cells, "")
		if !l.wrapped {
			out = append(out, strings.TrimRight(begun, " "))
			begun = ""
		}
	}
	return out
}

func texts(lines []line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimRight(strings.Join(l.cells, ""), " ")
	}
	return out
}

// String is the screen as one text, without the empty lines at its end.
func (s *Screen) String() string { return strings.TrimRight(strings.Join(s.Lines(), "\n"), "\n") }

// Cursor returns where the cursor is, counted from the top left corner of the screen, and
// whether it is to be seen.
func (s *Screen) Cursor() (x, y int, visible bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.x, s.y - s.top(), !s.hidden
}

// Unknown lists the control characters and sequences that the screen does not know.
func (s *Screen) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.unknown...)
}

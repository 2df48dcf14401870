// Package display keeps what others have written (names of files, texts of a server)
// from doing more to a terminal, a log or a page than be read: moving the cursor,
// changing the order of letters, ending a line, hiding. It is the one place that
// decides which characters those are. Letters of every script and emoji stay as they
// are.
package display

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	zeroWidthNonJoiner = '\u200c' // Persian and Indic scripts are spelt with it
	zeroWidthJoiner    = '\u200d' // joins emoji
)

// acts reports whether a character does something instead of being seen: controls,
// what turns the direction of writing, what ends a line, and what is invisible.
func acts(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case r == zeroWidthJoiner || r == zeroWidthNonJoiner || unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// escape appends a character in a form that is seen. In JSON it is the same character:
// what has no such form there, a byte that is no UTF-8 and the control characters of
// ASCII, JSON does not hold raw.
func escape(b *strings.Builder, r rune, raw string) {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		fmt.Fprintf(b, `\x%02x`, raw[0])
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < ' ':
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default: // as JSON does it
		r -= 0x10000
		fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	}
}

// Text returns s on one line, with all in it escaped that would do more than be read.
func Text(s string) string { return text(s, "") }

// text is Text, but for the characters that stay.
func text(s, stays string) string {
	if plain(s, stays) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if (r == utf8.RuneError && n == 1 || acts(r)) && !strings.ContainsRune(stays, r) {
			escape(&b, r, s[:n])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// plain reports whether nothing in s is to be escaped.
func plain(s, stays string) bool {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") || acts(r) && !strings.ContainsRune(stays, r) {
			return false
		}
	}
	return true
}

// Name returns the name of a file, or another text of somebody else's, as it is if that
// can be read without doubt, and quoted else.
func Name(s string) string {
	if Text(s) == s && !strings.ContainsAny(s, `"\`) {
		return s
	}
	return fmt.Sprintf("%+q", s)
}

// Writer escapes what goes through it, but for the ends of lines and tabs. It is the
// net under all that a program prints: whoever prints a name on a line of its own uses
// Name or Text, because a name may hold the end of a line. Safe for concurrent use.
type Writer struct {
	mu   sync.Mutex
	out  io.Writer
	left []byte // the beginning of a character whose rest is still to come
}

// NewWriter returns a Writer in front of out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Unwrap returns what is behind a Writer, for what the program itself has to tell a
// terminal; any other writer as it is.
func Unwrap(w io.Writer) io.Writer {
	if d, ok := w.(*Writer); ok {
		return Unwrap(d.out)
	}
	return w
}

// Write implements io.Writer. What it is given goes on in one piece, but for the
// beginning of a character at its end.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	data := p
	if len(w.left) > 0 {
		data = append(w.left, p...)
		w.left = nil
	}
	if cut := len(data) - partial(data); cut < len(data) {
		w.left = append([]byte(nil), data[cut:]...)
		data = data[:cut]
	}
	if len(data) == 0 {
		return len(p), nil
	}
	if clean := text(string(data), "\n\t"); clean != string(data) {
		data = []byte(clean)
	}
	if _, err := w.out.Write(data); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what is left of a character that never came to its end.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := string(w.left)
	w.left = nil
	if left == "" {
		return nil
	}
	_, err := io.WriteString(w.out, text(left, ""))
	return err
}

// partial returns how many bytes at the end are the beginning of a character.
func partial(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

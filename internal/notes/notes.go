package notes

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Kind says what a note is about. It is what follows the name of the file in the name of
// the note.
type Kind string

// The kinds of notes.
const (
	Held   Kind = ".held.txt"  // the file waits where it is
	Failed Kind = ".error.txt" // the file could not be taken
)

// The first lines of notes. A file of a note's name that begins with one is a note of
// ours, whatever follows: who adds a line to it has made no file for Tenovos of it.
const (
	heldTitle   = "NOT IN TENOVOS YET: this file needs somebody's help. (A note by ingestd)"
	failedTitle = "NOT IN TENOVOS: this file could not be taken. (A note by ingestd)"
)

// byteOrderMark begins a note: without it older editors of Windows, and the preview of
// macOS, take UTF-8 for another encoding and spoil the names in it.
const byteOrderMark = "\ufeff"

const (
	// Head is how many bytes of a file tell whether it is a note.
	Head = 2 << 10
	// MaxSize bounds a note, in bytes: what is larger is none.
	MaxSize = 64 << 10
)

// Named reports whether a file's name is one that notes have.
func Named(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, string(Held)) || strings.HasSuffix(name, string(Failed))
}

// Ours reports whether a file that is Named is a note, by its first bytes, Head of them
// where it has as many.
func Ours(head []byte) bool {
	text := plain(string(head))
	title, _, _ := strings.Cut(text, "\n")
	return title == heldTitle || title == failedTitle || formerHead.MatchString(text)
}

// Write gives a note its form. The lines of body end with "\n" and do not hold what acts
// on a reader; about is for whoever runs the program.
func Write(kind Kind, file, body string, entry int64, about string) string {
	title := heldTitle
	if kind == Failed {
		title = failedTitle
	}
	text := title + "\n\n" + fileLabel + file + "\n\n" + body + "\n"
	text += fmt.Sprintf("(For whoever runs ingestd: %s, entry %d. %s)\n", about, entry, sum(text, entry))
	return byteOrderMark + strings.ReplaceAll(text, "\n", "\r\n") // Notepad of older Windows knows no other end of a line
}

const fileLabel = "File: "

// Mark is what a note says of itself.
type Mark struct {
	Entry  int64  // the entry that it is about
	File   string // the name of its file, as it is shown
	Intact bool   // nobody has changed it
}

var (
	lastLine = regexp.MustCompile(`^\(For whoever runs ingestd: .*, entry ([0-9]{1,18})\. ([0-9a-f]{12})\)$`)

	// A note as the versions before wrote it beside a file that failed.
	formerHead = regexp.MustCompile(`^(.+) was not ingested\.\nWhy: `)
	formerLast = regexp.MustCompile(`\nIf you ask for help, name the number ([0-9]{1,18}) and this time: [-+:0-9 ]+\.\n$`)
)

// Read returns what a note says of itself; false for another text.
func Read(text string) (Mark, bool) {
	if len(text) > MaxSize || !Ours([]byte(text[:min(len(text), Head)])) {
		return Mark{}, false
	}
	text = strings.TrimRight(plain(text), " \t\n") + "\n"
	if former := formerHead.FindStringSubmatch(text); former != nil {
		m := Mark{File: former[1]}
		if number := formerLast.FindStringSubmatch(text); number != nil {
			m.Entry, _ = strconv.ParseInt(number[1], 10, 64) // they are digits
			m.Intact = true                                  // as far as such a note can tell: nothing was added to it
		}
		return m, true
	}
	var m Mark
	for line := range strings.SplitSeq(text, "\n") {
		if file, ok := strings.CutPrefix(line, fileLabel); ok {
			m.File = file
			break
		}
	}
	at := strings.LastIndexByte(text[:len(text)-1], '\n') + 1
	if last := lastLine.FindStringSubmatch(text[at : len(text)-1]); last != nil {
		m.Entry, _ = strconv.ParseInt(last[1], 10, 64) // as above
		m.Intact = last[2] == sum(text[:at], m.Entry)
	}
	return m, true
}

// sum tells a text that was changed. What editors do by themselves is no change of it.
func sum(text string, entry int64) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%d\n%s", entry, text))
	return hex.EncodeToString(h[:6])
}

// plain is a text without the byte order mark, its lines ended by "\n".
func plain(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, byteOrderMark), "\r\n", "\n")
}

package metadata

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Clean returns s as text that can be stored and compared: invalid bytes become
// U+FFFD, control characters go, and what remains is in normal form C.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(s)
}

var breaks = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")

// OneLine is Clean for a text that may have lines: breaks and tabs become spaces, so
// that the words beside them stay apart, and spaces at the ends go.
func OneLine(s string) string { return strings.TrimSpace(Clean(breaks.Replace(s))) }

// lineEnds are those of every system, and what else begins a line.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ")

// Lines is OneLine for a text whose lines count: they end with line feeds, have no
// spaces at their ends, and empty ones stay between others.
func Lines(s string) string {
	s = lineEnds.Replace(s)
	if !strings.Contains(s, "\n") {
		return strings.TrimSpace(Clean(s))
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(Clean(line), unicode.IsSpace)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// Excerpt shortens a text for a message.
func Excerpt(s string) string {
	s = OneLine(s)
	if short := []rune(s); len(short) > 40 {
		return string(short[:40]) + "…"
	}
	return s
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// lineLog is a log's output that escapes what the log itself lets through and what
// some readers take for the end of a line: U+0080 to U+009F, U+2028 and U+2029. They
// come of the names of files, and in JSON stand only within strings, where the
// escape means the same.
type lineLog struct{ io.Writer }

var lineEnds = newLineEnds()

func newLineEnds() *strings.Replacer {
	pairs := []string{"\u2028", `\u2028`, "\u2029", `\u2029`}
	for r := rune(0x80); r <= 0x9f; r++ {
		pairs = append(pairs, string(r), fmt.Sprintf(`\u%04x`, r))
	}
	return strings.NewReplacer(pairs...)
}

// Write implements io.Writer; it is handed a line at a time, and hands it on as one.
func (l lineLog) Write(line []byte) (int, error) {
	if bytes.IndexByte(line, 0xc2) < 0 && !bytes.Contains(line, []byte("\xe2\x80")) {
		return l.Writer.Write(line)
	}
	if _, err := io.WriteString(l.Writer, lineEnds.Replace(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}

package manifest

import (
	"io"
	"strings"
)

// quoteStandIn takes the place of a quotation mark within a cell that is not quoted
// while the table is read. It is a control character, which texts lose anyway; where
// a table has it, it becomes strayStandIn.
const (
	quoteStandIn = '\x1F'
	strayStandIn = '\x1E'
)

// bareQuotes hides the quotation marks within cells that are not quoted, such as
// those of 24" screen, from a strict CSV reader. A lax reader takes them, too, and
// with them those that end a quoted cell too early.
type bareQuotes struct {
	r         io.Reader
	separator byte
	place     quotePlace
}

// quotePlace is where a reader of CSV stands.
type quotePlace uint8

const (
	beforeCell quotePlace = iota // at its beginning, or in the spaces before it
	inBare                       // within a cell without quotation marks
	inQuoted
	inMark // behind a mark in a quoted cell, which closes it or doubles
)

// Read implements io.Reader.
func (q *bareQuotes) Read(p []byte) (int, error) {
	n, err := q.r.Read(p)
	for i, b := range p[:n] {
		switch {
		case b == quoteStandIn:
			p[i] = strayStandIn
		case b == '"' && q.place == inBare:
			p[i] = quoteStandIn
		}
		q.pass(b)
	}
	return n, err
}

// pass moves the place behind a byte.
func (q *bareQuotes) pass(b byte) {
	switch {
	case q.place == inQuoted:
		if b == '"' {
			q.place = inMark
		}
	case b == q.separator || b == '\n':
		q.place = beforeCell
	case q.place == inMark && b == '"', q.place == beforeCell && b == '"':
		q.place = inQuoted
	case q.place == inMark: // a carriage return, or an error that the reader finds
	case strings.IndexByte(" \t\r\v\f\xC2\xA0", b) < 0: // the last two are a space of UTF-8
		q.place = inBare
	}
}

// bare puts the quotation marks back into a cell. It says false where they may mean
// that the cell is only a part of one: a mark is taken for itself behind a digit, as
// a sign for inches, and where the cell has a second.
func bare(cell string) (string, bool) {
	if strings.IndexByte(cell, quoteStandIn) < 0 {
		return cell, true
	}
	even := true
	for i := range len(cell) {
		if cell[i] == quoteStandIn && (i == 0 || cell[i-1] < '0' || cell[i-1] > '9') {
			even = !even
		}
	}
	return strings.ReplaceAll(cell, string(rune(quoteStandIn)), `"`), even
}

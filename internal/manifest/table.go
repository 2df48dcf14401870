package manifest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/charset"
)

// separators are the characters between cells that are looked for, the likeliest
// first.
const separators = ",;\t|"

// sampleSize is how much of a table is looked at to find its separator, in bytes,
// and sampleRows how many rows of that.
const (
	sampleSize = 64 << 10
	sampleRows = 20
)

// table reads the rows of a CSV file one by one.
type table struct {
	csv   *csv.Reader
	guard *guard
	above int // lines before those that csv counts
	last  int // line where the last row begins
}

// openTable finds out how r is written. marked says that it claims to be UTF-8
// (or was decoded to it). The names of the file column help to tell the separator.
func openTable(r io.Reader, o Options) (t *table, marked bool, err error) {
	text, marked, err := charset.NewReader(bufio.NewReader(r), o.Encoding)
	if err != nil {
		return nil, false, err
	}
	in := bufio.NewReaderSize(text, sampleSize)
	sample, err := in.Peek(sampleSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	whole := err != nil
	t = &table{guard: &guard{r: in, returns: returnsOnly(sample)}}
	if t.guard.returns {
		sample = bytes.ReplaceAll(sample, []byte("\r"), []byte("\n"))
	}
	separator, length := separatorLine(sample)
	if length > 0 {
		t.above = 1
		if _, err := in.Discard(length); err != nil {
			return nil, false, err
		}
	} else {
		separator = findSeparator(string(sample), whole, o.FileColumns)
	}
	t.csv = newCSV(t.guard, separator)
	return t, marked, nil
}

// newCSV returns a strict reader: a quotation mark in the wrong place is an error
// with its line, where a lax reader would let the cell swallow the rows after it.
func newCSV(r io.Reader, separator rune) *csv.Reader {
	c := csv.NewReader(&bareQuotes{r: r, separator: byte(separator)})
	c.Comma = separator
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	// A space before a quotation mark is common. Tabs would be trimmed as well,
	// and are empty cells where they separate.
	c.TrimLeadingSpace = separator != '\t'
	return c
}

// read returns the cells of the next row, valid until the next call, and the line
// where it begins. It ends with io.EOF.
func (t *table) read() (cells []string, line int, err error) {
	t.guard.row = 0
	cells, err = t.csv.Read()
	var wrong *csv.ParseError
	switch {
	case t.guard.err != nil && !errors.Is(t.guard.err, io.EOF):
		return nil, 0, fmt.Errorf("after line %d: %w", t.last, t.guard.err)
	case errors.As(err, &wrong):
		return nil, 0, t.explain(wrong)
	case err != nil:
		return nil, 0, err
	}
	line, _ = t.csv.FieldPos(0)
	t.last = t.above + line
	for i := range cells {
		var ok bool
		if cells[i], ok = bare(cells[i]); !ok {
			return nil, 0, fmt.Errorf("line %d, column %d: %w", t.last, i+1, errWithin)
		}
	}
	return cells, t.last, nil
}

var errWithin = errors.New("a quotation mark within a cell; put the whole cell in quotation marks and double those inside")

func (t *table) explain(err *csv.ParseError) error {
	place := fmt.Sprintf("line %d, byte %d", t.above+err.Line, err.Column)
	switch {
	case errors.Is(err.Err, csv.ErrBareQuote):
		return fmt.Errorf("%s: %w", place, errWithin)
	case errors.Is(err.Err, csv.ErrQuote):
		return fmt.Errorf("%s: a quotation mark is not closed, or text follows the one that closes (the row begins in line %d)",
			place, t.above+err.StartLine)
	}
	return fmt.Errorf("%s: %w", place, err.Err)
}

// guard bounds what a reader takes for one row and for all.
type guard struct {
	r       io.Reader
	returns bool // carriage returns alone end the lines
	row     int  // bytes since this was last set to 0
	all     int
	err     error
}

// Read implements io.Reader.
func (g *guard) Read(p []byte) (int, error) {
	switch {
	case g.err != nil:
		return 0, g.err
	case g.all > maxManifest:
		g.err = fmt.Errorf("the manifest is larger than %d MiB; split it", maxManifest>>20)
		return 0, g.err
	case g.row > maxRow:
		g.err = fmt.Errorf("a row is longer than %d MiB; is a quotation mark not closed?", maxRow>>20)
		return 0, g.err
	}
	n, err := g.r.Read(p)
	if g.returns {
		for i, b := range p[:n] {
			if b == '\r' {
				p[i] = '\n'
			}
		}
	}
	g.row += n
	g.all += n
	g.err = err
	return n, err
}

// returnsOnly says whether the first line ends with a carriage return that no
// line feed follows, as old Macs wrote it.
func returnsOnly(sample []byte) bool {
	quoted := false
	for i, b := range sample {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '\n':
			return false
		case b == '\r':
			return i+1 < len(sample) && sample[i+1] != '\n'
		}
	}
	return false
}

// separatorLine reads the line by which Excel is told the separator, "sep=;". Its
// length is 0 when there is none.
func separatorLine(sample []byte) (separator rune, length int) {
	line, _, _ := bytes.Cut(sample, []byte("\n"))
	text := strings.Trim(string(bytes.TrimSuffix(line, []byte("\r"))), `"`)
	if len(text) != len("sep=;") || !strings.EqualFold(text[:4], "sep=") || !strings.Contains(separators, text[4:]) {
		return 0, 0
	}
	return rune(text[4]), min(len(line)+1, len(sample))
}

// findSeparator returns the separator with which the first rows make the most
// sense: the header then has a column for the files, or at least several columns,
// and the rows fit it.
func findSeparator(sample string, whole bool, fileColumns []string) rune {
	var best rune
	var most [4]int
	for _, separator := range separators {
		columns, fitting := tryRows(sample, whole, separator)
		score := [4]int{0, 0, fitting, len(columns)}
		if findFileColumn(columns, fileColumns) >= 0 || columnOf(columns, contentColumn) >= 0 {
			score[0] = 1
		}
		if len(columns) > 1 {
			score[1] = 1
		}
		if best == 0 || greater(score, most) {
			best, most = separator, score
		}
	}
	return best
}

func greater(a, b [4]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return false
}

// tryRows reads the first rows with a separator: the columns of the header, and
// how many rows after it fit it.
func tryRows(sample string, whole bool, separator rune) (columns []string, fitting int) {
	c := newCSV(strings.NewReader(sample), separator)
	for range sampleRows {
		cells, err := c.Read()
		if err != nil || !whole && int(c.InputOffset()) == len(sample) {
			return columns, fitting
		}
		switch row := headerNames(cells, bestEncoding(cells)); {
		case len(row) == 0:
		case columns == nil:
			columns = row
		case len(row) <= len(columns):
			fitting++
		}
	}
	return columns, fitting
}

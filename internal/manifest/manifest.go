package manifest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/tenovos-ingest/ingestd/internal/charset"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Prefix stands before the name of a manifest's column.
const Prefix = "manifest."

// The limits of a manifest. What lies beyond one is an error that says so.
const (
	maxManifest = 256 << 20 // bytes, as UTF-8
	maxRows     = 1_000_000
	maxColumns  = 1_000
	maxRow      = 1 << 20  // bytes
	maxCell     = 64 << 10 // bytes
)

// Options says how a manifest is read. The zero value is the usual way.
type Options struct {
	// FileColumns are the names of the column that names a row's file, the best
	// first; nil means the names that people use ([FileColumns]). Case, spaces,
	// - and _ do not count.
	FileColumns []string

	// MatchCase makes the case of file names count. Without it a row for a.jpg
	// also serves A.JPG, unless another row has that very spelling.
	MatchCase bool

	// Encoding is how manifests without a byte order mark are written; nil finds out.
	Encoding encoding.Encoding

	// Dir is the absolute path of the manifest's directory: absolute paths below it
	// are taken as well. "" takes none.
	Dir string

	// Asked holds the [Key] of each fact that somebody asks for; nil means all. Two
	// columns of the same name are an error where it is asked for, and no facts
	// where it is not.
	Asked map[string]bool
}

// Manifest is a table that tells facts of many files, a row each. It is
// immutable and may be used concurrently.
//
// It holds the bytes of its cells and rowCost more a row; the facts of a row are made
// when asked for.
type Manifest struct {
	name    string
	dir     string          // Options.Dir
	asked   map[string]bool // Options.Asked
	columns []string        // as written; "" for a column that has neither name nor values
	names   []string        // of the columns' facts
	sorted  []int           // the columns by the name of their fact
	file    int             // the column that names a row's file; -1 if only content paths do
	content int             // the column with the content path of federated assets; -1 for none
	// The columns that say whether that is transcoded, and whether a row is a
	// placeholder; -1 for none.
	transcode, placeholder int

	bytes *charmap.Charmap // how the cells are written; nil is UTF-8
	rows  store
	files fileIndex
}

// Parse reads a CSV file with a header: rows are separated by line feeds
// or carriage returns or both, cells by commas, semicolons, tabs or pipes (which
// of them is found out, or said by a first line such as "sep=;"); quoting is that
// of RFC 4180, and a sign for inches needs none. UTF-8 and UTF-16 are known by their marks or their bytes;
// anything else is in the Western encoding in which it makes words (Windows-1252, Mac
// Roman, ...), or refused unless the options name its encoding. Empty rows do not count.
//
// The name of the manifest is for messages and origins. An error names the line.
// A manifest with an error is not used at all, because a cell that was read into
// the wrong column looks like any other. Two rows that contradict each other are
// no such error; see [Row].
//
// It reads r once, and keeps no more of it than the rows.
func Parse(name string, r io.Reader, o Options) (*Manifest, error) {
	return readTable(name, r, o, unbounded{})
}

// readTable is Parse within a quota.
func readTable(name string, r io.Reader, o Options, q quota) (*Manifest, error) {
	name = metadata.Clean(name)
	m, err := parse(name, r, o, q)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", name, err)
	}
	return m, nil
}

// quota bounds what the reading of a manifest takes of memory. An error of either
// method ends it.
type quota interface {
	grow(bytes int64) error
	goOn() error
}

// unbounded is the quota of who has a single manifest to read.
type unbounded struct{}

func (unbounded) grow(int64) error { return nil }
func (unbounded) goOn() error      { return nil }

// goOnEvery is after how many rows is asked whether to go on.
const goOnEvery = 4096

func parse(name string, r io.Reader, o Options, q quota) (*Manifest, error) {
	table, marked, err := openTable(r, o)
	if err != nil {
		return nil, err
	}
	b := builder{m: &Manifest{name: name, dir: o.Dir, asked: o.Asked}, options: o, quota: q}
	for n := 0; ; n++ {
		if n%goOnEvery == 0 {
			if err := q.goOn(); err != nil {
				return nil, err
			}
		}
		cells, line, err := table.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = b.add(cells, line)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := b.finish(marked); err != nil {
		return nil, err
	}
	return b.m, nil
}

// builder makes a manifest of the rows of a table.
type builder struct {
	m       *Manifest
	options Options
	quota   quota
	header  int      // line of the header; 0 before it is read
	names   []string // the cells of the header
	buf     []byte

	utf8    int // cells in UTF-8 that is not ASCII
	other   int // cells that are not UTF-8
	notUTF8 int // line of the first of them
}

func (b *builder) add(cells []string, line int) error {
	if len(cells) > maxColumns && strings.Join(cells[maxColumns:], "") != "" {
		return fmt.Errorf("line %d has more than %d columns", line, maxColumns)
	}
	b.buf = b.buf[:0]
	filled := 0 // length of buf up to the last cell that is not empty
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		b.buf = binary.AppendUvarint(b.buf, uint64(len(cell)))
		if cell == "" {
			continue
		}
		if err := b.check(i, cell, line); err != nil {
			return err
		}
		b.buf = append(b.buf, cell...)
		filled = len(b.buf)
	}
	switch {
	case filled == 0:
		return nil
	case b.header == 0:
		b.header, b.names = line, slices.Clone(cells)
		return b.m.setHeader(headerNames(cells, bestEncoding(cells)), line, b.options)
	case b.m.rows.len() == maxRows:
		return fmt.Errorf("line %d: there are more than %d rows; split the manifest", line, maxRows)
	}
	return b.m.rows.add(b.buf[:filled], line, b.quota)
}

// check refuses a cell that cannot be right where it stands.
func (b *builder) check(column int, cell string, line int) error {
	if len(cell) > maxCell {
		return fmt.Errorf("line %d: the cell in column %d is longer than %d bytes", line, column+1, maxCell)
	}
	if strings.IndexByte(cell, 0) >= 0 {
		return fmt.Errorf("line %d: the cell in column %d holds a zero byte; this is no text file, or a damaged one", line, column+1)
	}
	if !charset.ASCII(cell) {
		if b.options.Encoding != nil && strings.ContainsRune(cell, utf8.RuneError) {
			return fmt.Errorf("line %d has %q, which is not %v, as `encoding` says of the folder; correct that, or save the manifest as UTF-8 with a byte order mark",
				line, metadata.Excerpt(cell), b.options.Encoding)
		}
		b.weigh(cell, line)
	}
	if b.header == 0 {
		return nil
	}
	if width := len(b.m.columns); column >= width {
		return fmt.Errorf("line %d has %q in column %d, but the header in line %d ends with column %d; a separator or a quotation mark too many shifts the cells of a row",
			line, metadata.Excerpt(cell), column+1, b.header, width)
	}
	if b.m.columns[column] == "" {
		return fmt.Errorf("line %d has %q in column %d, to which the header in line %d gives no name",
			line, metadata.Excerpt(cell), column+1, b.header)
	}
	return nil
}

// weigh counts a cell for or against UTF-8.
func (b *builder) weigh(cell string, line int) {
	if utf8.ValidString(cell) {
		b.utf8++
		return
	}
	if b.other == 0 {
		b.notUTF8 = line
	}
	b.other++
}

// finish settles the encoding, which is known for certain only after the last
// row, and then the files of the rows. Text of single bytes may have a cell that
// happens to be UTF-8 as well (NESCAFÉ®), so the manifest decides as a whole; one
// that is mostly UTF-8 is a damaged file, not a file in another encoding.
func (b *builder) finish(marked bool) error {
	if b.header == 0 {
		return errors.New("there is no header; the first line names the columns")
	}
	b.m.rows.finish()
	if b.other > 0 && (marked || b.utf8 > b.other) {
		return fmt.Errorf("line %d is not UTF-8 as the rest is; save the manifest as UTF-8", b.notUTF8)
	}
	if b.other > 0 {
		if err := b.findBytes(); err != nil {
			return err
		}
		if err := b.m.checkBytes(b.quota); err != nil {
			return err
		}
		if err := b.renameColumns(); err != nil {
			return err
		}
	}
	return b.m.indexFiles(b.options.MatchCase, b.quota)
}

// findBytes finds the encoding of single bytes in which the cells make words.
func (b *builder) findBytes() error {
	western, likely := charset.Western(func(yield func(string) bool) {
		for _, name := range b.names {
			if !yield(name) {
				return
			}
		}
		for i := range b.m.rows.len() {
			for _, cell := range b.m.rows.row(i).each() {
				if !yield(cell) {
					return
				}
			}
		}
	}, maxWeighed)
	if western == nil {
		guess := "such as windows-1251, iso-8859-2 or shift_jis"
		if likely != "" {
			guess = "perhaps " + likely
		}
		return fmt.Errorf("line %d is not UTF-8, and makes no words in a Western encoding; say which one it is with `encoding` of the folder (%s), or save the manifest as UTF-8",
			b.notUTF8, guess)
	}
	b.m.bytes = western
	return nil
}

// renameColumns reads the header in the encoding of the whole, of which a few names
// alone may give a wrong idea.
func (b *builder) renameColumns() error {
	names := headerNames(b.names, b.m.bytes)
	blank := func(a, b string) bool { return (a == "") == (b == "") }
	if slices.Equal(names, b.m.columns) || !slices.EqualFunc(names, b.m.columns, blank) {
		return nil // the rows were held against the names as they are
	}
	return b.m.setHeader(names, b.header, b.options)
}

// checkBytes refuses bytes that are no characters.
func (m *Manifest) checkBytes(q quota) error {
	for i := range m.rows.len() {
		if i%goOnEvery == 0 {
			if err := q.goOn(); err != nil {
				return err
			}
		}
		rec := m.rows.row(i)
		for _, cell := range rec.each() {
			if text := charset.Decode(cell, m.bytes); strings.ContainsRune(text, utf8.RuneError) {
				return fmt.Errorf("line %d has %q, which is neither UTF-8 nor %v; save the manifest as UTF-8",
					rec.line, metadata.Excerpt(text), m.bytes)
			}
		}
	}
	return nil
}

// each returns the cells of a record by their columns, as they were written.
func (rec record) each() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		rest := rec.cells
		for column := 0; rest != ""; column++ {
			var cell string
			if cell, rest = cutCell(rest); !yield(column, cell) {
				return
			}
		}
	}
}

// around returns what lies before and after the cell of a column.
func (rec record) around(column int) (before, after string) {
	if column < 0 {
		return rec.cells, ""
	}
	rest, at := rec.cells, 0
	for ; column > 0 && rest != ""; column-- {
		_, rest = cutCell(rest)
		at = len(rec.cells) - len(rest)
	}
	if rest != "" {
		_, rest = cutCell(rest)
	}
	return rec.cells[:at], rest
}

// cutCell takes the first cell off the cells of a record, which are not "".
func cutCell(cells string) (cell, rest string) {
	size, prefix := binary.Uvarint([]byte(cells[:min(len(cells), binary.MaxVarintLen32)]))
	end := prefix + int(size)
	return cells[prefix:end], cells[end:]
}

// Columns returns the names of the columns as they are written, in their order.
func (m *Manifest) Columns() []string {
	return slices.DeleteFunc(slices.Clone(m.columns), func(name string) bool { return name == "" })
}

// text returns a cell as the text that it means, in one line.
func (m *Manifest) text(cell string) string { return metadata.OneLine(m.decode(cell)) }

// lines returns a cell as the text that it means.
func (m *Manifest) lines(cell string) string { return metadata.Lines(m.decode(cell)) }

func (m *Manifest) decode(cell string) string {
	if m.bytes != nil && !charset.ASCII(cell) {
		return charset.Decode(cell, m.bytes)
	}
	return cell
}

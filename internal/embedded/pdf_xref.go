package embedded

import (
	"errors"
	"fmt"
	"strconv"
)

// pdfSection is one table of objects: rows of text, or a stream of numbers.
type pdfSection struct {
	ranges []pdfRange
	hybrid bool   // the table that follows tells of what is free here
	rows   []byte // of a stream
	widths [3]int
}

// pdfRange is a run of numbers of objects in a table.
type pdfRange struct {
	first, count int
	at           int64 // of the first row: in the file, or in the rows of a stream
}

// pdfPlace is where an object is.
type pdfPlace struct {
	kind pdfKind
	at   int64 // a byte of the document, or the number of an object stream
}

type pdfKind int

const (
	pdfElsewhere  pdfKind = iota // this table does not tell
	pdfFree                      // there is no such object
	pdfPlain                     // at a byte
	pdfCompressed                // in an object stream
)

const xrefRow = 20 // bytes of a row of text

var errNoTable = errors.New("its table of objects is damaged")

// find tells where a table says that an object is.
func (x pdfSection) find(s *source, number int) (pdfPlace, error) {
	for _, r := range x.ranges {
		i := number - r.first
		if i < 0 || i >= r.count {
			continue
		}
		if x.rows == nil {
			return plainRow(s, r.at+int64(i)*xrefRow)
		}
		width := x.widths[0] + x.widths[1] + x.widths[2]
		c := cursor{b: x.rows[r.at+int64(i*width):]}
		kind := uint64(pdfPlain)
		if x.widths[0] > 0 {
			kind = c.uint(x.widths[0])
		}
		at := int64(c.uint(x.widths[1]))
		switch {
		case kind == 0:
			return pdfPlace{kind: pdfFree}, nil
		case at < 0:
			return pdfPlace{}, errNoTable
		case kind == 1:
			return pdfPlace{pdfPlain, at}, nil
		case kind == 2:
			return pdfPlace{pdfCompressed, at}, nil
		}
		return pdfPlace{kind: pdfFree}, nil // as the standard has it for kinds to come
	}
	return pdfPlace{}, nil
}

// plainRow reads "0000000015 00000 n".
func plainRow(s *source, at int64) (pdfPlace, error) {
	row, err := s.peek(at, 18)
	if err != nil {
		return pdfPlace{}, err
	}
	off, err := strconv.ParseInt(string(row[:10]), 10, 64)
	if err != nil || row[10] != ' ' || row[16] != ' ' {
		return pdfPlace{}, errNoTable
	}
	switch {
	case row[17] == 'f' || off == 0:
		return pdfPlace{kind: pdfFree}, nil
	case row[17] == 'n':
		return pdfPlace{pdfPlain, off}, nil
	}
	return pdfPlace{}, errNoTable
}

// readSections reads the table at an offset and those before it.
func (f *pdfFile) readSections(start int64) error {
	met := map[int64]bool{}
	for next := []int64{start}; len(next) > 0; {
		at := next[0]
		next = next[1:]
		if met[at] {
			continue // they lead to one another
		}
		met[at] = true
		if len(met) > maxPDFSections {
			return fmt.Errorf("it has more than %d tables of objects", maxPDFSections)
		}
		section, trailer, err := f.section(f.base + at)
		if err != nil {
			return err
		}
		var before []int64
		if also, ok := wholeNumber(trailer["XRefStm"]); ok && section.rows == nil {
			section.hybrid = true
			before = append(before, int64(also))
		}
		if prev, ok := wholeNumber(trailer["Prev"]); ok {
			before = append(before, int64(prev))
		}
		f.sections = append(f.sections, section)
		next = append(before, next...)
		for _, key := range []string{"Root", "Encrypt", "Info"} {
			if _, known := f.trailer[key]; !known && trailer[key] != nil {
				f.trailer[key] = trailer[key]
			}
		}
	}
	if f.trailer["Root"] == nil {
		return errors.New("its tables do not name its catalog")
	}
	return nil
}

// section reads the table at a byte of the file, and the dictionary that goes with it.
func (f *pdfFile) section(off int64) (pdfSection, pdfDict, error) {
	const longest = 64
	head, err := f.s.peek(off, min(longest, f.s.size-off))
	if err != nil {
		return pdfSection{}, nil, errNoTable
	}
	p := pdfParser{data: append([]byte(nil), head...)}
	word, _ := p.object(0)
	if word == pdfWord("xref") {
		return f.plainSection(off + int64(p.at))
	}
	object, _, err := f.parse(off, true)
	if err != nil {
		return pdfSection{}, nil, err
	}
	stream, ok := object.(pdfStream)
	if !ok || stream.dict["Type"] != pdfName("XRef") {
		return pdfSection{}, nil, errNoTable
	}
	section, err := f.streamSection(stream)
	return section, stream.dict, err
}

// plainSection reads the heads of the runs of a table of text, and its trailer.
func (f *pdfFile) plainSection(off int64) (section pdfSection, trailer pdfDict, err error) {
	const longest, most = 64, 10_000
	for range most {
		head, err := f.s.peek(off, min(longest, f.s.size-off))
		if err != nil {
			return section, nil, errNoTable
		}
		p := pdfParser{data: append([]byte(nil), head...)}
		first, err := p.object(0)
		if err != nil {
			return section, nil, errNoTable
		}
		if first == pdfWord("trailer") {
			object, _, err := f.parse(off+int64(p.at), false)
			if stream, ok := object.(pdfStream); ok {
				object = stream.dict // the word "stream" behind a trailer says nothing
			}
			trailer, ok := object.(pdfDict)
			if err != nil || !ok {
				return section, nil, errNoTable
			}
			return section, trailer, nil
		}
		second, _ := p.object(0)
		from, okFrom := wholeNumber(first)
		count, okCount := wholeNumber(second)
		if !okFrom || !okCount || int64(count) > f.s.size/xrefRow {
			return section, nil, errNoTable
		}
		p.skipSpace()
		section.ranges = append(section.ranges, pdfRange{from, count, off + int64(p.at)})
		off += int64(p.at) + int64(count)*xrefRow
	}
	return section, nil, errNoTable
}

// streamSection reads a table that is a stream.
func (f *pdfFile) streamSection(stream pdfStream) (section pdfSection, err error) {
	widths, ok := stream.dict["W"].([]any)
	if !ok || len(widths) < 3 {
		return section, errNoTable
	}
	row := 0
	for i := range section.widths {
		w, ok := wholeNumber(widths[i])
		if !ok || w > 8 {
			return section, errNoTable
		}
		section.widths[i] = w
		row += w
	}
	if row == 0 {
		return section, errNoTable
	}
	if section.rows, err = f.decode(stream); err != nil {
		return section, err
	}
	if section.rows == nil {
		section.rows = []byte{}
	}
	index, ok := stream.dict["Index"].([]any)
	if !ok {
		index = []any{0.0, stream.dict["Size"]}
	}
	at := 0
	for ; len(index) >= 2; index = index[2:] {
		first, okFirst := wholeNumber(index[0])
		count, okCount := wholeNumber(index[1])
		if !okFirst || !okCount {
			return section, errNoTable
		}
		count = min(count, (len(section.rows)-at)/row)
		section.ranges = append(section.ranges, pdfRange{first, count, int64(at)})
		at += count * row
	}
	return section, nil
}

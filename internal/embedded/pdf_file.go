package embedded

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// The bounds of what is read of a PDF, beside those of a source.
const (
	maxPDFObject   = 1 << 20  // bytes of an object without its data
	maxPDFSections = 512      // tables of objects; each change of a document adds one
	maxPDFResolved = 64       // objects that are looked up
	maxPDFExpanded = 32 << 20 // bytes of all that is expanded
	maxPDFParsed   = 32 << 20 // bytes of all objects, and tokenCost for each of their tokens
	tokenCost      = 16
)

// pdfFile leads to the objects of a PDF by its tables, of which each change of the
// document adds one at the end.
type pdfFile struct {
	s        *source
	base     int64 // where the document begins: offsets count from there
	sections []pdfSection
	trailer  pdfDict // of the last change

	resolved int
	expanded int64
	parsed   int64
	streams  map[int]objectStream
	scanned  map[int]int64 // where objects are, in place of the tables
}

var errPDFLong = fmt.Errorf("its objects are longer than %d MiB", maxPDFParsed>>20)

var errNotThere = errors.New("an object of it is not where its table says")

// openPDF reads the tables of a PDF.
func openPDF(s *source) (*pdfFile, error) {
	const tailSize = 2048
	f := &pdfFile{s: s, trailer: pdfDict{}, streams: map[int]objectStream{}}
	head, err := s.block(0, min(s.size, headSize))
	if err != nil {
		return nil, err
	}
	f.base = int64(max(0, bytes.Index(head, []byte("%PDF-"))))
	tail, err := s.block(max(0, s.size-tailSize), min(s.size, tailSize))
	if err != nil {
		return nil, err
	}
	at := bytes.LastIndex(tail, []byte("startxref"))
	if at < 0 {
		return nil, errors.New("it does not say where its tables are")
	}
	p := pdfParser{data: tail, at: at + len("startxref")}
	number, _ := p.object(0)
	start, ok := wholeNumber(number)
	if !ok {
		return nil, errors.New("it does not say where its tables are")
	}
	if err := f.readSections(int64(start)); err != nil && f.base > 0 && !errors.Is(err, errUnreadable) {
		f.base, f.sections, f.trailer = 0, nil, pdfDict{} // some count from the file's beginning
		err = f.readSections(int64(start))
		return f, err
	} else if err != nil {
		return nil, err
	}
	return f, nil
}

// parse reads an object that begins at a byte of the file: with whole, one with its
// number before it.
func (f *pdfFile) parse(off int64, whole bool) (object any, number int, err error) {
	for _, size := range []int64{4 << 10, maxPDFObject} {
		size = min(size, f.s.size-off)
		data, err := f.s.block(off, size)
		if err != nil {
			return nil, 0, err
		}
		p := pdfParser{data: data}
		if whole {
			first, _ := p.object(0)
			_, _ = p.object(0) // the generation
			word, _ := p.object(0)
			var ok bool
			if number, ok = wholeNumber(first); !ok || word != pdfWord("obj") {
				return nil, 0, errNotThere
			}
		}
		object, err = p.value(0)
		if f.parsed += int64(p.at) + tokenCost*int64(p.tokens); f.parsed > maxPDFParsed {
			return nil, 0, errPDFLong
		}
		if more := size < min(maxPDFObject, f.s.size-off); more && (errors.Is(err, errPDFEnd) || len(data)-p.at < maxStreamWord) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		dict, ok := object.(pdfDict)
		if !ok {
			return object, number, nil
		}
		if begin := streamBegin(data[p.at:]); begin > 0 {
			return pdfStream{dict, off + int64(p.at+begin)}, number, nil
		}
		return dict, number, nil
	}
	return nil, 0, errPDFEnd
}

const maxStreamWord = 64 // bytes, with the space before it

var streamWord = regexp.MustCompile(`^[\s\x00]*stream(?:\r\n|\n|\r)`)

// streamBegin returns where the data begin behind a dictionary; 0 where there are none.
func streamBegin(data []byte) int {
	return len(streamWord.Find(data[:min(len(data), maxStreamWord)]))
}

// resolve returns the object that a reference leads to; any other object is itself.
func (f *pdfFile) resolve(object any) (any, error) {
	for {
		ref, ok := object.(pdfRef)
		if !ok {
			return object, nil
		}
		if f.resolved++; f.resolved > maxPDFResolved {
			return nil, errors.New("its objects lead to one another without an end")
		}
		var err error
		if object, err = f.look(ref.number); err != nil {
			return nil, err
		}
	}
}

// look returns the object of a number; nil where there is none.
func (f *pdfFile) look(number int) (any, error) {
	if f.scanned != nil {
		off, ok := f.scanned[number]
		if !ok {
			return nil, nil
		}
		object, _, err := f.parse(off, true)
		return object, err
	}
	for i, section := range f.sections {
		place, err := section.find(f.s, number)
		switch {
		case err != nil:
			return nil, err
		case place.kind == pdfElsewhere, place.kind == pdfFree && section.hybrid && i+1 < len(f.sections):
			continue
		case place.kind == pdfFree:
			return nil, nil
		case place.kind == pdfCompressed:
			return f.inStream(int(place.at), number)
		}
		object, found, err := f.parse(f.base+place.at, true)
		if err == nil && found != number {
			err = errNotThere
		}
		return object, err
	}
	return nil, nil
}

// dict returns the dictionary that a reference leads to.
func (f *pdfFile) dict(object any) (pdfDict, bool, error) {
	object, err := f.resolve(object)
	dict, ok := object.(pdfDict)
	return dict, ok, err
}

// objectStream is a stream that is expanded, with the objects that are in it.
type objectStream struct {
	data   []byte
	places map[int]int
}

// inStream returns an object that is in an object stream.
func (f *pdfFile) inStream(stream, number int) (any, error) {
	objects, known := f.streams[stream]
	if !known {
		object, err := f.resolve(pdfRef{number: stream})
		if err != nil {
			return nil, err
		}
		s, ok := object.(pdfStream)
		if !ok {
			return nil, errors.New("a stream of objects is not there")
		}
		if objects, err = f.objects(s); err != nil {
			return nil, err
		}
		f.streams[stream] = objects
	}
	at, ok := objects.places[number]
	if !ok {
		return nil, errors.New("an object of it is not in its stream")
	}
	p := pdfParser{data: objects.data, at: at}
	return p.value(0)
}

func (f *pdfFile) objects(s pdfStream) (objectStream, error) {
	data, err := f.decode(s)
	if err != nil {
		return objectStream{}, err
	}
	first, okFirst := wholeNumber(s.dict["First"])
	count, okCount := wholeNumber(s.dict["N"])
	if !okFirst || !okCount || first > len(data) || count > len(data)/2 {
		return objectStream{}, errPDFSyntax
	}
	out := objectStream{data: data, places: make(map[int]int)}
	p := pdfParser{data: data[:first]}
	for range count {
		a, errA := p.object(0)
		b, errB := p.object(0)
		number, okA := wholeNumber(a)
		off, okB := wholeNumber(b)
		if errors.Join(errA, errB) != nil || !okA || !okB || off > len(data)-first {
			return objectStream{}, errPDFSyntax
		}
		out.places[number] = first + off
	}
	return out, nil
}

// decode returns the data of a stream as they were before they were stored.
func (f *pdfFile) decode(s pdfStream) ([]byte, error) {
	data, err := f.stored(s)
	if err != nil {
		return nil, err
	}
	if f.expanded += int64(len(data)); f.expanded > maxPDFExpanded {
		return nil, fmt.Errorf("what leads to it is larger than %d MiB", maxPDFExpanded>>20)
	}
	filters, params, err := f.filters(s.dict)
	if err != nil {
		return nil, err
	}
	for i, filter := range filters {
		switch filter {
		case "FlateDecode", "Fl":
			if data, err = f.inflate(data); err != nil {
				return nil, err
			}
			if data, err = unpredict(data, params[i]); err != nil {
				return nil, err
			}
		case "Crypt":
			if name := params[i]["Name"]; name != nil && name != pdfName("Identity") {
				return nil, errEncrypted
			}
		default:
			return nil, fmt.Errorf("it is packed by %.40s, which is not supported", metadata.Clean(string(filter)))
		}
	}
	return data, nil
}

// stored returns the data of a stream as they are in the file: as long as they are
// said to be, or else up to the word that ends them.
func (f *pdfFile) stored(s pdfStream) ([]byte, error) {
	length, err := f.resolve(s.dict["Length"])
	if errors.Is(err, errUnreadable) {
		return nil, err
	}
	const endsWithin = 32
	if n, ok := wholeNumber(length); err == nil && ok && int64(n) <= f.s.size-s.off {
		behind, err := f.s.peek(s.off+int64(n), min(endsWithin, f.s.size-s.off-int64(n)))
		if err == nil && bytes.HasPrefix(bytes.TrimLeft(behind, "\r\n \t"), []byte("endstream")) {
			return f.s.block(s.off, int64(n))
		}
	}
	data, err := f.s.block(s.off, min(maxBlock, f.s.size-s.off))
	if err != nil {
		return nil, err
	}
	data, _, ended := bytes.Cut(data, []byte("endstream"))
	if !ended {
		return nil, errPDFEnd
	}
	return data, nil
}

// filters returns how a stream is stored, each step with its parameters.
func (f *pdfFile) filters(dict pdfDict) (names []pdfName, params []pdfDict, err error) {
	list := func(v any) ([]any, error) {
		v, err := f.resolve(v)
		if all, ok := v.([]any); ok || err != nil {
			return all, err
		}
		if v == nil {
			return nil, nil
		}
		return []any{v}, nil
	}
	filters, err := list(dict["Filter"])
	if err != nil {
		return nil, nil, err
	}
	all, err := list(dict["DecodeParms"])
	if err != nil {
		return nil, nil, err
	}
	const most = 8
	if len(filters) > most {
		return nil, nil, errPDFSyntax
	}
	for i, filter := range filters {
		filter, err := f.resolve(filter)
		if err != nil {
			return nil, nil, err
		}
		name, ok := filter.(pdfName)
		if !ok {
			return nil, nil, errPDFSyntax
		}
		var param pdfDict
		if i < len(all) {
			if param, _, err = f.dict(all[i]); err != nil {
				return nil, nil, err
			}
		}
		names, params = append(names, name), append(params, param)
	}
	return names, params, nil
}

// inflate expands zlib data within the bounds of a block and of the file. What
// follows its end, and a checksum that is wrong, do not matter.
func (f *pdfFile) inflate(data []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it cannot be expanded: %w", err)
	}
	defer z.Close() // it is in memory
	limit := min(maxBlock, maxPDFExpanded-f.expanded)
	text, err := io.ReadAll(io.LimitReader(z, limit+1))
	f.expanded += int64(len(text))
	switch {
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("expanded it is larger than %d MiB", limit>>20)
	case err != nil && !errors.Is(err, zlib.ErrChecksum):
		return nil, fmt.Errorf("it cannot be expanded: %w", err)
	}
	return text, nil
}

// unpredict undoes what makes rows of numbers easier to pack.
func unpredict(data []byte, params pdfDict) ([]byte, error) {
	number := func(key string, otherwise int) int {
		if n, ok := wholeNumber(params[key]); ok {
			return n
		}
		return otherwise
	}
	predictor := number("Predictor", 1)
	if predictor <= 1 {
		return data, nil
	}
	const most = 1 << 16
	columns, colors, bits := number("Columns", 1), number("Colors", 1), number("BitsPerComponent", 8)
	if predictor < 10 || columns < 1 || columns > most || colors < 1 || colors > 32 || bits < 1 || bits > 16 {
		return nil, errors.New("it is packed in a manner that is not supported")
	}
	pixel, row := max(1, colors*bits/8), (columns*colors*bits+7)/8
	out := make([]byte, 0, len(data))
	before := make([]byte, row)
	for len(data) > 1 {
		kind, line := data[0], data[1:min(len(data), row+1)]
		data = data[1+len(line):]
		if err := unfilter(kind, line, before[:len(line)], pixel); err != nil {
			return nil, err
		}
		out = append(out, line...)
		copy(before, line)
	}
	return out, nil
}

// unfilter undoes a filter of PNG in place.
func unfilter(kind byte, line, above []byte, pixel int) error {
	for i := range line {
		var left, corner byte
		if i >= pixel {
			left, corner = line[i-pixel], above[i-pixel]
		}
		switch kind {
		case 0:
			return nil
		case 1:
			line[i] += left
		case 2:
			line[i] += above[i]
		case 3:
			line[i] += byte((int(left) + int(above[i])) / 2)
		case 4:
			line[i] += paeth(left, above[i], corner)
		default:
			return errors.New("it is packed in a manner that is not supported")
		}
	}
	return nil
}

func paeth(left, above, corner byte) byte {
	abs := func(n int) int { return max(n, -n) }
	guess := int(left) + int(above) - int(corner)
	l, a, c := abs(guess-int(left)), abs(guess-int(above)), abs(guess-int(corner))
	switch {
	case l <= a && l <= c:
		return left
	case a <= c:
		return above
	}
	return corner
}

package facts

import (
	"bytes"
	"regexp"
	"slices"
)

var (
	pdfCatalog  = regexp.MustCompile(`/Type\s*/Catalog\b`)
	pdfMetadata = regexp.MustCompile(`/Metadata\s+(\d{1,10}\s+\d{1,5})\s+R\b`)
	pdfStream   = regexp.MustCompile(`\bstream\r?\n`)
)

// walkPDF finds the XMP of the document: the stream that the last catalog names,
// since a PDF is changed by appending to it and pictures within have XMP of their
// own; and where that catalog cannot be read (it may be compressed) the last
// packet. Only the first and the last 4 MiB are searched.
func walkPDF(s *source, b *blocks) error {
	if !b.want.XMP {
		return nil
	}
	regions, err := s.ends()
	if err != nil {
		return err
	}
	slices.Reverse(regions)
	if name := catalogMetadata(regions); name != nil {
		for _, r := range regions {
			if i := lastObject(r.data, name); i >= 0 {
				packet, err := s.streamXMP(region{r.off + int64(i), r.data[i:]})
				b.addXMP(packet)
				return err
			}
		}
	}
	for _, r := range regions {
		if packet, err := s.packet(r, bytes.LastIndex); packet != nil || err != nil {
			b.addXMP(packet)
			return err
		}
	}
	return nil
}

// catalogMetadata returns the number of the object ("12 0") that holds the XMP.
func catalogMetadata(regions []region) []byte {
	for _, r := range regions {
		found := pdfCatalog.FindAllIndex(r.data, -1)
		if len(found) == 0 {
			continue
		}
		at := found[len(found)-1][0]
		begin := bytes.LastIndex(r.data[:at], []byte(" obj"))
		end := bytes.Index(r.data[at:], []byte("endobj"))
		if begin < 0 || end < 0 {
			return nil
		}
		if m := pdfMetadata.FindSubmatch(r.data[begin : at+end]); m != nil {
			return bytes.Join(bytes.Fields(m[1]), []byte(" "))
		}
		return nil
	}
	return nil
}

// lastObject returns where the last object of that number begins, or -1.
func lastObject(data, name []byte) int {
	mark := slices.Concat(name, []byte(" obj"))
	for end := len(data); ; {
		i := bytes.LastIndex(data[:end], mark)
		if i <= 0 || data[i-1] < '0' || data[i-1] > '9' {
			return i
		}
		end = i // 112 0 obj is not 12 0 obj
	}
}

// streamXMP returns the packet in the object at the beginning of r, nil where it
// holds none that can be read (a PDF may be encrypted).
func (s *source) streamXMP(r region) ([]byte, error) {
	start := pdfStream.FindIndex(r.data)
	if start == nil {
		return nil, nil
	}
	if bytes.Contains(r.data[:start[0]], []byte("/FlateDecode")) {
		text, err := inflate(r.data[start[1]:])
		if err != nil {
			return nil, err
		}
		r = region{0, text}
		s = newSource(bytes.NewReader(text), int64(len(text)))
	}
	if end := bytes.Index(r.data, []byte("endstream")); end >= 0 {
		r.data = r.data[:end]
	}
	return s.packet(r, bytes.Index)
}

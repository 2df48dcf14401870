package embedded

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"sort"
	"strconv"
)

var (
	pdfCatalog = regexp.MustCompile(`/Type\s*/Catalog\b`)
	pdfEncrypt = regexp.MustCompile(`/Encrypt\s*(?:(\d{1,9})\s+\d{1,5}\s+R|<<)`)
)

const (
	maxPDFFound    = 100_000 // objects that are looked at in a search
	maxPDFCatalogs = 64
)

// scanPDF finds the objects of a PDF whose tables cannot be read: the last catalog,
// and of each number the last object, since a PDF is changed by appending to it. Only
// the first and the last 4 MiB are searched, and of what is compressed nothing is
// found.
func scanPDF(s *source) (*pdfFile, error) {
	regions, err := s.ends()
	if err != nil {
		return nil, err
	}
	f := &pdfFile{s: s, trailer: pdfDict{}, streams: map[int]objectStream{}, scanned: map[int]int64{}}
	heads := make([][]pdfHead, len(regions))
	for i, r := range regions {
		if heads[i] = objectHeads(r); len(f.scanned)+len(heads[i]) > maxPDFFound {
			return nil, errNoTable
		}
		for _, h := range heads[i] {
			f.scanned[h.number] = h.at
		}
		if all := pdfEncrypt.FindAllSubmatch(r.data, maxPDFFound); all != nil {
			f.trailer["Encrypt"] = pdfDict{}
			if number, err := strconv.Atoi(string(all[len(all)-1][1])); err == nil {
				f.trailer["Encrypt"] = pdfRef{number: number}
			}
		}
	}
	tried := 0
	for i, r := range slices.Backward(regions) {
		for _, m := range slices.Backward(pdfCatalog.FindAllIndex(r.data, maxPDFFound)) {
			at := r.off + int64(m[0])
			after := sort.Search(len(heads[i]), func(k int) bool { return heads[i][k].at > at })
			if tried++; after == 0 || tried > maxPDFCatalogs {
				continue
			}
			head := heads[i][after-1]
			object, _, err := f.parse(head.at, true)
			if dict, ok := object.(pdfDict); err == nil && ok && dict["Type"] == pdfName("Catalog") {
				f.trailer["Root"] = pdfRef{number: head.number}
				f.scanned[head.number] = head.at
				return f, nil
			}
		}
	}
	return nil, errors.New("it has no catalog that can be found")
}

// pdfHead is where an object begins.
type pdfHead struct {
	number int
	at     int64
}

// objectHeads finds "12 0 obj" in a region.
func objectHeads(r region) []pdfHead {
	var heads []pdfHead
	for at := 0; len(heads) <= maxPDFFound; {
		i := bytes.Index(r.data[at:], []byte("obj"))
		if i < 0 {
			return heads
		}
		at += i
		b := back{r.data, at}
		if b.spaces() && b.digits(5) && b.spaces() {
			if end := b.at; b.digits(9) {
				if number, err := strconv.Atoi(string(r.data[b.at:end])); err == nil {
					heads = append(heads, pdfHead{number, r.off + int64(b.at)})
				}
			}
		}
		at += len("obj")
	}
	return heads
}

// back walks backwards.
type back struct {
	data []byte
	at   int
}

func (b *back) run(longest int, of func(byte) bool) bool {
	from := b.at
	for b.at > 0 && from-b.at < longest && of(b.data[b.at-1]) {
		b.at--
	}
	return b.at < from
}

func (b *back) spaces() bool { return b.run(16, isPDFSpace) }

func (b *back) digits(longest int) bool {
	return b.run(longest, func(c byte) bool { return c >= '0' && c <= '9' })
}

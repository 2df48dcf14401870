package embedded

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"github.com/tenovos-ingest/ingestd/internal/charset"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// pdfNames are the names of what is told of a PDF, each with its other names.
var pdfNames = [][]string{
	{"Title"}, {"Author"}, {"Subject"}, {"Keywords"}, {"Creator"}, {"Producer"},
	{"CreationDate", "CreateDate", "Created"}, {"ModDate", "ModifyDate", "Modified"}, {"Trapped"},
	{"PageCount", "Pages"}, {"Version", "PDFVersion"},
}

// emitPDF tells what a PDF says of itself in its information dictionary, how many
// pages it has, and the version of its format. The texts of an encrypted document
// cannot be read.
func emitPDF(c *metadata.Bounded, s *source, head []byte, _ []string) error {
	at := bytes.Index(head, []byte("%PDF-"))
	if at < 0 {
		return nil
	}
	found := map[string]string{}
	if m := pdfVersion.FindSubmatch(head[at:]); m != nil {
		found["Version"] = string(m[1])
	}
	err := describePDF(s, found)
	for _, names := range pdfNames {
		if text := metadata.Lines(found[names[0]]); text != "" {
			c.AddAll(PDFPrefix, names, "what the PDF tells of itself ("+names[0]+")", text)
		}
	}
	return err
}

// describePDF adds what the document says to found.
func describePDF(s *source, found map[string]string) error {
	f, err := openPDF(s)
	if err == nil {
		err = f.describe(found)
	}
	if _, unread := errors.AsType[notRead](err); err == nil || unread || errors.Is(err, errUnreadable) {
		return err
	}
	// What leads to the objects is damaged: they are looked for.
	scanned, lost := scanPDF(s)
	if lost != nil || scanned.findInfo() != nil {
		return err
	}
	return scanned.describe(found)
}

var (
	pdfVersion  = regexp.MustCompile(`^%PDF-(\d{1,2}\.\d{1,2})`)
	pdfInfoName = regexp.MustCompile(`/Info\s+(\d{1,9})\s+\d{1,5}\s+R\b`)
)

// findInfo names the information dictionary of a PDF whose tables cannot be read as
// the last trailer does that can be found.
func (f *pdfFile) findInfo() error {
	regions, err := f.s.ends()
	if err != nil {
		return err
	}
	for _, r := range slices.Backward(regions) {
		if all := pdfInfoName.FindAllSubmatch(r.data, maxPDFFound); all != nil {
			number, _ := strconv.Atoi(string(all[len(all)-1][1])) // digits
			f.trailer["Info"] = pdfRef{number: number}
			return nil
		}
	}
	return nil
}

// describe adds what the document says to found. What can be read is there beside
// the error.
func (f *pdfFile) describe(found map[string]string) error {
	var damage []error
	note := func(what string, err error) {
		if err != nil {
			damage = append(damage, fmt.Errorf("%s: %w", what, err))
		}
	}
	note("its pages", f.countPages(found))
	if f.trailer["Encrypt"] != nil {
		if f.trailer["Info"] == nil && found["PageCount"] != "" {
			return nil
		}
		return notRead("the PDF is encrypted")
	}
	info, _, err := f.dict(f.trailer["Info"])
	note("its information dictionary", err)
	for _, names := range pdfNames[:9] {
		value, err := f.resolve(info[names[0]])
		note(names[0], err)
		switch text := value.(type) {
		case []byte:
			found[names[0]] = pdfText(text)
		case pdfName:
			found[names[0]] = string(text)
		}
	}
	for _, name := range []string{"CreationDate", "ModDate"} {
		found[name] = pdfDate(found[name])
	}
	return damageError(damage)
}

// countPages reads the catalog: the number of pages, and a version that is newer than
// that of the header.
func (f *pdfFile) countPages(found map[string]string) error {
	catalog, _, err := f.dict(f.trailer["Root"])
	if err != nil && f.trailer["Encrypt"] != nil {
		return nil // it is in an object stream, which is encrypted
	}
	if err != nil {
		return err
	}
	if version, ok := catalog["Version"].(pdfName); ok && newerVersion(string(version), found["Version"]) {
		found["Version"] = string(version)
	}
	pages, _, err := f.dict(catalog["Pages"])
	if err != nil && f.trailer["Encrypt"] == nil {
		return err
	}
	count, err := f.resolve(pages["Count"])
	if n, ok := wholeNumber(count); ok {
		found["PageCount"] = strconv.Itoa(n)
	}
	return err
}

// newerVersion compares versions such as 1.7.
func newerVersion(a, b string) bool {
	parts := func(version string) (major, minor int) {
		_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
		if err != nil {
			return 0, 0
		}
		return major, minor
	}
	majorA, minorA := parts(a)
	majorB, minorB := parts(b)
	return cmp.Or(cmp.Compare(majorA, majorB), cmp.Compare(minorA, minorB)) > 0
}

// pdfText decodes a text: UTF-16 or UTF-8 where a mark says so, else the encoding of
// PDF's own, in whose place many programs write UTF-8.
func pdfText(raw []byte) string {
	switch {
	case hasPrefix(raw, "\xFE\xFF", "\xFF\xFE"):
		text, err := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(raw[:len(raw)&^1])
		if err != nil {
			return ""
		}
		return pdfLanguage.ReplaceAllString(string(text), "")
	case hasPrefix(raw, charset.MarkUTF8):
		return pdfLanguage.ReplaceAllString(string(raw[len(charset.MarkUTF8):]), "")
	case utf8.Valid(raw) && !charset.ASCII(string(raw)):
		return string(raw)
	}
	runes := make([]rune, len(raw))
	for i, b := range raw {
		runes[i] = rune(b)
		if r, ok := pdfDocEncoding[b]; ok {
			runes[i] = r
		}
	}
	return string(runes)
}

// pdfLanguage is how a text says which language follows.
var pdfLanguage = regexp.MustCompile("\x1B[A-Za-z]{2,8}(?:-?[A-Za-z0-9]{2,8})?\x1B")

// pdfDocEncoding is where PDF's own encoding is not ISO 8859-1.
var pdfDocEncoding = func() map[byte]rune {
	table := map[byte]rune{0x7F: utf8.RuneError, 0x9F: utf8.RuneError, 0xA0: '€', 0xAD: utf8.RuneError}
	for first, runes := range map[byte]string{0x18: "˘ˇˆ˙˝˛˚˜", 0x80: "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž"} {
		i := first
		for _, r := range runes {
			table[i] = r
			i++
		}
	}
	return table
}()

var pdfDateText = regexp.MustCompile(`^(?:D:)?\s*(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)?(\d\d)?\s*(?:(Z)(?:\d\d'?(?:\d\d)?'?)?|([+-])(\d\d)(?:'?(\d\d))?'?)?)?\s*$`)

// pdfDate writes D:20060102150405+01'00' as 2006-01-02T15:04:05+01:00: the day as far
// as it is known, and the zone where it is. Text that is no date stays as it is.
func pdfDate(text string) string {
	m := pdfDateText.FindStringSubmatch(text)
	if m == nil {
		return timeOf(text)
	}
	day := strings.TrimRight(strings.Join(m[1:4], "-"), "-")
	if m[4] == "" {
		if _, err := time.Parse("2006-01-02"[:len(day)], day); err != nil {
			return text
		}
		return day
	}
	at := fmt.Sprintf("%sT%s:%s:%s", day, m[4], cmp.Or(m[5], "00"), cmp.Or(m[6], "00"))
	if _, err := time.Parse("2006-01-02T15:04:05", at); err != nil {
		return text
	}
	switch {
	case m[7] != "":
		return at + "Z"
	case m[8] != "":
		return at + m[8] + m[9] + ":" + cmp.Or(m[10], "00")
	}
	return at
}

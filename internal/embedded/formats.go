package embedded

import (
	"bytes"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/exif"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Prefixes of the facts that a format tells in its own manner.
const (
	ImagePrefix  = "image."
	PNGPrefix    = "png."
	VideoPrefix  = "video."
	PDFPrefix    = "pdf."
	OfficePrefix = "office."
)

// formatReader reads what files of some formats tell in a manner of their own. What
// it has found before an error is facts; a file of another format is no error.
type formatReader struct {
	source string // as gaps call it
	what   string // as messages call it
	wanted func(Want) bool
	read   func(c *metadata.Bounded, s *source, head []byte, langs []string) error
}

var formatReaders = []formatReader{
	{"image", "The size of the picture", func(w Want) bool { return w.Image }, emitImage},
	{"png", "What the PNG tells in words", func(w Want) bool { return w.PNG }, emitPNG},
	{"video", "What the video tells of itself", func(w Want) bool { return w.Video }, emitVideo},
	{"pdf", "What the PDF tells of itself", func(w Want) bool { return w.PDF }, emitPDF},
	{"office", "What the office document tells of itself", func(w Want) bool { return w.Office }, emitOffice},
}

// notRead is an error that says that this version does not read something, or that
// nobody can, though it is not damaged.
type notRead string

func (n notRead) Error() string { return string(n) }

// readOwn adds what the file's format tells in its own manner.
func (b *blocks) readOwn(c *metadata.Bounded, s *source, head []byte, langs []string) {
	for _, r := range formatReaders {
		if !r.wanted(b.want) {
			continue
		}
		if err := r.read(c, s, head, langs); err != nil {
			b.fault(r.source, r.what, err)
		}
		b.excess(r.source, c)
	}
}

// KnownNames returns the names that facts of a source ("exif", "iptc", "image",
// "video", "office", "pdf") can have, in no order; nil where files choose them.
func KnownNames(source string) []string {
	switch source {
	case "exif":
		return exif.Names()
	case "iptc":
		return iptcNames()
	case "image":
		return []string{imageWidth, imageHeight}
	case "video":
		return slices.Concat(videoNames...)
	case "pdf":
		return slices.Concat(pdfNames...)
	case "office":
		return slices.Concat(officeNames...)
	}
	return nil
}

// hasPrefix says whether data begins with one of the prefixes.
func hasPrefix(data []byte, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return bytes.HasPrefix(data, []byte(p)) })
}

package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/exif"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// Prefixes of the facts that are embedded in a file.
const (
	ExifPrefix = "exif."
	IPTCPrefix = "iptc."
)

// Want names what is to be read. What nobody asks for is not looked for.
type Want struct {
	EXIF, IPTC, XMP                bool // blocks, which many formats hold
	Image, PNG, Video, Office, PDF bool // what a format tells in its own manner
}

// blocks says whether any block is wanted.
func (w Want) blocks() bool { return w.EXIF || w.IPTC || w.XMP }

// blocks is what a file's structure leads to.
type blocks struct {
	want Want
	exif []byte     // the block, where it is a piece of the file
	tiff *source    // the file, where it is such a block
	raw  cr3        // the blocks, where there are several
	iptc []byte     // IIM datasets
	xmp  [][]byte   // packets; the first that has a property tells it
	size int        // of the packets
	full bool       // there are more packets than are read
	ext  extensions // further parts of a JPEG's XMP
	gaps []metadata.Gap
}

// maxPackets bounds the packets of XMP that are read of a file.
const maxPackets = 100

// addXMP keeps a packet, unless it is empty or there is too much already.
func (b *blocks) addXMP(packet []byte) {
	switch {
	case b.full, len(bytes.Trim(packet, "\x00 \t\r\n")) == 0:
	case b.size+len(packet) > xmp.MaxSize, len(b.xmp) == maxPackets:
		b.full = true
		b.gap("xmp", "The file holds more than %d MiB of XMP, or more than %d packets; only the first part is read.", xmp.MaxSize>>20, maxPackets)
	default:
		b.xmp, b.size = append(b.xmp, packet), b.size+len(packet)
	}
}

func (b *blocks) gap(source, format string, args ...any) {
	b.gaps = append(b.gaps, metadata.Gap{Source: source, Message: fmt.Sprintf(format, args...)})
}

// fault makes a gap of an error that was met on reading what, if there is one.
func (b *blocks) fault(source, what string, err error) {
	_, unread := errors.AsType[notRead](err)
	switch {
	case err == nil:
	case unread || errors.Is(err, errUnreadable):
		b.gap(source, "%s is not known: %v.", what, err)
	case errors.Is(err, xmp.ErrDamaged):
		b.gap(source, "%s: %v.", what, err)
	default:
		b.gap(source, "%s is damaged: %v.", what, err)
	}
}

// Read returns what a file says of itself: EXIF (exif.TAG), IPTC (iptc.FIELD)
// and XMP (xmp.PROPERTY, see [xmp.Parse]). The first bytes tell the format, not
// the name. EXIF and IPTC are read from JPEG, PNG, WebP, HEIF, AVIF, Photoshop
// files, TIFF and the raw formats that are TIFF within (DNG, CR2, NEF, ARW, PEF, …)
// or that hold one (CR3, RAF, MRW, X3F); XMP from all of these, from MP4 and
// QuickTime, from AVI and WAV, from JPEG 2000 and JPEG XL, from EPS and from PDF. In
// a file of any other format (InDesign, GIF, MP3), and in one whose structure is
// damaged, a packet is looked for in the first and the last 4 MiB: of several, the
// one that was written last is the document's.
//
// Beside these blocks, formats tell things in a manner of their own: the size of a
// picture (image.Width), words in a PNG (png.KEYWORD), what a video (video.NAME) or a
// document (pdf.NAME, office.NAME) says of itself.
//
// A gap tells of something that is there and cannot be read, wholly or in part;
// what a file does not have is no gap. Of damaged EXIF and IPTC the tags that
// can be read are facts, of damaged XMP nothing is. Of r no more is read than
// leads to the blocks; memory stays below 160 MiB for the worst of files.
// An r that fails makes gaps as well.
func Read(r io.ReaderAt, size int64, want Want, langs []string) (metadata.Facts, []metadata.Gap) {
	c := metadata.Bounded{Facts: metadata.Facts{}}
	if want == (Want{}) || size <= 0 {
		return c.Facts, nil
	}
	b := blocks{want: want}
	s := newSource(r, size)
	head, err := s.block(0, min(s.size, headSize))
	if err != nil {
		b.damaged("What the file says of itself", err)
		for _, r := range formatReaders {
			if r.wanted(want) {
				b.fault(r.source, r.what, err)
			}
		}
		return c.Facts, b.gaps
	}
	if want.blocks() {
		findBlocks(s, head, &b)
	}
	if want.EXIF {
		b.readEXIF(&c, s)
	}
	if want.IPTC && b.iptc != nil {
		if err := emitIPTC(&c, b.iptc); err != nil {
			b.fault("iptc", "The IPTC block", err)
		}
		b.excess("iptc", &c)
	}
	if want.XMP {
		b.readXMP(&c, langs)
	}
	b.readOwn(&c, s, head, langs)
	return c.Facts, b.gaps
}

// headSize is how much of a file's beginning tells its format.
const headSize = 1024

// findBlocks fills b by the file's structure.
func findBlocks(s *source, head []byte, b *blocks) {
	format := formatOf(head)
	if format.walk != nil {
		err := format.walk(s, b)
		if err == nil {
			return
		}
		b.damaged("The file's "+format.name+" structure", err)
	}
	if b.want.XMP && len(b.xmp) == 0 {
		packet, err := scanXMP(s, newest)
		if err != nil {
			b.fault("xmp", "The XMP packet", err)
		}
		b.addXMP(packet)
	}
}

// damaged says of every source that is wanted and not yet found that it is lost.
func (b *blocks) damaged(what string, err error) {
	for _, lost := range []struct {
		source string
		is     bool
	}{
		{"exif", b.want.EXIF && b.exif == nil && b.tiff == nil && b.raw.main == nil},
		{"iptc", b.want.IPTC && b.iptc == nil},
		{"xmp", b.want.XMP && len(b.xmp) == 0},
	} {
		if lost.is {
			b.fault(lost.source, what, err)
		}
	}
}

func (b *blocks) readEXIF(c *metadata.Bounded, s *source) {
	parts := []exifPart{{b.tiff, exif.Tags}, {b.raw.main, exif.Tags}, {b.raw.exif, exif.Tags}, {b.raw.gps, exif.GPSTags}}
	if b.exif != nil {
		block := newSource(bytes.NewReader(b.exif), int64(len(b.exif)))
		block.spent = s.spent
		parts = []exifPart{{block, exif.Tags}}
	}
	if err := emitEXIF(c, parts); err != nil {
		b.fault("exif", "The EXIF block", err)
	}
	b.excess("exif", c)
}

func (b *blocks) readXMP(c *metadata.Bounded, langs []string) {
	var properties []xmp.Property
	read := func(what string, data []byte) {
		packet, err := xmp.Read(data)
		properties = append(properties, packet.Properties...)
		if damage := packet.Damage(); err == nil && damage != nil {
			err = fmt.Errorf("%w: %w", xmp.ErrDamaged, damage)
		}
		b.fault("xmp", what, err)
	}
	for _, packet := range b.xmp {
		read("The XMP packet", packet)
	}
	const second = "The second part of the XMP (ExtendedXMP)"
	extension, err := b.ext.assemble(properties)
	b.fault("xmp", second, err)
	if extension != nil {
		read(second, extension)
	}
	xmp.Emit(c, properties, xmp.Prefix, "the embedded XMP", langs)
	b.excess("xmp", c)
}

// excess makes a gap of what the bounds kept out.
func (b *blocks) excess(source string, c *metadata.Bounded) {
	if lost := c.Excess(); lost != "" {
		b.gap(source, "There is more than is kept of a file: %s.", lost)
	}
}

type format struct {
	name string
	walk func(*source, *blocks) error
}

// formatOf tells a file's format by its first bytes; walk is nil where the
// format is not known or has no structure that leads to its XMP.
func formatOf(head []byte) format {
	at := func(off int, magics ...string) bool {
		return slices.ContainsFunc(magics, func(m string) bool {
			return len(head) >= off && bytes.HasPrefix(head[off:], []byte(m))
		})
	}
	switch {
	case at(0, "\xFF\xD8\xFF"):
		return format{"JPEG", walkJPEG}
	case at(0, "\x89PNG\r\n\x1A\n"):
		return format{"PNG", walkPNG}
	case at(0, tiffMagics...):
		return format{"TIFF", walkTIFF}
	case at(0, "RIFF", "RF64", "BW64"):
		return format{"RIFF", walkRIFF}
	case at(0, "%!PS", dosEPS):
		return format{"PostScript", walkEPS}
	case at(0, rafMagic):
		return format{"RAF", walkRAF}
	case at(0, minoltaMagic):
		return format{"MRW", walkMRW}
	case at(0, sigmaMagic):
		return format{"X3F", walkX3F}
	case at(0, "8BPS"):
		return format{"Photoshop", walkPSD}
	case isBMFF(head):
		return format{"ISO media", walkBMFF}
	case bytes.Contains(head, []byte("%PDF-")):
		return format{"PDF", walkPDF}
	}
	return format{}
}

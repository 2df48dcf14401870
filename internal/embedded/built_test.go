package embedded

import (
	"bytes"
	"compress/zlib"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// builtFiles are files that no program at hand writes, with facts that they hold.
var builtFiles = map[string]struct {
	data func() []byte
	want map[string]string
}{
	"JPEG with ExtendedXMP": {
		func() []byte { return extendedJPEG(false) },
		map[string]string{"xmp.source": "main", "xmp.coverage": "extension"},
	},
	"JPEG with two EXIF-like segments and fill bytes": {
		func() []byte {
			return bytes.Join([][]byte{{0xFF, 0xD8, 0xFF}, jpegSegment(0xE1, jpegEXIF+"\x00"+string(tiffFile())), {0xFF, 0xFF}, jpegSegment(0xE1, jpegEXIF+"\x00x"), {0xFF, 0xDA}, {0, 0}}, nil)
		},
		map[string]string{"exif.make": "Maker", "exif.exposuretime": "0.5"},
	},
	"PNG with compressed XMP": {
		func() []byte {
			return png(chunk("iTXt", "XML:com.adobe.xmp\x00\x01\x00\x00\x00"+deflated(metadatatest.RDF("<dc:source>png</dc:source>"))))
		},
		map[string]string{"xmp.source": "png"},
	},
	"PNG with profiles in hex": {
		func() []byte {
			return png(
				chunk("zTXt", "Raw profile type iptc\x00\x00"+deflated(profile("iptc", "8BIM\x04\x04\x00\x00"+u32(8)+"\x1C\x02\x5A\x00\x03Rom"))),
				chunk("tEXt", "Raw profile type exif\x00"+profile("exif", jpegEXIF+"\x00"+string(tiffFile()))))
		},
		map[string]string{"iptc.city": "Rom", "exif.make": "Maker"},
	},
	"TIFF in little-endian": {tiffFile, map[string]string{"exif.make": "Maker", "exif.artist": "Åsa"}},
	"MP4 with a uuid box behind a large mdat": {
		func() []byte {
			return []byte(box("ftyp", "isom") + "\x00\x00\x00\x01mdat" + u64(16+40) + strings.Repeat("<x:xmpmeta", 4) + box("uuid", uuidXMP+metadatatest.RDF("<dc:source>uuid</dc:source>")))
		},
		map[string]string{"xmp.source": "uuid"},
	},
	"MOV with user data": {
		func() []byte {
			return []byte(box("moov", box("udta", box("XMP_", metadatatest.RDF("<dc:source>udta</dc:source>"))+u32(0))) + u32(0) + "mdat")
		},
		map[string]string{"xmp.source": "udta"},
	},
	"PDF changed once, with a picture's XMP at its end": {
		func() []byte {
			return []byte("%PDF-1.7\n" + object(1, "<< /Type /Catalog /Metadata 2 0 R >>") + object(2, stream(metadatatest.RDF("<dc:source>old</dc:source>"))) +
				object(12, stream(metadatatest.RDF("<dc:source>other</dc:source>"))) + object(2, stream(metadatatest.RDF("<dc:source>new</dc:source>"))) +
				object(9, stream(metadatatest.RDF("<dc:source>picture</dc:source>"))))
		},
		map[string]string{"xmp.source": "new"},
	},
	"PDF with a compressed stream": {
		func() []byte {
			return []byte("%PDF-1.7\n" + object(1, "<</Type/Catalog/Metadata 2 0 R>>") +
				object(2, "<</Filter/FlateDecode>>\nstream\n"+deflated(metadatatest.RDF("<dc:source>flate</dc:source>"))+"\nendstream"))
		},
		map[string]string{"xmp.source": "flate"},
	},
	"a file of an unknown format, with a packet at its end": {
		func() []byte {
			return append(make([]byte, 3*scanSize), "<?xpacket begin='' id=''?>"+metadatatest.RDF("<dc:source>end</dc:source>")+"<?xpacket end='w'?>"...)
		},
		map[string]string{"xmp.source": "end"},
	},
	"a packet that crosses the border of what is searched": {
		func() []byte {
			return append(append(make([]byte, scanSize-100), metadatatest.RDF("<dc:source>across</dc:source>")...), make([]byte, 2*scanSize)...)
		},
		map[string]string{"xmp.source": "across"},
	},
	"JPEG with IPTC in Latin-1 in two segments": {
		func() []byte {
			iim := "\x1C\x02\x00\x00\x02\x00\x04\x1C\x02\x5A\x00\x06Z\xFCrich\x1C\x02\x37\x00\x0820260500\x1C\x02\x78\x80\x04\x00\x00\x00\x02ok"
			resources := "8BIM\x03\xED\x03odd" + u32(1) + "x\x00" + "8BIM\x04\x04\x00\x00" + u32(uint32(len(iim))) + iim
			return jpeg(jpegSegment(0xED, jpegPhotoshop+resources[:20]), jpegSegment(0xED, jpegPhotoshop+resources[20:]))
		},
		map[string]string{"iptc.city": "Zürich", "iptc.datecreated": "2026-05", "iptc.applicationrecordversion": "4", "iptc.caption-abstract": "ok"},
	},
	"IPTC in UTF-8 that does not say so": {
		func() []byte {
			iim := "\x1C\x02\x5A\x00\x06voil\xC3\xA0"
			return jpeg(jpegSegment(0xED, jpegPhotoshop+"8BIM\x04\x04\x00\x00"+u32(uint32(len(iim)))+iim))
		},
		map[string]string{"iptc.city": "voilà"},
	},
	"an empty file": {func() []byte { return nil }, nil},
	"JPEG without metadata": {
		func() []byte { return jpeg(jpegSegment(0xE0, "JFIF")) }, nil,
	},
}

func TestEmbeddedInBuiltFiles(t *testing.T) {
	for name, tt := range builtFiles {
		t.Run(name, func(t *testing.T) {
			data := tt.data()
			got, gaps := Read(bytes.NewReader(data), int64(len(data)), everything, nil)
			if len(gaps) > 0 {
				t.Errorf("gaps: %v", gaps)
			}
			if tt.want == nil && len(got) > 0 {
				t.Errorf("facts %v, want none", got)
			}
			if diff := cmp.Diff(tt.want, pick(got, tt.want)); tt.want != nil && diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmbeddedTellsGaps(t *testing.T) {
	withXMP := jpegSegment(0xE1, jpegXMP+metadatatest.RDF("<dc:source>kept</dc:source>"))
	for _, tt := range []struct {
		name    string
		data    []byte
		source  string
		message string
		kept    string // a fact that is there all the same
	}{
		{"EXIF without a byte order", jpeg(jpegSegment(0xE1, jpegEXIF+"\x00not a TIFF"), withXMP), "exif", "The EXIF block is damaged: its byte order is not given.", "xmp.source"},
		{"EXIF cut short", jpeg(jpegSegment(0xE1, jpegEXIF+"\x00"+string(tiffFile()[:40])), withXMP), "exif", "a directory has 2 of its 4 entries", "xmp.source"},
		{"a tag outside", jpeg(jpegSegment(0xE1, jpegEXIF+"\x00"+string(tiffFile()[:62]))), "exif", "ExposureTime: it is cut short", "exif.artist"},
		{"IPTC cut short", jpeg(jpegSegment(0xED, jpegPhotoshop+"8BIM\x04\x04\x00\x00"+u32(12)+"\x1C\x02\x5A\x00\x03Rom\x1C\x02\x5A\x00")), "iptc", "The IPTC block is damaged: it is cut short.", "iptc.city"},
		{"resource cut short", jpeg(jpegSegment(0xED, jpegPhotoshop+"8BIM\x04\x04\x00\x00"+u32(99)+"x"), withXMP), "iptc", "image resource 0x0404 is cut short", "xmp.source"},
		{"XMP broken", jpeg(jpegSegment(0xE1, jpegXMP+metadatatest.RDF("<dc:source>x</dc:so>")), withXMP), "xmp", "not well-formed XML", "xmp.source"},
		{"extension with another MD5", extendedJPEG(true), "xmp", "its MD5 is not the one", "xmp.source"},
		{"JPEG cut short", append([]byte{0xFF, 0xD8}, withXMP...), "exif", "The file's JPEG structure is damaged: it is cut short.", "xmp.source"},
		{"PNG with a bad stream", png(chunk("iTXt", "XML:com.adobe.xmp\x00\x01\x00\x00\x00junk")), "xmp", "cannot be expanded", ""},
		{"PNG with a bomb", png(chunk("iTXt", "XML:com.adobe.xmp\x00\x01\x00\x00\x00"+deflated(strings.Repeat(" ", maxBlock+1)))), "xmp", "expanded it is larger", ""},
		{"MP4 cut short", []byte(box("ftyp", "isom") + u32(1000) + "moov"), "xmp", "is cut short", ""},
		{"packet without an end", []byte("text <x:xmpmeta"), "xmp", "begins and does not end", ""},
		{"more values than are kept", jpeg(jpegSegment(0xE1, jpegXMP+metadatatest.RDF("<xmp:Many><rdf:Bag>"+strings.Repeat("<rdf:li>x</rdf:li>", metadata.MaxValues+1)+"</rdf:Bag></xmp:Many><dc:source>kept</dc:source>"))), "xmp", "There is more than is kept of a file: xmp.Many has 1001 values", "xmp.source"},
		{"a packet without RDF", jpeg(jpegSegment(0xE1, jpegXMP+"<?xpacket begin=''?>"), jpegSegment(0xE1, jpegXMP+metadatatest.RDF("<dc:source>kept</dc:source>"))), "xmp", "no rdf:RDF", "xmp.source"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, gaps := Read(bytes.NewReader(tt.data), int64(len(tt.data)), everything, nil)
			found := false
			for _, gap := range gaps {
				found = found || gap.Source == tt.source && strings.Contains(gap.Message, tt.message)
			}
			if !found {
				t.Errorf("gaps %v, want %s: %s", gaps, tt.source, tt.message)
			}
			if _, ok := got[tt.kept]; tt.kept != "" && !ok {
				t.Errorf("%s is lost; facts are %v", tt.kept, got)
			}
		})
	}
}

func TestEmbeddedReadsWhatIsWanted(t *testing.T) {
	for _, tt := range []struct {
		file   string
		want   Want
		prefix string
	}{
		{"tagged.jpg", Want{EXIF: true}, ExifPrefix}, {"tagged.jpg", Want{IPTC: true}, IPTCPrefix}, {"tagged.jpg", Want{XMP: true}, xmp.Prefix},
		{"tagged.jpg", Want{Image: true}, ImagePrefix}, {"keys.mov", Want{Video: true}, VideoPrefix},
	} {
		data := readTestdata(t, tt.file)
		got, gaps := Read(bytes.NewReader(data), int64(len(data)), tt.want, nil)
		if len(got) == 0 || len(gaps) > 0 {
			t.Errorf("%+v: %d facts, gaps %v", tt.want, len(got), gaps)
		}
		for name := range got {
			if !strings.HasPrefix(name, tt.prefix) {
				t.Errorf("%+v gives %s", tt.want, name)
			}
		}
	}
	if got, gaps := Read(brokenReader{}, 100, Want{}, nil); len(got) > 0 || gaps != nil {
		t.Errorf("nothing wanted gives %v, %v", got, gaps)
	}
}

func TestEmbeddedOfAnUnreadableFile(t *testing.T) {
	got, gaps := Read(brokenReader{}, 100, everything, nil)
	if len(got) > 0 || len(gaps) != 3+len(formatReaders) || gaps[0].Message != "What the file says of itself is not known: the file cannot be read: input/output error." {
		t.Errorf("facts %v, gaps %v", got, gaps)
	}
}

// TestEmbeddedGivesUp reads a PNG of chunks without an end.
func TestEmbeddedGivesUp(t *testing.T) {
	got, gaps := Read(endlessPNG{}, 1<<50, Want{XMP: true}, nil)
	if len(got) > 0 || len(gaps) == 0 || !strings.Contains(gaps[0].Message, "in too many pieces") {
		t.Errorf("facts %v, gaps %v", got, gaps)
	}
}

type endlessPNG struct{}

var endlessTile = chunk("IDAT", strings.Repeat("x", 1024-12))

func (endlessPNG) ReadAt(p []byte, off int64) (int, error) {
	const signature = "\x89PNG\r\n\x1A\n"
	for i := range p {
		if at := off + int64(i) - int64(len(signature)); at < 0 {
			p[i] = signature[off+int64(i)]
		} else {
			p[i] = endlessTile[at%1024]
		}
	}
	return len(p), nil
}

type brokenReader struct{}

func (brokenReader) ReadAt([]byte, int64) (int, error) { return 0, errors.New("input/output error") }

func u16(n uint16) string { return string(binary.BigEndian.AppendUint16(nil, n)) }
func u32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
func u64(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func jpegSegment(marker byte, data string) []byte {
	return []byte("\xFF" + string([]byte{marker}) + u16(uint16(len(data)+2)) + data)
}

func jpeg(segments ...[]byte) []byte {
	return append(append([]byte{0xFF, 0xD8}, bytes.Join(segments, nil)...), 0xFF, 0xDA, 0, 0)
}

// extendedJPEG has two parts of an ExtendedXMP, the second first.
func extendedJPEG(damaged bool) []byte {
	whole := metadatatest.RDF("<dc:coverage>extension</dc:coverage><dc:source>not the main one</dc:source>")
	sum := md5.Sum([]byte(whole))
	guid := strings.ToUpper(hex.EncodeToString(sum[:]))
	if damaged {
		whole = strings.Replace(whole, "extension", "EXTENSION", 1)
	}
	part := func(from, to int) []byte {
		return jpegSegment(0xE1, jpegExtension+guid+u32(uint32(len(whole)))+u32(uint32(from))+whole[from:to])
	}
	note := `<n:HasExtendedXMP xmlns:n="http://ns.adobe.com/xmp/note/">` + guid + `</n:HasExtendedXMP>`
	other := jpegSegment(0xE1, jpegExtension+strings.Repeat("0", 32)+u32(4)+u32(0)+"junk")
	return jpeg(jpegSegment(0xE1, jpegXMP+metadatatest.RDF("<dc:source>main</dc:source>"+note)), part(100, len(whole)), other, part(0, 100))
}

func png(chunks ...string) []byte {
	return []byte("\x89PNG\r\n\x1A\n" + strings.Join(chunks, "") + chunk("IEND", ""))
}

func chunk(kind, data string) string { return u32(uint32(len(data))) + kind + data + "crc " }

func deflated(text string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // a buffer takes all
	_ = z.Close()
	return b.String()
}

// profile writes data as ImageMagick does, in lines of 72 digits.
func profile(kind, data string) string {
	digits := hex.EncodeToString([]byte(data))
	lines := ""
	for ; len(digits) > 72; digits = digits[72:] {
		lines += digits[:72] + "\n"
	}
	return fmt.Sprintf("\n%s\n%8d\n%s%s\n", kind, len(data), lines, digits)
}

// tiffFile is a TIFF whose four tags are a maker that has a place of its own, an
// artist in Latin-1 within the entry, a tag that nobody knows, of a type that
// nobody knows, and an exposure time at the very end.
func tiffFile() []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	entry := func(tag, typ uint16, count uint32, value string) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, typ)
		b = binary.LittleEndian.AppendUint32(b, count)
		b = append(b, value...)
	}
	b = binary.LittleEndian.AppendUint16(b, 4)
	entry(0x010F, 2, 6, "\x3E\x00\x00\x00")
	entry(0x013B, 2, 4, "\xC5sa\x00")
	entry(0xFFFE, 99, 1, "\x00\x00\x00\x00")
	entry(0x829A, 5, 1, "\x44\x00\x00\x00")
	b = append(b, 0, 0, 0, 0)
	return append(b, "Maker\x00"+"\x01\x00\x00\x00\x02\x00\x00\x00"...)
}

func box(kind, data string) string { return u32(uint32(len(data)+8)) + kind + data }

func object(number int, content string) string {
	return fmt.Sprintf("%d 0 obj\n%s\nendobj\n", number, content)
}

func stream(text string) string {
	return fmt.Sprintf("<< /Type /Metadata /Length %d >>\nstream\n%s\nendstream", len(text), text)
}

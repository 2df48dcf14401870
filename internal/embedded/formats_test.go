package embedded

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// factsUnder returns the facts of a file under a prefix, several values joined by "|".
func factsUnder(t *testing.T, data []byte, prefix string) (map[string]string, []metadata.Gap) {
	t.Helper()
	got, gaps := Read(bytes.NewReader(data), int64(len(data)), everything, []string{"de"})
	facts := map[string]string{}
	for name, fact := range got {
		if name, ok := strings.CutPrefix(name, prefix); ok {
			facts[name] = strings.Join(fact.Values, "|")
		}
	}
	own := slices.DeleteFunc(gaps, func(g metadata.Gap) bool { return g.Source+"." != prefix })
	return facts, own
}

func le16(n ...uint16) (b string) {
	for _, n := range n {
		b += string(binary.LittleEndian.AppendUint16(nil, n))
	}
	return b
}

func le32(n ...uint32) (b string) {
	for _, n := range n {
		b += string(binary.LittleEndian.AppendUint32(nil, n))
	}
	return b
}

// tiffDirs is a TIFF in little-endian whose directories follow each other at the
// places where they are named; an entry is tag, type, count, value.
func tiffDirs(magic string, dirs ...[][4]uint32) string {
	b := magic + le32(uint32(len(magic))+4)
	for i, entries := range dirs {
		b += le16(uint16(len(entries)))
		for _, e := range entries {
			b += le16(uint16(e[0]), uint16(e[1])) + le32(e[2], e[3])
		}
		_ = i
		b += le32(0)
	}
	return b
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // a buffer takes all
	_ = z.Close()
	return b.String()
}

// sizedFiles are pictures of 300 by 200, unless they say otherwise.
func sizedFiles() map[string]string {
	sof := jpegSegment(0xC2, "\x08"+u16(200)+u16(300)+"\x03")
	jfif := jpegSegment(0xE0, "JFIF")
	ihdr := chunk("IHDR", u32(300)+u32(200)+"\x08\x02\x00\x00\x00")
	frame := string(jpeg(sof))
	return map[string]string{
		"JPEG":                     string(jpeg(jfif, jpegSegment(0xC4, "tables"), sof)),
		"JPEG with stray bytes":    string(jpeg(jfif, []byte("stray\x00"), sof)),
		"JPEG with a zero behind":  string(jpeg(jfif, []byte{0xFF, 0x00}, sof)),
		"PNG":                      string(png(ihdr)),
		"PNG of Apple":             string(png(chunk("CgBI", "P\x00 \x02"), ihdr)),
		"MNG":                      "\x8AMNG\r\n\x1A\n" + chunk("MHDR", u32(300)+u32(200)+strings.Repeat("\x00", 20)) + chunk("MEND", ""),
		"JNG":                      "\x8BJNG\r\n\x1A\n" + chunk("JHDR", u32(300)+u32(200)+strings.Repeat("\x00", 8)) + chunk("IEND", ""),
		"GIF":                      "GIF89a" + le16(300, 200) + "\x00\x00\x00;",
		"WebP, lossy":              riff("WEBP", "VP8 ", "\x00\x00\x00\x9D\x01\x2A"+le16(300|0x4000, 200)),
		"WebP, lossless":           riff("WEBP", "VP8L", "\x2F"+le32(299|199<<14)+"12345"),
		"WebP, extended":           riff("WEBP", "VP8X", "\x10\x00\x00\x00"+le32(299)[:3]+le32(199)[:3]),
		"TIFF":                     tiffDirs("II*\x00", [][4]uint32{{0x100, 4, 1, 300}, {0x101, 3, 1, 200}}),
		"TIFF of several pages":    tiffPages(),
		"raw with a thumbnail":     tiffRaw("II*\x00"),
		"raw of Olympus":           tiffDirs("IIRO", [][4]uint32{{0x100, 4, 1, 300}, {0x101, 4, 1, 200}}),
		"raw of Panasonic":         tiffDirs("IIU\x00", [][4]uint32{{4, 3, 1, 10}, {5, 3, 1, 20}, {6, 3, 1, 210}, {7, 3, 1, 320}}),
		"raw of Canon (CR2)":       tiffCR2(),
		"JPEG XR":                  tiffDirs("II\xBC\x01", [][4]uint32{{0xBC80, 4, 1, 300}, {0xBC81, 4, 1, 200}}),
		"PSD":                      "8BPS\x00\x01" + strings.Repeat("\x00", 8) + u32(200) + u32(300) + strings.Repeat("\x00", 20),
		"PSB":                      "8BPS\x00\x02" + strings.Repeat("\x00", 8) + u32(200) + u32(300) + strings.Repeat("\x00", 20),
		"HEIF, the primary item's": box("ftyp", "mif1") + heifMeta(7, 2, 0, ispe(64, 64), box("irot", "\x01"), ispe(300, 200)),
		"HEIF with wide numbers":   box("ftyp", "avif") + heifMeta(70000, 200, 1, slices.Repeat([]string{ispe(64, 64)}, 200)...) + box("mdat", ""),
		"JPEG 2000":                box("jP  ", "\r\n\x87\n") + box("ftyp", "jp2 ") + box("jp2h", box("ihdr", u32(200)+u32(300)+"\x00\x03\x07\x07\x00\x00")),
		"JPEG 2000, bare":          "\xFF\x4F\xFF\x51" + u16(47) + u16(0) + u32(310) + u32(220) + u32(10) + u32(20) + strings.Repeat("\x00", 20),
		"JPEG XL, bare":            "\xFF\x0A" + jxlBits([2]uint64{0, 1}, [2]uint64{0, 2}, [2]uint64{199, 9}, [2]uint64{4, 3}),
		"JPEG XL in boxes":         box("JXL ", "\r\n\x87\n") + box("ftyp", "jxl ") + box("jxlp", u32(0)+"\xFF\x0A"+jxlBits([2]uint64{0, 1}, [2]uint64{0, 2}, [2]uint64{199, 9}, [2]uint64{0, 3}, [2]uint64{0, 2}, [2]uint64{299, 9})),
		"CR3":                      box("ftyp", "crx ") + box("moov", box("uuid", uuidCanon+box("CMT1", tiffDirs("II*\x00", [][4]uint32{{0x100, 4, 1, 300}, {0x101, 4, 1, 200}})))),
		"RAF":                      rafFile(frame, u16(0x0100)+u16(4)+u16(201)+u16(301)+u16(0x0111)+u16(4)+u16(200)+u16(300)),
		"MRW":                      minoltaMagic + u32(24) + "\x00PRD" + u32(16) + strings.Repeat("\x00", 12) + u16(200) + u16(300),
		"X3F":                      sigmaMagic + le32(2<<16) + strings.Repeat("\x00", 20) + le32(300, 200) + strings.Repeat("\x00", 20),
		"X3F since version 4":      sigmaMagic + le32(4<<16) + strings.Repeat("\x00", 32) + le32(300, 200) + strings.Repeat("\x00", 20),
		"BMP":                      "BM" + strings.Repeat("\x00", 12) + le32(40, 300, 200),
		"BMP from its top":         "BM" + strings.Repeat("\x00", 12) + le32(124, 300, 0xFFFFFFFF-199),
		"BMP of OS/2":              "BM" + strings.Repeat("\x00", 12) + le32(12) + le16(300, 200, 1, 1),
		"PCX":                      "\x0A\x05\x01\x08" + le16(1, 1, 300, 200) + strings.Repeat("\x00", 53) + "\x03" + le16(300) + strings.Repeat("\x00", 60),
		"DPX":                      "SDPX" + strings.Repeat("\x00", 0x300) + u32(300) + u32(200),
		"OpenEXR":                  "\x76\x2F\x31\x01\x02\x00\x00\x00channels\x00chlist\x00" + le32(5) + "12345dataWindow\x00box2i\x00" + le32(16, 0xFFFFFFFF, 0, 299, 199)[:4] + le32(0xFFFFFFFF, 0, 298, 199),
		"Radiance":                 "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 200 +X 300\n",
		"PPM":                      "P6 # colours\n# 5 5\n300\n200 255\n",
		"PAM":                      "P7\nWIDTH 300\nHEIGHT 200\nDEPTH 3\nENDHDR\n",
		"XCF":                      "gimp xcf v011\x00" + u32(300) + u32(200) + u32(0),
		"QOI":                      "qoif" + u32(300) + u32(200) + "\x03\x00",
		"DDS":                      "DDS " + le32(124, 0, 200, 300),
		"SGI":                      "\x01\xDA\x01\x01\x00\x03" + u16(300) + u16(200) + u16(3),
		"SGI of 16 bits":           "\x01\xDA\x00\x02\x00\x03" + u16(300) + u16(200) + u16(3),
		"Targa":                    "\x00\x00\x02" + strings.Repeat("\x00", 9) + le16(300, 200) + "\x18\x00" + strings.Repeat("\x00", 40) + "TRUEVISION-XFILE.\x00",
		"SVG":                      `<?xml version="1.0"?><!-- a picture --><svg xmlns="http://www.w3.org/2000/svg" width="300px" height="200"/>`,
		"SVG by its view box":      "\uFEFF\n<!DOCTYPE svg>\n" + `<s:svg xmlns:s="http://www.w3.org/2000/svg" width="100%" viewBox="0,0 300 200"></s:svg>`,
		"SVG in millimetres":       `<svg height="52.9167mm" width="3.125in">`,
		"SVG, compressed":          gzipped(`<svg width="300" height="200"/>`),
		"SVG in UTF-16":            "\xFF\xFE" + strings.Join(strings.Split(`<svg width="300" height="200"/>`, ""), "\x00") + "\x00",
	}
}

func riff(kind, chunk, data string) string {
	body := kind + chunk + le32(uint32(len(data))) + data
	return "RIFF" + le32(uint32(len(body))) + body
}

func ispe(width, height uint32) string { return box("ispe", u32(0)+u32(width)+u32(height)) }

// heifMeta has properties of which the last is the primary item's.
func heifMeta(item uint32, n int, version byte, properties ...string) string {
	id := func(n uint32) string {
		if version == 0 {
			return u16(uint16(n))
		}
		return u32(n)
	}
	last := uint16(len(properties))
	indexes := func(i uint16) string {
		if version == 0 {
			return string([]byte{byte(i) | 0x80})
		}
		return u16(i | 0x8000)
	}
	if n == 200 {
		properties[199] = ispe(300, 200)
	}
	flags := string([]byte{version, 0, 0, version})
	uses := flags + u32(2) + id(1) + "\x01" + indexes(1) + id(item) + "\x02" + indexes(2)[:0] + indexes(last) + indexes(last)
	return box("meta", u32(0)+box("pitm", string([]byte{version, 0, 0, 0})+id(item))+
		box("iprp", box("ipco", strings.Join(properties, ""))+box("ipma", uses)))
}

// jxlBits packs numbers of so many bits, the lowest first.
func jxlBits(numbers ...[2]uint64) string {
	var bits, n uint64
	for _, number := range numbers {
		bits |= number[0] << n
		n += number[1]
	}
	return string(binary.LittleEndian.AppendUint64(nil, bits))
}

// tiffPages has two pages, the second larger.
func tiffPages() string {
	page := func(width, next uint32) string {
		return le16(3) + le16(0xFE, 4) + le32(1, 2) + le16(0x100, 4) + le32(1, width) + le16(0x101, 4) + le32(1, 200) + le32(next)
	}
	return "II*\x00" + le32(8) + page(300, 8+42) + page(400, 0)
}

// tiffRaw has a thumbnail first, and the picture and a preview in directories of it.
func tiffRaw(magic string) string {
	dir := func(kind, width, height uint32) string {
		return le16(3) + le16(0xFE, 4) + le32(1, kind) + le16(0x100, 4) + le32(1, width) + le16(0x101, 4) + le32(1, height) + le32(0)
	}
	const outer = 2 + 4*12 + 4
	subs := uint32(8 + outer + 8)
	return magic + le32(8) + le16(4) + le16(0xFE, 4) + le32(1, 1) + le16(0x100, 4) + le32(1, 16) + le16(0x101, 4) + le32(1, 12) +
		le16(tagSubIFDs, 4) + le32(2, 8+outer) + le32(0) + le32(subs, subs+42) + dir(1, 160, 120) + dir(0, 300, 200)
}

func tiffCR2() string {
	exif := uint32(16 + 2 + 3*12 + 4)
	return "II*\x00" + le32(16) + "CR\x02\x00" + le32(0) + le16(3) + le16(0x100, 4) + le32(1, 150) + le16(0x101, 4) + le32(1, 100) +
		le16(tagExifIFD, 4) + le32(1, exif) + le32(0) + le16(2) + le16(tagExifWidth, 4) + le32(1, 300) + le16(tagExifHeight, 4) + le32(1, 200) + le32(0)
}

// rafFile holds a JPEG and a directory of what the sensor took.
func rafFile(picture, entries string) string {
	const header = 0x64
	count := uint32(2)
	dir := u32(count) + entries
	if entries == "" {
		dir = u32(0)
	}
	b := rafMagic + strings.Repeat("\x00", 0x54-len(rafMagic)) + u32(header) + u32(uint32(len(picture))) + u32(uint32(header+len(picture))) + u32(uint32(len(dir)))
	return b + picture + dir
}

func TestImageSize(t *testing.T) {
	want := map[string]string{"width": "300", "height": "200"}
	for name, data := range sizedFiles() {
		got, gaps := factsUnder(t, []byte(data), ImagePrefix)
		if diff := cmp.Diff(want, got); diff != "" || len(gaps) > 0 {
			t.Errorf("%s: gaps %v, facts differ (-want +got):\n%s", name, gaps, diff)
		}
	}
	for file, size := range map[string][2]string{
		"tagged.jpg": {"16", "16"}, "tagged.tif": {"16", "16"}, "tagged.png": {"16", "16"}, "tagged.psd": {"16", "16"}, "tagged.webp": {"16", "16"},
		"tagged.heic": {"64", "64"}, "tagged.gif": {"16", "16"}, "grid.heic": {"37", "23"}, "plain.avif": {"37", "23"},
	} {
		got, gaps := factsUnder(t, readTestdata(t, file), ImagePrefix)
		if got["width"] != size[0] || got["height"] != size[1] || len(gaps) > 0 {
			t.Errorf("%s: %v, gaps %v; want %v", file, got, gaps, size)
		}
	}
}

// TestImageSizeOfNone: what has no size, and what only looks as if it had one.
func TestImageSizeOfNone(t *testing.T) {
	for name, data := range map[string]string{
		"text":                         "BMW and GIF and P5",
		"text with a P":                "P2P is no picture\n",
		"a page of HTML":               "<!DOCTYPE html><html><svg width='3' height='4'/></html>",
		"an archive":                   gzipped("not <svg"),
		"a font":                       "\x00\x01\x00\x00" + strings.Repeat("\x00", 60),
		"a video":                      box("ftyp", "isom") + box("moov", ""),
		"PDF":                          "%PDF-1.7\n",
		"EPS":                          "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
		"JPEG whose height is not set": string(jpeg(jpegSegment(0xC0, "\x08"+u16(0)+u16(300)+"\x03"))),
		"a line feed":                  "\x0A\x05\x01\x08" + strings.Repeat("text", 40),
	} {
		if got, gaps := factsUnder(t, []byte(data), ImagePrefix); len(got) > 0 || len(gaps) > 0 {
			t.Errorf("%s: %v, gaps %v; want none", name, got, gaps)
		}
	}
}

// TestIconSize: the largest of several counts, and a side of 0 is one of 256.
func TestIconSize(t *testing.T) {
	icons := "\x00\x00\x01\x00" + le16(2) + "\x10\x10\x00\x00" + le16(1, 32) + le32(0, 0) + "\x00\xC8\x00\x00" + le16(1, 32) + le32(0, 0)
	want := map[string]string{"width": "256", "height": "200"}
	if got, gaps := factsUnder(t, []byte(icons), ImagePrefix); !maps.Equal(got, want) || len(gaps) > 0 {
		t.Errorf("%v, gaps %v; want %v", got, gaps, want)
	}
}

// TestSizedFilesCutShort: a file that breaks off tells its size as it is or not at
// all. The header of a portable pixmap is text, whose last number may go on.
func TestSizedFilesCutShort(t *testing.T) {
	want := map[string]string{"width": "300", "height": "200"}
	for name, data := range sizedFiles() {
		for n := range len(data) {
			found, _ := Read(strings.NewReader(data), int64(n), Want{Image: true}, nil)
			got := map[string]string{"width": metadatatest.First(found, "image.width"), "height": metadatatest.First(found, "image.height")}
			if len(found) > 0 && !maps.Equal(got, want) && name != "PPM" && name != "PAM" && name != "Radiance" {
				t.Errorf("%s, %d bytes of it: %v", name, n, got)
			}
		}
	}
}

// rawFiles are raw files that are no TIFF, with EXIF.
func rawFiles() map[string]string {
	// Each of Canon's blocks is a TIFF of its own.
	main := tiffDirs("II*\x00", [][4]uint32{{0x010F, 2, 4, binary.LittleEndian.Uint32([]byte("Mak\x00"))}, {0x0112, 3, 1, 6}})
	date := "II*\x00" + le32(8) + le16(2) + le16(0x9003, 2) + le32(20, 38) + le16(0x9291, 2) + le32(3, binary.LittleEndian.Uint32([]byte("05\x00\x00"))) + le32(0) + "2026:05:01 23:59:58\x00"
	gps := "II*\x00" + le32(8) + le16(2) + le16(1, 2) + le32(2, uint32('S')) + le16(2, 5) + le32(3, 38) + le32(0) + le32(33, 1, 52, 1, 768, 100)
	cr3File := box("ftyp", "crx ") + box("moov", box("uuid", uuidCanon+box("CNCV", "CanonCR3")+box("CMT1", main)+box("CMT2", date)+box("CMT4", gps))+box("trak", ""))
	block := jpegSegment(0xE1, jpegEXIF+"\x00"+string(tiffFile()))
	picture := string(jpeg(block))
	x3f := sigmaMagic + strings.Repeat("\x00", 60)
	x3f += "SECi" + le32(2<<16, 2, jpegFormatX3F, 1, 1, 0) + picture + "SECd" + le32(2<<16, 1) + le32(64, uint32(28+len(picture))) + "IMA2"
	x3f += le32(uint32(64 + 28 + len(picture)))
	return map[string]string{
		"CR3": cr3File, "RAF": rafFile(picture, ""), "X3F": x3f,
		"MRW": minoltaMagic + u32(uint32(8+16+8+len(tiffFile()))) + "\x00PRD" + u32(16) + strings.Repeat("\x00", 16) + "\x00TTW" + u32(uint32(len(tiffFile()))) + string(tiffFile()),
	}
}

func TestEXIFOfRawFiles(t *testing.T) {
	inJPEG := map[string]string{"make": "Maker", "artist": "Åsa"}
	files := rawFiles()
	for name, want := range map[string]map[string]string{
		"CR3": {"make": "Mak", "orientation": "6", "datetimeoriginal": "2026-05-01T23:59:58.05", "gpslatitude": "-33.8688"},
		"RAF": inJPEG, "MRW": inJPEG, "X3F": inJPEG,
	} {
		got, gaps := factsUnder(t, []byte(files[name]), ExifPrefix)
		if len(gaps) > 0 {
			t.Errorf("%s: gaps %v", name, gaps)
		}
		for fact, value := range want {
			if got[fact] != value {
				t.Errorf("%s: exif.%s is %q, want %q", name, fact, got[fact], value)
			}
		}
	}
	// Of XMP and of IPTC as well.
	packet := jpegSegment(0xE1, jpegXMP+metadatatest.RDF("<dc:source>raf</dc:source>"))
	if got, _ := factsUnder(t, []byte(rafFile(string(jpeg(packet)), "")), xmp.Prefix); got["source"] != "raf" {
		t.Errorf("the XMP of a RAF is %v", got)
	}
	for name, data := range map[string]string{
		"CR3": box("ftyp", "crx ") + box("moov", box("uuid", uuidCanon+box("CMT1", "none"))),
		"RAF": rafMagic + strings.Repeat("\x00", 10), "MRW": minoltaMagic + u32(100), "X3F": sigmaMagic + strings.Repeat("\x01", 100),
	} {
		if got, gaps := factsUnder(t, []byte(data), ExifPrefix); len(got) > 0 || len(gaps) != 1 {
			t.Errorf("%s, damaged: %v, gaps %v; want one gap", name, got, gaps)
		}
	}
}

const jpegFormatX3F = 18

func zipped(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := archived(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// archived is a ZIP archive of names and what is under them.
func archived(parts ...string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(parts[i+1])); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// fuzzOwn has a fuzzer try one source of what formats tell in a manner of their own.
func fuzzOwn(f *testing.F, want Want, source string) {
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &countingReader{t, bytes.NewReader(data), maxBytes}
		start := time.Now()
		got, gaps := Read(r, int64(len(data)), want, []string{"de"})
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("took %v", took)
		}
		metadatatest.Check(t, got)
		for name := range got {
			if !strings.HasPrefix(name, source+".") {
				t.Fatalf("fact %q", name)
			}
		}
		for _, gap := range gaps {
			if gap.Message == "" || gap.Source != source || len(gap.Message) > 2000 || metadata.Clean(gap.Message) != gap.Message {
				t.Fatalf("gap %.3000q", gap)
			}
		}
	})
}

func FuzzImageSize(f *testing.F) {
	for _, data := range sizedFiles() {
		f.Add([]byte(data))
	}
	f.Add(readTestdata(f, "grid.heic"))
	fuzzOwn(f, Want{Image: true}, "image")
}

func FuzzPNGText(f *testing.F) {
	f.Add(png(chunk("tEXt", "Author\x00\xC5sa"), chunk("zTXt", "Description\x00\x00"+deflated("text")), chunk("iTXt", "Title\x00\x01\x00de\x00T\x00"+deflated("Titel")), chunk("tIME", "\x07\xEA\x05\x02\x08\x00\x00")))
	fuzzOwn(f, Want{PNG: true}, "png")
}

func FuzzVideo(f *testing.F) {
	f.Add(readTestdata(f, "keys.mov"))
	for _, file := range videoFiles() {
		f.Add([]byte(file.data))
	}
	fuzzOwn(f, Want{Video: true}, "video")
}

func FuzzOffice(f *testing.F) {
	f.Add(zipped(f, "[Content_Types].xml", officeTypes, "_rels/.rels", relations("docProps/core.xml", "docProps/app.xml"), "docProps/app.xml", officeApp, "docProps/core.xml", officeCore))
	f.Add(zipped(f, "mimetype", "application/vnd.oasis.opendocument.text", "meta.xml", officeMeta))
	fuzzOwn(f, Want{Office: true}, "office")
}

func FuzzEXIFOfRawFiles(f *testing.F) {
	for _, data := range rawFiles() {
		f.Add([]byte(data))
	}
	fuzzOwn(f, Want{EXIF: true}, "exif")
}

// TestDocumentTellsTheNames: the document has every name that a source can have.
func TestDocumentTellsTheNames(t *testing.T) {
	text, err := os.ReadFile("../../docs/metadata.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"image", "video", "pdf", "office"} {
		names := KnownNames(source)
		if len(names) == 0 {
			t.Errorf("%s has no names", source)
		}
		for _, name := range names {
			if !bytes.Contains(text, []byte("`"+name+"`")) {
				t.Errorf("docs/metadata.md does not tell %s.%s", source, name)
			}
		}
	}
}

// TestPNGManyKeywords: a file of very many keywords is read in a moment. It took longer
// than the time that a test may take when each was looked for among all.
func TestPNGManyKeywords(t *testing.T) {
	var file strings.Builder
	file.WriteString("\x89PNG\r\n\x1A\n")
	for i := range 200_000 {
		text := fmt.Sprintf("Key%d\x00v", i)
		file.WriteString(u32(uint32(len(text))) + "tEXt" + text + u32(0))
	}
	file.WriteString(u32(0) + "IEND" + u32(0))
	got, _ := Read(strings.NewReader(file.String()), int64(file.Len()), Want{PNG: true}, nil)
	if metadatatest.First(got, "png.key7") != "v" {
		t.Errorf("%d facts", len(got))
	}
}

package embedded

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

var everything = Want{EXIF: true, IPTC: true, XMP: true, Image: true, PNG: true, Video: true, PDF: true, Office: true}

// What testdata/tags.args writes.
var (
	taggedEXIF = map[string]string{
		"exif.make": "Müller Optik", "exif.model": "M 1", "exif.lensmodel": "Nocturne 35", "exif.lensinfo": "24 70 2.8 4",
		"exif.datetimeoriginal": "2026-05-01T23:59:58.05+02:00", "exif.subsectimeoriginal": "05",
		"exif.subsecdatetimeoriginal": "2026-05-01T23:59:58.05+02:00",
		"exif.createdate":             "2026-05-01T23:59:58", "exif.datetimedigitized": "2026-05-01T23:59:58",
		"exif.modifydate": "2026-05-02T08:00:00", "exif.datetime": "2026-05-02T08:00:00",
		"exif.exposuretime": "1/250", "exif.fnumber": "2.8", "exif.iso": "200", "exif.focallength": "35.5",
		"exif.orientation": "6", "exif.artist": "Åsa Ek", "exif.copyright": "© Müller",
		"exif.imagedescription": "Evening on the hills", "exif.usercomment": "Grüße aus Kyōto", "exif.xptitle": "Hügel",
		"exif.gpslatitude": "-33.8688", "exif.gpslongitude": "151.2093", "exif.gpsaltitude": "-12.5",
		"exif.gpsdatestamp": "2026-05-01", "exif.gpstimestamp": "21:59:58",
	}
	taggedIPTC = map[string]string{
		"iptc.objectname": "Hügel", "iptc.headline": "Evening", "iptc.caption-abstract": "Evening on the hills, voilà",
		"iptc.keywords": "hills|Abendröte", "iptc.by-line": "Åsa Ek", "iptc.city": "Zürich",
		"iptc.datecreated": "2026-05-01", "iptc.timecreated": "23:59:58+02:00",
	}
	taggedXMP = map[string]string{
		"xmp.title": "Hügel", "xmp.dc:title": "Hügel", "xmp.title[x-default]": "Hills", "xmp.title[fr]": "Collines",
		"xmp.subject": "hills|Abendröte", "xmp.creator": "Åsa Ek", "xmp.photoshop:headline": "Evening", "xmp.rating": "4",
		"xmp.label": "Green", "xmp.creatorcontactinfo.ciemailwork": "asa@example.com",
		"xmp.iptc4xmpext:locationshown[2].city": "Basel", "xmp.locationshown[1].countryname": "Schweiz",
		"xmp.locationshown.city": "Zürich|Basel", "xmp.xmpmm:documentid": "xmp.did:1",
	}
)

func TestEmbeddedInFiles(t *testing.T) {
	for _, tt := range []struct {
		file string
		want []map[string]string
	}{
		{"tagged.jpg", []map[string]string{taggedEXIF, taggedIPTC, taggedXMP}},
		{"tagged.tif", []map[string]string{taggedEXIF, taggedIPTC, taggedXMP}},
		{"tagged.png", []map[string]string{taggedEXIF, taggedIPTC, taggedXMP}},
		{"tagged.psd", []map[string]string{taggedEXIF, taggedIPTC, taggedXMP}},
		{"tagged.webp", []map[string]string{taggedEXIF, taggedXMP}},
		{"tagged.heic", []map[string]string{taggedEXIF, taggedXMP}},
		{"tagged.mp4", []map[string]string{taggedXMP}},
		{"tagged.pdf", []map[string]string{taggedXMP}},
		{"tagged.gif", []map[string]string{taggedXMP}},
		{"updated.pdf", []map[string]string{{"xmp.title": "Second", "xmp.label": "Green"}}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			data := readTestdata(t, tt.file)
			got, gaps := Read(bytes.NewReader(data), int64(len(data)), everything, []string{"de-CH", "en"})
			if len(gaps) > 0 {
				t.Errorf("gaps: %v", gaps)
			}
			for _, want := range tt.want {
				if diff := cmp.Diff(want, pick(got, want)); diff != "" {
					t.Errorf("facts differ (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// pick returns those of the facts that want names, several values joined by "|".
func pick(got metadata.Facts, want map[string]string) map[string]string {
	picked := map[string]string{}
	for name := range want {
		if fact, ok := got[name]; ok {
			picked[name] = strings.Join(fact.Values, "|")
		}
	}
	return picked
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// countingReader fails when more is read of a file than Read promises.
type countingReader struct {
	t    *testing.T
	r    *bytes.Reader
	left int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	if c.left -= len(p); c.left < 0 || len(p) > maxBlock {
		c.t.Fatalf("reads %d bytes at %d, too much", len(p), off)
	}
	return c.r.ReadAt(p, off)
}

// gapSources are what a gap can be of.
var gapSources = []string{"exif", "iptc", "xmp", "image", "png", "video", "office", "pdf"}

func FuzzEmbedded(f *testing.F) {
	for _, file := range []string{
		"tagged.jpg", "tagged.tif", "tagged.png", "tagged.psd", "tagged.webp", "tagged.heic", "tagged.mp4", "tagged.pdf", "tagged.gif",
		"grid.heic", "keys.mov",
	} {
		f.Add(readTestdata(f, file))
	}
	for _, build := range builtFiles {
		if data := build.data(); len(data) < 1<<16 { // the fuzzer is slow on large ones
			f.Add(data)
		}
	}
	for _, data := range sizedFiles() {
		f.Add([]byte(data))
	}
	f.Fuzz(checkEmbedded)
}

// FuzzPDF begins with documents of which each leads to its catalog in another way.
func FuzzPDF(f *testing.F) {
	for _, document := range documentsOfPDF() {
		f.Add(document.data.Bytes())
	}
	addFiles(f, "*.pdf")
	f.Fuzz(checkEmbedded)
}

// FuzzContainers begins with sound, video, PostScript, pictures of several items and
// whatever else holds several packets.
func FuzzContainers(f *testing.F) {
	for _, container := range containersOfPackets() {
		f.Add([]byte(container.data))
	}
	for _, image := range imagesOfItems() {
		f.Add(image.data)
	}
	addFiles(f, "*.wav", "*.tif", "*.jpg")
	f.Fuzz(checkEmbedded)
}

func addFiles(f *testing.F, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join("testdata/field", pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			f.Add(readTestdata(f, strings.TrimPrefix(file, "testdata/")))
		}
	}
}

func checkEmbedded(t *testing.T, data []byte) {
	r := &countingReader{t, bytes.NewReader(data), maxBytes}
	start := time.Now()
	got, gaps := Read(r, int64(len(data)), everything, []string{"de-CH", "en"})
	if took := time.Since(start); took > 10*time.Second {
		t.Fatalf("took %v", took)
	}
	metadatatest.Check(t, got)
	for _, gap := range gaps {
		if gap.Message == "" || !slices.Contains(gapSources, gap.Source) || len(gap.Message) > 2000 || metadata.Clean(gap.Message) != gap.Message {
			t.Fatalf("gap %.3000q", gap)
		}
	}
}

func BenchmarkEmbeddedJPEG(b *testing.B) {
	data := readTestdata(b, "tagged.jpg")
	b.ReportAllocs()
	for b.Loop() {
		if _, gaps := Read(bytes.NewReader(data), int64(len(data)), everything, nil); gaps != nil {
			b.Fatal(gaps)
		}
	}
}

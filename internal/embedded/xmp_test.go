package embedded

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// TestParseXMPCutShort: of an embedded packet that ends too early the properties
// that are whole are facts; a sidecar may not have arrived yet.
func TestParseXMPCutShort(t *testing.T) {
	whole := metadatatest.RDF("<dc:source>first</dc:source><dc:title><rdf:Alt><rdf:li>a title</rdf:li></rdf:Alt></dc:title><xmp:Rating>4</xmp:Rating>")
	for end := range len(whole) {
		cut := []byte(whole[:end])
		if got, err := xmp.Parse(cut, xmp.Prefix, "", nil); end < strings.Index(whole, "</rdf:RDF>")+len("</rdf:RDF>") && (err == nil || got != nil) {
			t.Fatalf("a sidecar of %d bytes: %v, error %v", end, got, err)
		}
		data := jpeg(jpegSegment(0xE1, jpegXMP+string(cut)))
		got, gaps := Read(bytes.NewReader(data), int64(len(data)), Want{XMP: true}, nil)
		for name, want := range map[string]string{"xmp.source": "first", "xmp.title": "a title", "xmp.rating": "4"} {
			if text := metadatatest.First(got, name); text != "" && text != want {
				t.Fatalf("after %d bytes %s is %q", end, name, text)
			}
		}
		if len(gaps) == 0 && len(bytes.TrimSpace(cut)) > 0 && !bytes.Contains(cut, []byte("</rdf:RDF>")) {
			t.Fatalf("nothing is said of a packet of %d bytes", end)
		}
	}
	cut := whole[:strings.Index(whole, "<xmp:Rating>")]
	data := jpeg(jpegSegment(0xE1, jpegXMP+cut))
	if got, _ := Read(bytes.NewReader(data), int64(len(data)), Want{XMP: true}, nil); metadatatest.First(got, "xmp.title") != "a title" {
		t.Errorf("what is whole is lost: %v", got)
	}
}

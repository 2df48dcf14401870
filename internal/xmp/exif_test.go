package xmp

import (
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// TestXMPTellsEXIFAsEXIFDoes: what XMP repeats of EXIF has the form of exif.TAG.
func TestXMPTellsEXIFAsEXIFDoes(t *testing.T) {
	const spaces = ` xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:exifEX="http://cipa.jp/exif/1.0/"`
	seq := func(items ...string) string {
		return "<rdf:Seq><rdf:li>" + strings.Join(items, "</rdf:li><rdf:li>") + "</rdf:li></rdf:Seq>"
	}
	for _, tt := range []struct{ name, written, want string }{
		{"exif:GPSLatitude", "33,52.128S", "-33.8688"},
		{"exif:GPSLatitude", "33,52,7.68N", "33.8688"},
		{"exif:GPSLatitude", "33.8688S", "-33.8688"},
		{"exif:GPSLatitude", "0,0.0N", "0"},
		{"exif:GPSLatitude", "-33.8688", "-33.8688"},
		{"exif:GPSLatitude", "91,0.0N", "91,0.0N"}, // no latitude
		{"exif:GPSLongitude", "151,12.558E", "151.2093"},
		{"exif:GPSDestLongitude", "151,12.558W", "-151.2093"},
		{"exif:GPSAltitude", "12500/1000</exif:GPSAltitude><exif:GPSAltitudeRef>1</exif:GPSAltitudeRef><exif:GPSAltitude>", "-12.5"},
		{"exif:GPSAltitude", "12.5</exif:GPSAltitude><exif:GPSAltitudeRef>1</exif:GPSAltitudeRef><exif:GPSAltitude>", "-12.5"},
		{"exif:GPSAltitude", "12500/1000</exif:GPSAltitude><exif:GPSAltitudeRef>0</exif:GPSAltitudeRef><exif:GPSAltitude>", "12.5"},
		{"exif:GPSImgDirection", "18050/100", "180.5"},
		{"exif:GPSTimeStamp", "2026-05-01T21:59:58Z", "2026-05-01T21:59:58Z"},
		{"exif:GPSVersionID", "2.3.0.0", "2.3.0.0"},
		{"exif:FNumber", "28/10", "2.8"},
		{"exif:FNumber", "0/0", ""},
		{"exif:ExposureTime", "1/250", "1/250"},
		{"exif:ExposureTime", "10/2500", "1/250"},
		{"exif:ExposureTime", "5/2", "2.5"},
		{"exif:ShutterSpeedValue", "7965784/1000000", "1/250"},
		{"exif:ApertureValue", "2970854/1000000", "2.8"},
		{"exif:ExposureBiasValue", "-1/3", "-0.333333"},
		{"exif:FocalLength", "355/10", "35.5"},
		{"exif:CompressedBitsPerPixel", "4/1", "4"},
		{"exif:SubjectDistance", "4294967295/1", "4294967295"},
		{"exif:ISOSpeedRatings", seq("200"), "200"},
		{"tiff:XResolution", "3000000/10000", "300"},
		{"tiff:ReferenceBlackWhite", seq("0/1", "255/1"), "0 255"},
		{"tiff:BitsPerSample", seq("8", "8", "8"), "8|8|8"},
		{"tiff:Model", "24/70", "24/70"}, // a name
		{"exif:ImageUniqueID", "0012/34", "0012/34"},
		{"exifEX:LensSpecification", seq("24/1", "70/1", "28/10", "0/0"), "24 70 2.8 undef"},
		{"aux:LensInfo", "24/1 70/1 0/0 0/0", "24 70 undef undef"},
		{"aux:ApproximateFocusDistance", "123/100", "1.23"},
		{"dc:source", "1/2", "1/2"}, // no tag of EXIF
	} {
		packet := strings.Replace(metadatatest.RDF("<"+tt.name+">"+tt.written+"</"+tt.name+">"), " xmlns:", spaces+" xmlns:", 1)
		got, err := Parse([]byte(packet), Prefix, "the test", nil)
		if err != nil {
			t.Errorf("%s %s: %v", tt.name, tt.written, err)
			continue
		}
		_, local, _ := strings.Cut(tt.name, ":")
		for _, name := range []string{tt.name, local} {
			if fact := strings.Join(got[metadata.Key(Prefix+name)].Values, "|"); fact != tt.want {
				t.Errorf("%s %s is %q, want %q", name, tt.written, fact, tt.want)
			}
		}
	}
}

package xmp

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/exif"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// exifSpaces are the namespaces in which XMP repeats tags of EXIF and TIFF, with
// numbers as rationals and coordinates as degrees and minutes.
var exifSpaces = map[string]bool{
	"http://ns.adobe.com/exif/1.0/":     true,
	"http://cipa.jp/exif/1.0/":          true,
	"http://ns.adobe.com/tiff/1.0/":     true,
	"http://ns.adobe.com/exif/1.0/aux/": true,
}

// exifForms are how the numbers of tags are written, by the Key of a tag's name.
var exifForms = func() map[string]exif.Form {
	forms := map[string]exif.Form{}
	for _, tags := range []map[uint16]exif.Tag{exif.Tags, exif.GPSTags} {
		for _, tag := range tags {
			for name := range strings.FieldsSeq(tag.Names) {
				forms[metadata.Key(name)] = tag.Form
			}
		}
	}
	for _, name := range []string{"GPSDestLatitude", "GPSDestLongitude"} {
		forms[metadata.Key(name)] = exif.FormDegrees
	}
	return forms
}()

// exifTexts are the tags of these namespaces that hold text, which may look like
// a rational.
var exifTexts = func() map[string]bool {
	texts := map[string]bool{}
	for name := range strings.FieldsSeq(`Artist BodySerialNumber CameraFirmware CameraOwnerName Copyright DateTime DateTimeDigitized DateTimeOriginal
		DocumentName Firmware HostComputer ImageDescription ImageEditingSoftware ImageEditor ImageHistory ImageTitle ImageUniqueID Lens LensID
		LensMake LensModel LensSerialNumber Make MetadataEditingSoftware Model OwnerName Photographer RAWDevelopingSoftware RelatedSoundFile
		SecurityClassification SerialNumber Software SpectralSensitivity UserComment
		GPSAreaInformation GPSDateStamp GPSMapDatum GPSProcessingMethod GPSSatellites GPSTimeStamp`) {
		texts[metadata.Key(name)] = true
	}
	return texts
}()

// likeEXIF returns properties of XMP with the rationals and coordinates of EXIF among
// them written as the facts of EXIF are: xmp.exif:FNumber "28/10" as 2.8,
// xmp.exif:GPSLatitude "33,52.128S" as -33.8688. What is neither stays as it is.
func likeEXIF(properties []Property) []Property {
	below := map[string]bool{} // the namespaces in which the altitude is below the sea
	for _, p := range properties {
		if p.local == "GPSAltitudeRef" && p.Value.Text == "1" {
			below[p.space] = true
		}
	}
	alike := slices.Clone(properties)
	for i, p := range alike {
		name := metadata.Key(p.local)
		if !exifSpaces[p.space] || exifTexts[name] || len(p.Value.fields) > 0 || p.Value.languages() {
			continue
		}
		text, ok := exifText(p.Value, exifForms[name])
		if n, number := rational(p.Value.Text); name == "gpsaltitude" && number && below[p.space] && n > 0 {
			text, ok = exif.Decimal(-n, 6), true
		}
		if ok {
			alike[i].Value = Value{Text: text, Lang: p.Value.Lang}
		}
	}
	return alike
}

// exifText writes rationals as the tag's fact is written, those of an array as one
// text, and a coordinate; ok is false for anything else.
func exifText(v Value, form exif.Form) (text string, ok bool) {
	words := strings.Fields(v.Text)
	for _, item := range v.Items {
		words = append(words, item.Text)
	}
	if form == exif.FormDegrees {
		if len(words) != 1 {
			return "", false
		}
		return coordinate(words[0])
	}
	if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(word, "/") }) {
		return "", false
	}
	known := false
	for i, word := range words {
		n, ok := rational(word)
		if !ok {
			return "", false
		}
		words[i] = form.Number(n)
		known = known || words[i] != exif.Undefined
	}
	if !known {
		return "", true
	}
	return strings.Join(words, " "), true
}

var rationalText = regexp.MustCompile(`^([+-]?\d{1,10})(?:/(\d{1,10}))?$|^[+-]?\d{1,15}\.\d{1,15}$`)

// rational reads a number, NaN where it is not known (0/0).
func rational(text string) (n float64, ok bool) {
	m := rationalText.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	if m[2] == "" {
		n, err := strconv.ParseFloat(text, 64)
		return n, err == nil
	}
	above, _ := strconv.ParseFloat(m[1], 64) // digits
	under, _ := strconv.ParseFloat(m[2], 64)
	if under == 0 {
		return math.NaN(), true
	}
	return above / under, true
}

var coordinateText = regexp.MustCompile(`^(\d{1,3}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?)?([NSEW])$`)

// coordinate reads a coordinate of XMP: degrees, minutes, seconds or a fraction of
// what stands before them, and the hemisphere.
func coordinate(text string) (degrees string, ok bool) {
	m := coordinateText.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	n, unit := 0.0, 1.0
	for _, part := range m[1:4] {
		if part != "" {
			number, _ := strconv.ParseFloat(part, 64) // digits
			n += number * unit
		}
		unit /= 60
	}
	limit := 90.0
	if m[4] == "E" || m[4] == "W" {
		limit = 180
	}
	if n > limit {
		return "", false
	}
	if m[4] == "S" || m[4] == "W" {
		n = -n
	}
	return exif.Decimal(n, 7), true
}

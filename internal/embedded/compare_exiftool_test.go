//go:build exiftool

package embedded

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/internal/exif"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// TestCompareExifTool reads every file below COMPARE_DIR (what the packages of this
// machine ship where it is not set) with ExifTool and with Read, and compares
// the fields that both name. It fails where one differs, or is missing, that no
// class of [comparison.classOf] accounts for. Nothing of a file that was made to be
// damaged is compared: what is right there is nobody's to say. `make
// compare-exiftool` runs it; docs/exiftool.md tells what the classes are.
func TestCompareExifTool(t *testing.T) {
	dir, tool := os.Getenv("COMPARE_DIR"), os.Getenv("EXIFTOOL")
	if dir == "" {
		dir = "/usr/share"
	}
	if tool == "" {
		tool = "exiftool"
	}
	c := comparison{types: map[string]*tally{}, classes: map[string]int{}, tool: tool}
	var batch []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git", !d.Type().IsRegular(), damagedOnPurpose(path):
			return nil
		}
		if head := headOf(path); formatOf(head).walk == nil && !bytes.Contains(head, []byte("<x:xmpmeta")) && !otherMedia(path) {
			return nil
		}
		if batch = append(batch, path); len(batch) == 200 {
			c.files(t, batch)
			batch = nil
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.files(t, batch)
	c.print(t)
}

// damagedOnPurpose tells the files of test suites that are made to be wrong.
func damagedOnPurpose(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	return strings.HasSuffix(name, ".fuzzed") || strings.Contains(path, "/ImageTestSuite/m") || strings.Contains(name, "poc") || strings.Contains(name, "crash") || strings.Contains(name, "cve-") ||
		strings.Contains(name, "fuzz") || strings.Contains(name, "corrupt")
}

// otherMedia tells files without a structure that we know, but perhaps with a packet.
func otherMedia(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".eps", ".ai", ".ps", ".indd", ".wav", ".avi", ".gif", ".mp3", ".svg", ".xmp", ".djvu", ".flv", ".swf", ".wmv", ".asf", ".aif", ".aiff":
		return true
	}
	return false
}

func headOf(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close() // nothing was written
	head := make([]byte, 1024)
	n, _ := f.ReadAt(head, 0) // a short file is one, too
	return head[:n]
}

// tally counts what was compared of one type of file.
type tally struct{ files, equal, decided, differ, missing, more int }

type comparison struct {
	tool    string
	types   map[string]*tally
	classes map[string]int
	wrong   []string
}

// toldField is a field as ExifTool tells it with -D.
type toldField struct {
	ID  any `json:"id"`
	Val any `json:"val"`
}

func (c *comparison) files(t *testing.T, paths []string) {
	t.Helper()
	if len(paths) == 0 {
		return
	}
	cmd := exec.CommandContext(t.Context(), c.tool, "-j", "-n", "-q", "-m", "-a", "-G1:4", "-D", "-struct", "-FileType",
		"-EXIF:all", "-IPTC:all", "-XMP:all", "-charset", "filename=utf8", "-@", "-")
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\n") + "\n")
	out, err := cmd.Output()
	if len(out) == 0 {
		t.Fatalf("%s: %v", c.tool, err) // its status alone may only say that some file cannot be read
	}
	var all []map[string]json.RawMessage
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	for _, fields := range all {
		c.file(t, fields)
	}
}

func (c *comparison) file(t *testing.T, fields map[string]json.RawMessage) {
	t.Helper()
	var path string
	if err := json.Unmarshal(fields["SourceFile"], &path); err != nil {
		t.Fatal(err)
	}
	data, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close() // nothing was written
	info, err := data.Stat()
	if err != nil {
		t.Fatal(err)
	}
	typ := "?"
	if v := decodeTold(t, fields["File:FileType"]); v.Val != nil {
		typ = fmt.Sprint(v.Val)
	}
	n := c.types[typ]
	if n == nil {
		n = new(tally)
		c.types[typ] = n
	}
	ours, gaps := Read(data, info.Size(), everything, nil)
	n.files++
	met, copies := map[string][]string{}, map[string][][]string{}
	for _, full := range slices.Sorted(maps.Keys(fields)) {
		group, named, ok := strings.Cut(full, ":")
		if !ok || group == "File" || !promised(group, typ) {
			continue
		}
		theirs := decodeTold(t, fields[full])
		again := strings.HasPrefix(named, "Copy") && strings.Contains(named, ":")
		if again {
			named = named[strings.Index(named, ":")+1:]
		}
		name, want := factNamed(group, named, theirs.ID), plain(theirs.Val)
		switch {
		case name == "" || len(want) == 0 || strings.Join(want, "") == "":
		case again || met[name] != nil:
			copies[name] = append(copies[name], want)
		default:
			met[name] = want
		}
	}
	for name, all := range copies {
		if met[name] == nil { // ExifTool has made another field of it, which it takes for the first
			met[name], copies[name] = all[0], all[1:]
		}
	}
	for name, want := range met {
		f := comparedField{name: name, want: want, got: ours[metadata.Key(name)].Values, copies: copies[name], gaps: gaps}
		switch class := f.class(); {
		case class == "equal":
			n.equal++
		case class != "":
			n.decided++
			c.classes[class]++
		case f.got == nil:
			n.missing++
			c.wrong = append(c.wrong, fmt.Sprintf("%s: %s is missing, ExifTool has %.80q; gaps %.200v", path, name, want, gaps))
		default:
			n.differ++
			c.wrong = append(c.wrong, fmt.Sprintf("%s: %s is %.80q, ExifTool has %.80q", path, name, f.got, want))
		}
	}
	for name := range ours {
		prefix, rest, _ := strings.Cut(name, ".")
		if met[name] == nil && (prefix == "iptc" || prefix == "xmp" && strings.Contains(rest, ":") && !strings.ContainsAny(rest, ".[")) {
			n.more++
			if os.Getenv("COMPARE_MORE") != "" {
				t.Logf("%s: only we have %s = %.80q", path, name, ours[name].Values)
			}
		}
	}
}

func decodeTold(t *testing.T, raw json.RawMessage) (v toldField) {
	t.Helper()
	if raw == nil {
		return v
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// exifToolPrefixes are the groups of ExifTool that are not called as the prefix is.
var exifToolPrefixes = map[string]string{
	"iptcCore": "Iptc4xmpCore", "iptcExt": "Iptc4xmpExt", "microsoft": "MicrosoftPhoto", "expressionmedia": "expressionmedia",
}

// factNamed returns the key of the fact that is ExifTool's field; "" where we have none.
func factNamed(group, named string, id any) string {
	number := func() uint16 {
		n, _ := strconv.Atoi(fmt.Sprint(id))
		return uint16(n)
	}
	switch {
	case group == "IFD0" || group == "ExifIFD":
		if tag, ok := exif.Tags[number()]; ok {
			return metadata.Key(ExifPrefix + tag.Name())
		}
	case group == "GPS":
		if tag, ok := exif.GPSTags[number()]; ok {
			return metadata.Key(ExifPrefix + tag.Name())
		}
	case group == "IPTC":
		if slices.Contains(iptcNames(), named) {
			return metadata.Key(IPTCPrefix + named)
		}
	case strings.HasPrefix(group, "XMP-"):
		prefix := group[len("XMP-"):]
		if known, ok := exifToolPrefixes[prefix]; ok {
			prefix = known
		}
		local, isText := id.(string)
		local = local[strings.LastIndex(local, ":")+1:]
		if lang := strings.Index(local, "-"); lang > 0 {
			return "" // ExifTool tells each language as a field
		}
		if isText && xmp.KnownPrefix(prefix) {
			return metadata.Key(xmp.Prefix + prefix + ":" + local)
		}
	}
	return ""
}

// plain returns the texts of a value; nil for a structure.
func plain(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, item := range v {
			one := plain(item)
			if len(one) != 1 {
				return nil
			}
			all = append(all, one[0])
		}
		return all
	case map[string]any:
		return nil
	}
	return []string{fmt.Sprint(v)}
}

// promised tells whether docs/metadata.md says that a source is read of a type of file
// just as ExifTool does.
func promised(group, typ string) bool {
	if strings.HasPrefix(group, "XMP-") {
		return typ != "SVG" && typ != "XML" && !strings.HasPrefix(typ, "DJVU") // without the element of XMP around it, or compressed
	}
	switch typ {
	case "CRW", // which is not read
		"RW2",               // to whose tags ExifTool adds those of the JPEG within
		"JP2", "JPX", "JPM": // whose GeoTIFF is EXIF to ExifTool
		return false
	case "PSD", "PSB", "TIFF", "BTF", "JPEG", "PNG", "APNG", "HEIC", "HEIF", "AVIF", "JXL", "DNG", "CR2", "NEF", "ARW", "PEF", "SR2", "SRW", "ORF", "IIQ", "CR3", "RAF", "MRW", "X3F":
		return true
	}
	return strings.Contains(typ, "WEBP")
}

// comparedField is a field of one file on both sides.
type comparedField struct {
	name      string
	got, want []string
	copies    [][]string // what else ExifTool has of that name
	gaps      []metadata.Gap
}

// class returns "equal", what accounts for a difference, or "".
func (f comparedField) class() string {
	if slices.EqualFunc(f.got, f.want, func(a, b string) bool { return sameText(f.name, a, b) }) {
		return "equal"
	}
	got, want := strings.Join(f.got, " "), strings.Join(f.want, " ")
	if sameText(f.name, got, want) {
		return "equal"
	}
	a, okA := fraction(got)
	b, okB := fraction(want)
	numbers := okA && okB
	for _, other := range f.copies {
		if len(f.got) > 0 && sameText(f.name, got, strings.Join(other, " ")) {
			return "of two fields of a name the first counts, for ExifTool the last"
		}
	}
	switch {
	case f.got == nil && strings.Trim(strings.NewReplacer("undef", "", "Inf", "").Replace(want), "0:/. -\x02") == "":
		return "not known: a date of zeros, or a number of 0/0"
	case f.name == "xmp.exif:tiff":
		return "a name that is none in XML"
	case f.got == nil && f.passedOver():
		return "no fact: pictures in base64, and the list of ancestors"
	case f.got == nil && (f.name == "exif.imagewidth" || f.name == "exif.imageheight"):
		return "of a smaller picture, with which a raw file begins"
	case f.got == nil && strings.HasPrefix(f.name, "exif.gps"):
		return "a coordinate without its hemisphere, or outside of the globe"
	case strings.HasPrefix(f.name, "exif.gps") && numbers && math.Abs(math.Abs(a)-math.Abs(b)) < 1e-5:
		return "a coordinate has its sign"
	case (strings.HasSuffix(f.name, "exposuretime") || strings.HasSuffix(f.name, "shutterspeedvalue")) && numbers && strings.HasPrefix(got, "1/") && math.Abs(1/a-1/b) <= 0.51:
		return "an exposure is 1/n with a whole n, as photographers write it"
	case numbers && math.Abs(a-b) < 1e-6:
		return "six places behind the point"
	case strings.EqualFold(got, want) && (strings.EqualFold(got, "true") || strings.EqualFold(got, "false")):
		return "a boolean of XMP is written as it is in the file"
	case strings.Contains(got, "http://ns.useplus.org/ldf/vocab/") && strings.ReplaceAll(got, "http://ns.useplus.org/ldf/vocab/", "") == want:
		return "a URI of PLUS is written as it is in the file"
	case strings.HasPrefix(f.name, "xmp.exif:") || strings.HasPrefix(f.name, "xmp.aux:") || strings.HasPrefix(f.name, "xmp.exifex:") || strings.HasPrefix(f.name, "xmp.tiff:"):
		if strings.ContainsAny(got, "/,") || okA {
			return "a rational or a coordinate of XMP is written as it is in the file"
		}
	case strings.HasPrefix(f.name, "iptc.") && f.got != nil && mojibake(want) == strings.Join(strings.Fields(got), " "):
		return "IPTC in UTF-8 that does not say so"
	case strings.HasPrefix(f.name, "iptc.") && len(f.got) > 1 && len(f.want) == 1 && slices.Contains(f.got, want):
		return "a dataset of IPTC that is repeated is a list"
	case strings.HasPrefix(f.name, "iptc.") && strings.TrimSuffix(strings.TrimSuffix(want, ":00"), ":00") == strings.ReplaceAll(got, "-", ":"):
		return "a date of IPTC whose day is not known"
	case f.name == "exif.gpsprocessingmethod" && want == "ASCII":
		return "a text that names its encoding, in a tag of plain text"
	case f.got == nil && (f.name == "exif.filesource" || f.name == "exif.scenetype" || f.name == "exif.exposurecompensation"), f.name == "exif.filesource" && got == "3", f.name == "exif.scenetype":
		return "a number of a type that it never has"
	case f.name == "exif.xpauthor" && strings.Contains(want, got):
		return "control characters are no text"
	case strings.HasPrefix(f.name, "xmp.") && f.got != nil && strings.Contains(fmt.Sprint(f.gaps), "something that is none of it follows its end"):
		return "what stands behind the end of a packet is no part of it"
	case strings.HasPrefix(f.name, "xmp.mwg-rs:") && f.got == nil:
		return "what stands behind the end of a packet is no part of it"
	case strings.HasPrefix(f.name, "xmp.") && strings.Contains(want, "?") && strings.Contains(fmt.Sprint(f.gaps), "bytes that are no UTF-8 are read as Windows-1252"), strings.HasPrefix(f.name, "xmp.") && f.got != nil && strings.Contains(want, "\uFFFD"):
		return "a byte of XMP that is no UTF-8 is a character"
	case f.got == nil && strings.HasPrefix(f.name, "xmp.") && strings.Contains(want, "nodeID"):
		return "rdf:nodeID, which XMP does not allow"
	case f.got != nil && strings.HasPrefix(strings.ReplaceAll(got, "  ", " "), want+" "):
		return "a list within a list, which has no order"
	case strings.HasPrefix(f.name, "exif.") && f.got != nil && strings.Contains(want, "?") && questioned(got) == want:
		return "a text of EXIF that is not ASCII"
	}
	return ""
}

// passedOver reports whether a property of XMP is no fact, with all that it holds.
func (f comparedField) passedOver() bool {
	prefix, local, _ := strings.Cut(strings.TrimPrefix(f.name, xmp.Prefix), ":")
	return xmp.PassedOver(prefix, local)
}

// mojibake undoes the reading of UTF-8 as Windows-1252.
func mojibake(text string) string {
	raw, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		return text
	}
	return strings.Join(strings.Fields(norm.NFC.String(raw)), " ")
}

// questioned writes a question mark for each character that is not ASCII.
func questioned(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return '?'
		}
		return r
	}, text)
}

// sameText compares as people do: spaces, the separators of dates and the way in
// which a number is written do not count.
func sameText(name, ours, theirs string) bool {
	ours, theirs = strings.Join(strings.Fields(ours), " "), strings.Join(strings.Fields(norm.NFC.String(theirs)), " ")
	if ours == theirs {
		return true
	}
	if strings.Contains(name, "date") || strings.Contains(name, "time") || strings.HasPrefix(name, "xmp.") {
		digits := strings.NewReplacer(":", "", "-", "", ".", "", "/", "", "T", "", " ", "", "Z", "")
		if a, b := digits.Replace(ours), digits.Replace(theirs); a == b || strings.HasPrefix(name, "exif.") && len(b) >= 8 && strings.HasPrefix(a, b) {
			return true
		}
	}
	return sameNumbers(strings.Fields(ours), strings.Fields(theirs))
}

func sameNumbers(ours, theirs []string) bool {
	if len(ours) != len(theirs) || len(ours) == 0 {
		return false
	}
	for i := range ours {
		a, okA := fraction(ours[i])
		b, okB := fraction(theirs[i])
		if !(okA && okB && (math.Abs(a-b) <= 2e-3*math.Max(math.Abs(a), math.Abs(b)) || math.Abs(a-b) < 0.06 && math.Abs(a) > 0.3)) && ours[i] != theirs[i] {
			return false
		}
	}
	return true
}

func fraction(text string) (float64, bool) {
	over, under, isRatio := strings.Cut(text, "/")
	a, err := strconv.ParseFloat(over, 64)
	if err != nil || !isRatio {
		return a, err == nil
	}
	b, err := strconv.ParseFloat(under, 64)
	return a / b, err == nil && b != 0
}

func (c *comparison) print(t *testing.T) {
	t.Helper()
	sum := tally{}
	t.Logf("%-10s %7s %8s %8s %8s %8s %8s", "type", "files", "equal", "decided", "differ", "missing", "only we")
	for _, typ := range slices.Sorted(maps.Keys(c.types)) {
		n := c.types[typ]
		t.Logf("%-10s %7d %8d %8d %8d %8d %8d", typ, n.files, n.equal, n.decided, n.differ, n.missing, n.more)
		sum = tally{sum.files + n.files, sum.equal + n.equal, sum.decided + n.decided, sum.differ + n.differ, sum.missing + n.missing, sum.more + n.more}
	}
	t.Logf("%-10s %7d %8d %8d %8d %8d %8d", "all", sum.files, sum.equal, sum.decided, sum.differ, sum.missing, sum.more)
	for _, class := range slices.Sorted(maps.Keys(c.classes)) {
		t.Logf("decided: %6d %s", c.classes[class], class)
	}
	for _, line := range c.wrong {
		t.Error(line)
	}
}

//go:build exiftool

package facts

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

	"golang.org/x/text/unicode/norm"
)

// TestCompareExifTool reads every file below COMPARE_DIR (what the packages of this
// machine ship where it is not set) with ExifTool and with Embedded, and compares
// the fields that both name. It fails where one differs, or is missing, that no
// class of [comparison.classOf] accounts for. Nothing of a file that was made to be
// damaged is compared: what is right there is nobody's to say. `make
// compare-exiftool` runs it; docs/metadata.md tells what the classes are.
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
	return strings.HasSuffix(name, ".fuzzed") || strings.Contains(name, "poc") || strings.Contains(name, "crash") || strings.Contains(name, "cve-") ||
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
	cmd := exec.CommandContext(t.Context(), c.tool, "-j", "-n", "-q", "-m", "-a", "-G1", "-D", "-struct", "-FileType",
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
	ours, gaps := Embedded(data, info.Size(), everything, nil)
	n.files++
	met := map[string]bool{}
	for _, full := range slices.Sorted(maps.Keys(fields)) {
		group, _, ok := strings.Cut(full, ":")
		if !ok || group == "File" {
			continue
		}
		theirs := decodeTold(t, fields[full])
		name := factNamed(group, theirs.ID)
		if name == "" || met[name] {
			continue
		}
		met[name] = true
		want := plain(theirs.Val)
		if len(want) == 0 || strings.Join(want, "") == "" {
			continue
		}
		f := comparedField{path: path, typ: typ, name: name, want: want, got: ours[Key(name)].Values, facts: ours, gaps: gaps}
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
		if !met[name] && (prefix == "iptc" || prefix == "xmp" && strings.Contains(rest, ":") && !strings.ContainsAny(rest, ".[")) {
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
func factNamed(group string, id any) string {
	number := func() uint16 {
		n, _ := strconv.Atoi(fmt.Sprint(id))
		return uint16(n)
	}
	switch {
	case group == "IFD0" || group == "ExifIFD":
		if tag, ok := exifTags[number()]; ok {
			return Key(ExifPrefix + tag.name())
		}
	case group == "GPS":
		if tag, ok := gpsTags[number()]; ok {
			return Key(ExifPrefix + tag.name())
		}
	case group == "IPTC":
		for _, record := range []byte{2, 1} { // of the first the numbers are others but 5
			if field, ok := iptcFields[[2]byte{record, byte(number())}]; ok {
				return Key(IPTCPrefix + field.name)
			}
		}
	case strings.HasPrefix(group, "XMP-"):
		prefix := group[len("XMP-"):]
		if known, ok := exifToolPrefixes[prefix]; ok {
			prefix = known
		}
		local, isText := id.(string)
		if lang := strings.Index(local, "-"); lang > 0 {
			return "" // ExifTool tells each language as a field
		}
		if isText && slices.ContainsFunc(namespaces, func(n namespace) bool { return n.prefix == prefix }) {
			return Key(XMPPrefix + prefix + ":" + local)
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

// comparedField is a field of one file on both sides.
type comparedField struct {
	path, typ, name string
	got, want       []string
	facts           Facts
	gaps            []Gap
}

// class returns "equal", what accounts for a difference, or "".
func (f comparedField) class() string {
	if slices.EqualFunc(f.got, f.want, func(a, b string) bool { return sameText(f.name, a, b) }) {
		return "equal"
	}
	if sameText(f.name, strings.Join(f.got, " "), strings.Join(f.want, " ")) {
		return "equal"
	}
	return ""
}

// sameText compares as people do: spaces, the separators of dates and the way in
// which a number is written do not count.
func sameText(name, ours, theirs string) bool {
	ours, theirs = strings.Join(strings.Fields(ours), " "), strings.Join(strings.Fields(norm.NFC.String(theirs)), " ")
	if ours == theirs {
		return true
	}
	if strings.Contains(name, "date") || strings.Contains(name, "time") || strings.HasPrefix(name, "xmp.") {
		digits := strings.NewReplacer(":", "", "-", "", "T", "", " ", "", "Z", "")
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

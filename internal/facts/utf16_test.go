package facts

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	stdutf16 "unicode/utf16"

	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/sidecar"
)

// TestHalfACharacterOfUTF16 reads manifests and sidecars that were cut off, or have half
// a character in them: they are refused with the line, and no replacement goes out.
func TestHalfACharacterOfUTF16(t *testing.T) {
	const high, low = "\x00\xD8", "\x00\xDC" // in little endian
	encoded := func(text string, order binary.ByteOrder) string {
		var out []byte
		for _, unit := range stdutf16.Encode([]rune(text)) {
			out = append(out, byte(unit), byte(unit>>8))
		}
		return ordered(string(out), order)
	}
	const table = "filename,title\r\na.jpg,Täst “x” 😀\r\n"
	long := table + strings.Repeat("b.jpg,ein langer Titel 😀\r\n", 2000)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, mark := range []string{"\uFEFF", ""} {
			for _, c := range []struct {
				name, text string // text is in UTF-16
				want       string // of the error; "" is none
			}{
				{"whole", encoded(mark+table, order), ""},
				{"a replacement that was written", encoded(mark+"filename,title\na.jpg,\uFFFD\n", order), ""},
				{"an odd byte", encoded(mark+table, order) + "\x00", "line 3 ends in the middle"},
				{"the last byte is missing", strings.TrimSuffix(encoded(mark+table, order), encoded("\n", order)[1:]), "line 3 ends in the middle"},
				{"cut in a character", encoded(mark+"filename,title\na.jpg,x", order) + ordered(high, order), "line 2 ends in the middle"},
				{"a first half alone", encoded(mark+"filename,title\na.jpg,x", order) + ordered(high, order) + encoded("A\nb.jpg,y", order), "line 2 holds half"},
				{"a second half alone", encoded(mark+"filename,title\r\na.jpg,x\r\nb.jpg,", order) + ordered(low, order) + encoded("y\r\n", order), "line 3 holds half"},
				{"the halves turned round", encoded(mark+"filename,title\ra.jpg,", order) + ordered(low+high, order) + encoded("\r", order), "line 2 holds half"},
				{"in the header", encoded(mark+"filename,title", order) + ordered(high, order) + encoded("\na.jpg,x\n", order), "line 1 holds half"},
				{"far behind the head", encoded(mark+long, order) + ordered(high, order) + encoded("x\r\n", order), "line 2003 holds half"},
				{"whole and long", encoded(mark+long, order), "contradict"},
			} {
				for how, r := range map[string]io.Reader{"at once": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text))} {
					name := fmt.Sprintf("%s, %s, mark %q, %s", c.name, order, mark, how)
					m, err := manifest.Parse("m.csv", r, manifest.Options{})
					if c.want == "contradict" { // the rows of b.jpg are alike: whatever is made of them, it is no matter of characters
						if err != nil && strings.Contains(err.Error(), "UTF-16") {
							t.Errorf("%s: %v", name, err)
						}
						continue
					}
					if c.want == "" {
						if err != nil {
							t.Errorf("%s: %v", name, err)
						} else if _, ok := m.Row("a.jpg"); !ok {
							t.Errorf("%s: no row", name)
						}
						continue
					}
					if err == nil || !strings.Contains(err.Error(), c.want) {
						t.Errorf("%s: want %q, got %v", name, c.want, err)
					}
				}
			}
			if _, err := sidecar.Parse("a.json", []byte(encoded(mark+"{\n\"title\": \"x", order)+ordered(high, order)+encoded("\"}", order))); err == nil || !strings.Contains(err.Error(), "line 2 holds half") {
				t.Errorf("a sidecar: %v", err)
			}
		}
	}
}

// ordered gives units in little endian their order.
func ordered(units string, order binary.ByteOrder) string {
	if order == binary.LittleEndian {
		return units
	}
	out := []byte(units)
	for i := 0; i+1 < len(out); i += 2 {
		out[i], out[i+1] = out[i+1], out[i]
	}
	return string(out)
}

package display

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"
)

// What does something is shown, and what is read stays.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"Hügel – „1“ ¢ 10\u00a0€.jpg": "",
		"صورة ۱.jpg":                  "",
		"תמונה.jpg":                   "",
		"می\u200cخواهم":               "", // a Persian word is spelt so
		"👩\u200d👩\u200d👧 ❤\ufe0f 🇪🇺 写真\u3000.jpg": "",
		"\ufffd":                    "", // somebody wrote it
		"a\nb\r\t":                  `a\nb\r\t`,
		"\x1b[2J\x1b]0;t\x07\x7f":   `\x1b[2J\x1b]0;t\x07\u007f`,
		"\u009b2J\u0085":            `\u009b2J\u0085`,
		"\x9b\xff":                  `\x9b\xff`,
		"a\u202egpj.exe":            `a\u202egpj.exe`,
		"\u2066\u2069\u200e\u200f":  `\u2066\u2069\u200e\u200f`,
		"\u061c\u2028\u2029\ufeff":  `\u061c\u2028\u2029\ufeff`,
		"a\u200bb\u00ad\u2060":      `a\u200bb\u00ad\u2060`,
		"\U000e0041\U000e007f":      `\udb40\udc41\udb40\udc7f`,
		"\ufff9a\ufffbb\U000f0000c": `\ufff9a\ufffbb\udb80\udc00c`,
	} {
		if want == "" {
			want = text
		}
		if got := Text(text); got != want {
			t.Errorf("%+q is shown as %+q, want %+q", text, got, want)
		}
	}
}

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"grün.jpg": "grün.jpg", "a b.jpg": "a b.jpg", `a\u202e.jpg`: `"a\\u202e.jpg"`, "a\u202e.jpg": `"a\u202e.jpg"`, "\xff": `"\xff"`,
	} {
		if got := Name(name); got != want {
			t.Errorf("%+q is shown as %s, want %s", name, got, want)
		}
	}
}

// Lines stay lines, wherever the writes are cut; JSON means what it meant; and what
// was escaped is not escaped again.
func FuzzWriter(f *testing.F) {
	f.Add("a\u202e\x1b[31m\n👩\u200d\xf0\x9f", 3)
	f.Add("\x80\xc2\u0085", 1)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		cut = min(max(cut, 0), len(s))
		var once, twice bytes.Buffer
		w := NewWriter(&once)
		for _, part := range []string{s[:cut], s[cut:]} {
			if n, err := w.Write([]byte(part)); err != nil || n != len(part) {
				t.Fatal(n, err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := once.String(); !utf8.ValidString(got) || got != text(s, "\n\t") {
			t.Errorf("%+q became %+q", s, got)
		}
		again := NewWriter(&twice)
		fmt.Fprint(again, once.String())
		if twice.String() != once.String() {
			t.Errorf("%+q became %+q", once.String(), twice.String())
		}
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back, want string
		if err := json.Unmarshal([]byte(text(string(line), "\n\t")), &back); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(line, &want); err != nil || back != want {
			t.Errorf("%s became %+q", line, back)
		}
	})
}

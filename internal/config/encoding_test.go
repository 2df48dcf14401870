package config

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// TestEncodings finds encodings by the names that people give them.
func TestEncodings(t *testing.T) {
	for _, name := range encodingNames {
		if _, known := findEncoding(name); !known {
			t.Errorf("%s is suggested and not known", name)
		}
	}
	for name := range pageNames {
		if e, known := findEncoding(name); !known || e == nil {
			t.Errorf("%s is not known", name)
		}
	}
	for name, want := range map[string]any{
		"Windows-1251": charmap.Windows1251, "CP1251": charmap.Windows1251, "latin2": charmap.ISO8859_2, " KOI8-R ": charmap.KOI8R, "cp866": charmap.CodePage866,
	} {
		if e, _ := findEncoding(name); e != want {
			t.Errorf("%s is %v, want %v", name, e, want)
		}
	}
	for name, want := range map[string]encoding.Encoding{ // as programs and people spell them
		"windows1252": charmap.Windows1252, "Windows 1251": charmap.Windows1251, "mac_roman": charmap.Macintosh, "Mac Roman": charmap.Macintosh,
		"mac_cyrillic": charmap.MacintoshCyrillic, "koi8_r": charmap.KOI8R, "iso8859_15": charmap.ISO8859_15, "shift-jis": japanese.ShiftJIS,
		"hz-gb-2312": simplifiedchinese.HZGB2312, // which browsers no longer read
	} {
		if e, _ := findEncoding(name); e != want {
			t.Errorf("%s is %v, not %v", name, e, want)
		}
	}
	if e, known := findEncoding("AUTO"); e != nil || !known {
		t.Errorf("auto is %v, %t", e, known)
	}
	for _, name := range []string{"windows-1249", "", "klingon", "iso-2022-kr"} {
		if e, known := findEncoding(name); known {
			t.Errorf("%q is %v", name, e)
		}
	}
}

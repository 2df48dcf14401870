package config

import (
	"testing"

	"golang.org/x/text/encoding/charmap"
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
	if e, known := findEncoding("AUTO"); e != nil || !known {
		t.Errorf("auto is %v, %t", e, known)
	}
	for _, name := range []string{"windows-1249", "", "klingon", "iso-2022-kr"} {
		if e, known := findEncoding(name); known {
			t.Errorf("%q is %v", name, e)
		}
	}
}

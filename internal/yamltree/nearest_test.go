package yamltree

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"Title", "Shot Date", "Brand", "Usage Rights"}
	for name, want := range map[string]string{
		"Titel": "Title", "title": "Title", "ShotDate": "Shot Date", "Brnad": "Brand", "Usage Right": "Usage Rights",
		"Colour": "", "": "", "B": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

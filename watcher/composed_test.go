package watcher

import (
	"slices"
	"testing"
)

// The same names, as most write them and as macOS does.
const nfc, nfd = "\u00fc", "u\u0308"

// What is excluded does not leave the house, however it and the pattern are written.
func TestFilterIgnoresComposition(t *testing.T) {
	for _, in := range []string{nfc, nfd} {
		for _, on := range []string{nfc, nfd} {
			c := newFilter(Folder{
				Include: []string{"**/*.jpg", "f" + in + "r/**"},
				Exclude: []string{"**/geheim-" + in + "/**", "**/pr" + in + "f?.jpg"},
				Skip:    []string{"_fertig-" + in}, Marker: "da-" + in, Ready: "{name}.gepr" + in + "ft",
			})
			for rel, want := range map[string]bool{
				"f" + on + "r/a.tif": true, "F" + on + "R/a.tif": true, "x/geheim-" + on + "/a.jpg": false, "GEHEIM-" + on + "/a.jpg": false,
				"pr" + on + "f1.jpg": false, "da-" + on: false, "a.jpg.gepr" + on + "ft": false, "a/b.jpg": true, "a.tif": false,
			} {
				if got := c.file(rel); got != want {
					t.Errorf("written as %+q, on the disk as %+q: the file %+q is wanted: %v", in, on, rel, got)
				}
			}
			for rel, want := range map[string]bool{"_fertig-" + on: false, "geheim-" + on: false, "_FERTIG-" + on: false, "f" + on + "r": true} {
				if got := c.dir(rel); got != want {
					t.Errorf("written as %+q, on the disk as %+q: the directory %+q is entered: %v", in, on, rel, got)
				}
			}
		}
	}
	// A letter whose small form is not that of its capital, and which ? matches once.
	c := newFilter(Folder{Exclude: []string{"**/\u03bf\u03b4\u03bf\u03c2/**", "i\u0307zmir/**", "stra\u00dfe/**", "\u212anoten/**", "?.tif"}})
	for _, rel := range []string{
		"\u039f\u0394\u039f\u03a3/a", "\u0130ZM\u0130R/a", "I\u0307ZMI\u0307R/a", "STRA\u1e9eE/a", "knoten/a", nfd + ".tif", nfc + ".tif", "\u00df.tif",
	} {
		if c.file(rel) {
			t.Errorf("%+q is not excluded", rel)
		}
	}
}

// A file and what says that it is complete may come from two programs.
func TestSentinelIgnoresComposition(t *testing.T) {
	r := newRig(t, Folder{Path: "in", Ready: "{name}.gepr" + nfc + "ft", Marker: "da-" + nfc},
		Folder{Path: "drops", Name: "drops", Ready: "{name}.done", Drops: true})
	r.write("in/da-"+nfd, "")
	r.mkdir("drops")
	for i, file := range []string{nfc, nfd} {
		for j, mark := range []string{nfc, nfd} {
			for k, word := range []string{nfc, nfd} {
				dir := "in/" + string(rune('a'+4*i+2*j+k)) + "/"
				r.write(dir+file+".jpg", "x")
				r.write(dir+mark+".jpg.gepr"+word+"ft", "")
			}
		}
	}
	r.started()
	if s := r.state("drop"); s.Paused != "" {
		t.Fatalf("paused: %s", s.Paused)
	}
	r.until("all of them", func() bool { return len(r.files) == 8 })

	// The same by events: the file first, so that its sentinel leads to it.
	r.write("in/late/"+nfd+".jpg", "x")
	r.write("in/late/"+nfc+".jpg.gepr"+nfc+"ft", "")
	r.await("late/" + nfd + ".jpg")

	r.write("drops/"+nfd+"/a.jpg", "x")
	r.write("drops/"+nfc+".done", "")
	r.await(nfd + "/a.jpg")
	if r.w.Announced("drops", nfd).IsZero() {
		t.Error("the sentinel of the drop is not found")
	}
	if got := r.emitted(); !slices.Contains(got, nfd+"/a.jpg") {
		t.Errorf("what is on the disk does not keep its bytes: %+q", got)
	}
}

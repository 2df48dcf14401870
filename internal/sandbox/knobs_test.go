package sandbox

import (
	"slices"
	"testing"
)

// A delete and an undelete hit the versions that the knobs say.
func TestScopeOfADelete(t *testing.T) {
	for _, tt := range []struct {
		delete, undelete string
		gone, left       []int // of three versions, after a delete of the second and after its undelete
	}{
		{"", "", []int{1}, nil},
		{"all", "", []int{0, 1, 2}, nil},
		{"all", "version", []int{0, 1, 2}, []int{0, 2}},
		{"newer", "version", []int{1, 2}, []int{2}},
		{"older", "version", []int{0, 1}, []int{0}},
		{"version", "all", []int{1}, nil},
	} {
		c := start(t, Options{DeleteScope: tt.delete, UndeleteScope: tt.undelete})
		first := c.create(nil)
		original := map[string]any{"originalFileId": first.text("fileId")}
		second := c.create(original)
		c.create(original)
		deleted := func() (out []int) {
			for i, a := range c.s.State().Assets {
				if a.Deleted {
					out = append(out, i)
				}
			}
			return out
		}
		send := func(action string) {
			c.post("/asset/"+second.text("objectId")+"/delete", map[string]any{"action": action, "deleteType": "full"}).want(t, 200)
		}
		send("delete")
		if got := deleted(); !slices.Equal(got, tt.gone) {
			t.Errorf("delete %q takes %v, want %v", tt.delete, got, tt.gone)
		}
		send("undelete")
		if got := deleted(); !slices.Equal(got, tt.left) {
			t.Errorf("undelete %q after delete %q leaves %v, want %v", tt.undelete, tt.delete, got, tt.left)
		}
	}
}

// A search tells how many results there are as the knob says, and heeds what it says.
func TestCountsOfASearch(t *testing.T) {
	for hits, want := range map[string]string{
		"": `"hitCount":3`, "omit": `{"result":`, "null": `"hitCount":null`, "text": `"hitCount":"3"`, "zero": `"hitCount":0`, "page": `"hitCount":2`, "more": `"hitCount":13`,
	} {
		c := start(t, Options{SearchHits: hits, SearchPage: 2})
		for _, n := range []string{"a 1.jpg", "a 2.jpg", "a 3.jpg"} {
			c.create(map[string]any{"filename": n})
		}
		q := map[string]any{"searchTerm": []string{"a"}, "from": 0}
		c.post("/search/keyword", q).want(t, 200, want)
		q["from"] = 2
		if got := names(t, c.post("/search/keyword", q)); !slices.Equal(got, []string{"a 3.jpg"}) {
			t.Errorf("%s: the second page is %q", hits, got)
		}
		_ = c.s.Configure(func(o *Options) { o.SearchIgnoresFrom = true })
		if got := names(t, c.post("/search/keyword", q)); !slices.Equal(got, []string{"a 1.jpg", "a 2.jpg"}) {
			t.Errorf("%s: a page that ignores from is %q", hits, got)
		}
	}
}

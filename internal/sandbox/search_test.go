package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// names are the filenames of a result page.
func names(t *testing.T, a answered) []string {
	t.Helper()
	var page struct{ Result []struct{ Filename string } }
	if err := json.Unmarshal(a.body, &page); err != nil || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	out := []string{}
	for _, r := range page.Result {
		out = append(out, r.Filename)
	}
	return out
}

func TestSearchByFilename(t *testing.T) {
	c := start(t, Options{})
	for _, n := range []string{"a b.jpg", "B (a).JPG", "ab.jpg", "🎉", "c.tif"} {
		c.create(map[string]any{"filename": n})
	}
	gone := c.create(map[string]any{"filename": "gone a b.jpg"})
	c.post("/asset/"+gone.text("objectId")+"/delete", map[string]any{"action": "delete", "deleteType": "full"}).want(t, 200)
	for _, tt := range []struct {
		q    map[string]any
		want []string
	}{
		{map[string]any{"searchTerm": []string{"a b.jpg"}, "keywordSearchField": "filename"}, []string{"a b.jpg", "B (a).JPG"}},
		{map[string]any{"searchTerm": []string{"🎉"}, "keywordSearchField": "filename"}, []string{"🎉"}},
		{map[string]any{"searchTerm": []string{"*b.jpg"}, "keywordSearchField": "filename"}, []string{"a b.jpg", "ab.jpg"}},
		{map[string]any{"searchTerm": []string{"tif", "ab"}, "operation": "OR"}, []string{"ab.jpg", "c.tif"}},
		{map[string]any{"searchTerm": []string{"tif", "ab"}}, []string{}},
		{map[string]any{"searchTerm": []string{"gone"}, "includeDeleted": true}, []string{"gone a b.jpg"}},
		{map[string]any{"searchTerm": []string{gone.text("objectId")}, "keywordSearchField": "assetId", "includeDeleted": true}, []string{"gone a b.jpg"}},
		{map[string]any{"from": 4}, []string{"c.tif"}},
		{map[string]any{"sortBy": []any{map[string]any{"metadataDefinitionSearchField": "createdEpoch", "order": "asc"}}, "limit": 1}, []string{"a b.jpg"}},
	} {
		if got := names(t, c.post("/search/keyword", tt.q)); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.q, got, tt.want)
		}
	}
	c.post("/search/keyword", map[string]any{"keywordSearchField": "colour"}).want(t, 400, "Invalid Search Query")
	c.post("/search/keyword", map[string]any{"from": 9990}).want(t, 400, "Invalid Search Query")
}

func TestSearchVersionsAndChecksum(t *testing.T) {
	c := start(t, Options{})
	first := c.create(nil)
	c.put(first.text("url"), "one").want(t, 200)
	c.create(map[string]any{"originalFileId": first.text("fileId")})
	q := map[string]any{"searchTerm": []string{"apples.jpg"}}
	if n := len(names(t, c.post("/search/keyword", q))); n != 1 {
		t.Errorf("%d results, want the current version", n)
	}
	q["includeVersions"] = true
	if n := len(names(t, c.post("/search/keyword", q))); n != 2 {
		t.Errorf("%d results, want both versions", n)
	}
	if n := len(names(t, c.post("/search/keyword", map[string]any{"searchTerm": []string{sum("one")}, "keywordSearchField": "metadata", "includeVersions": true}))); n != 1 {
		t.Errorf("%d results by checksum", n)
	}
}

func TestIndexLags(t *testing.T) {
	c := start(t, Options{IndexLag: 10 * time.Second})
	made := c.create(nil)
	find := func() string { return string(c.post("/search/keyword", map[string]any{}).body) }
	count := func(want string) {
		t.Helper()
		if got := c.post("/search/keyword", map[string]any{}); fmt.Sprint(got.json["hitCount"]) != want {
			t.Errorf("hitCount %v, want %s", got.json["hitCount"], want)
		}
	}
	count("0")
	c.clock.add(10 * time.Second)
	count("1")
	c.put(made.text("url"), "body").want(t, 200)
	if got := find(); !jsonLacks(got, "MD5Checksum") {
		t.Error("the index knows of the content at once")
	}
	c.post("/asset/"+made.text("objectId")+"/delete", map[string]any{"action": "delete", "deleteType": "full"}).want(t, 200)
	count("1")
	c.clock.add(10 * time.Second)
	count("0")
}

func jsonLacks(s, part string) bool { return !slices.Contains(tokens(s), tokens(part)[0]) }

func TestScan(t *testing.T) {
	for end, pages := range map[string]int{"empty": 4, "omit": 3, "repeat": 3} {
		c := start(t, Options{ScanEnd: end})
		for i := range 5 {
			c.create(map[string]any{"filename": fmt.Sprint(i)})
		}
		var got []string
		cursor, n := "", 0
		for {
			q := map[string]any{"limit": 2, "operation": "AND"}
			if cursor != "" {
				q["cursor"] = cursor
			}
			page := c.post("/asset/scan", q)
			got = append(got, names(t, page)...)
			n++
			if next := page.text("cursor"); next != "" && next != cursor {
				cursor = next
				continue
			}
			break
		}
		if !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) || n != pages {
			t.Errorf("%s: %v in %d pages, want %d", end, got, n, pages)
		}
		c.post("/asset/scan", map[string]any{"limit": 101}).want(t, 400)
		c.post("/asset/scan", map[string]any{"cursor": "???"}).want(t, 400)
	}
}

package sandbox

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// searchWindow is how deep a keyword search can page.
const searchWindow = 10_000

type searchRequest struct {
	From               int      `json:"from"`
	Limit              int      `json:"limit"`
	SearchTerm         []string `json:"searchTerm"`
	Operation          string   `json:"operation"`
	KeywordSearchField string   `json:"keywordSearchField"`
	IncludeDeleted     bool     `json:"includeDeleted"`
	IncludeVersions    bool     `json:"includeVersions"`
	Cursor             string   `json:"cursor"`
	AssetType          string   `json:"assetType"`
	SortBy             []struct {
		Field string `json:"metadataDefinitionSearchField"`
		Order string `json:"order"`
	} `json:"sortBy"`
}

func (c searches) search() (int, any) {
	var req searchRequest
	if decode(c.body, &req) != nil || !req.ok() || req.From < 0 {
		return failStatus(http.StatusBadRequest, "Invalid Search Query")
	}
	limit := c.o.SearchPage
	if req.Limit > 0 && req.Limit < limit {
		limit = req.Limit
	}
	if req.From+limit > searchWindow {
		return failStatus(http.StatusBadRequest, "Invalid Search Query")
	}
	at := c.s.clock().Add(-c.o.IndexLag)
	hits := c.matches(req, at)
	from := min(req.From, len(hits))
	if c.o.SearchIgnoresFrom {
		from = 0
	}
	page := hits[from:min(from+limit, len(hits))]
	out := map[string]any{"result": c.results(page, at)}
	c.countHits(out, len(hits), len(page))
	return http.StatusOK, out
}

// countHits tells how many results there are as the knob has it.
func (c searches) countHits(out map[string]any, all, page int) {
	switch c.o.SearchHits {
	case "all":
		out["hitCount"] = all
	case "null":
		out["hitCount"] = nil
	case "text":
		out["hitCount"] = strconv.Itoa(all)
	case "zero":
		out["hitCount"] = 0
	case "page":
		out["hitCount"] = page
	case "more":
		out["hitCount"] = all + 10
	}
}

// scanAssets pages in the order of creation with a cursor that survives
// changes in between.
func (c searches) scanAssets() (int, any) {
	var req searchRequest
	if decode(c.body, &req) != nil || !req.ok() || req.Limit < 0 || req.Limit > 100 {
		return failStatus(http.StatusBadRequest, "Invalid Search Query")
	}
	limit := cmp.Or(req.Limit, 50)
	seen := int64(0)
	if req.Cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(req.Cursor)
		if err == nil {
			seen, err = strconv.ParseInt(strings.Trim(string(raw), "[]"), 10, 64)
		}
		if err != nil {
			return failStatus(http.StatusBadRequest, "Invalid Search Query")
		}
	}
	at := c.s.clock().Add(-c.o.IndexLag)
	req.SortBy = nil
	hits := c.matches(req, at)
	total := len(hits)
	hits = slices.DeleteFunc(hits, func(a *Asset) bool { return a.Seq <= seen })
	page := hits[:min(limit, len(hits))]
	out := map[string]any{"hitCount": len(page), "totalCount": total, "result": c.results(page, at)}
	cursor := req.Cursor
	if len(page) > 0 {
		cursor = base64.StdEncoding.EncodeToString(strconv.AppendInt([]byte("["), page[len(page)-1].Seq, 10))
	}
	last := len(page) == len(hits)
	switch {
	case !last, c.o.ScanEnd == "empty" && len(page) > 0:
		out["cursor"] = cursor
	case c.o.ScanEnd == "repeat" && req.Cursor != "":
		out["cursor"] = req.Cursor
	}
	return http.StatusOK, out
}

func (q searchRequest) ok() bool {
	return slices.Contains([]string{"", "AND", "OR"}, q.Operation) &&
		slices.Contains([]string{"", "filename", "assetId", "metadata", "content"}, q.KeywordSearchField)
}

// matches finds the assets as the index knew them at a time, oldest first
// unless sorted.
func (c searches) matches(req searchRequest, at time.Time) []*Asset {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var hits []*Asset
	for _, a := range c.s.db.assets() {
		deleted := a.Deleted && !a.DeletedAt.After(at)
		versions := req.IncludeVersions && !c.o.SearchIgnoresVersions
		if a.Created.After(at) || deleted && !req.IncludeDeleted || !deleted && !a.Current && !a.Deleted && !versions {
			continue
		}
		if c.hit(a, req) {
			hits = append(hits, a)
		}
	}
	for _, by := range slices.Backward(req.SortBy) {
		slices.SortStableFunc(hits, func(a, b *Asset) int {
			n := 0
			switch strings.ToLower(by.Field) {
			case "createdepoch":
				n = a.Created.Compare(b.Created)
			case "lastupdatedepoch":
				n = a.Updated.Compare(b.Updated)
			case "filename":
				n = strings.Compare(a.Filename, b.Filename)
			}
			if by.Order == "desc" {
				n = -n
			}
			return n
		})
	}
	return hits
}

func (c searches) results(page []*Asset, at time.Time) []any {
	links(c).look(page...)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	out := []any{}
	for _, a := range page {
		out = append(out, assets(c).asset(a, at))
	}
	return out
}

// hit tells whether the terms match. No term matches everything.
func (c searches) hit(a *Asset, req searchRequest) bool {
	if len(req.SearchTerm) == 0 {
		return true
	}
	one := func(term string) bool { return c.termHits(a, term, req.KeywordSearchField) }
	if req.Operation == "OR" {
		return slices.ContainsFunc(req.SearchTerm, one)
	}
	return !slices.ContainsFunc(req.SearchTerm, func(t string) bool { return !one(t) })
}

func (c searches) termHits(a *Asset, term, field string) bool {
	if term == "*" {
		return true
	}
	all := field == ""
	if (all || field == "filename") && textHits(a.Filename, a.words, term) {
		return true
	}
	if (all || field == "assetId") && (term == a.ObjectID || term == a.FileID) {
		return true
	}
	if all || field == "metadata" {
		_, flat := assets(c).values(a)
		if slices.ContainsFunc(leaves(flat, nil), func(s string) bool { return textHits(s, tokens(s), term) }) {
			return true
		}
	}
	return false
}

// textHits is how the index matches: the whole text, a pattern with "*", or
// every word of the term somewhere among the words of the text. So a search
// for "b a.jpg" finds "a b.jpg" and "a (b).JPG" as well.
func textHits(text string, words []string, term string) bool {
	text, term = strings.ToLower(text), strings.ToLower(term)
	if text == term {
		return true
	}
	if strings.Contains(term, "*") {
		escaped := strings.NewReplacer(`\`, `\\`, "[", `\[`, "?", `\?`).Replace(term)
		ok, err := path.Match(strings.ReplaceAll(escaped, "/", ":"), strings.ReplaceAll(text, "/", ":"))
		return err == nil && ok
	}
	want := tokens(term)
	for _, w := range want {
		if !slices.Contains(words, w) {
			return false
		}
	}
	return len(want) > 0
}

// tokens are the words of a text: runs of letters and digits, in lower case.
func tokens(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

// leaves appends all texts within denormalised metadata.
func leaves(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		return append(out, v)
	case []any:
		for _, x := range v {
			out = leaves(x, out)
		}
	case map[string]any:
		for _, x := range v {
			out = leaves(x, out)
		}
	}
	return out
}

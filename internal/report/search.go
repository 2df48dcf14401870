package report

import (
	"context"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Bounds of one Search.
const (
	maxFound    = 50
	maxNamed    = 10
	maxSearched = 200 * time.Millisecond
)

// Found is what a search came to.
type Found struct {
	// Named are files whose asset has a name that begins with the text, and the file of
	// that id, if the text is one; only at the beginning of a search.
	Named []Entry
	Files []Entry // whose path holds the text, whatever the case
	// Next is the entry from which the search goes on; 0 where it ended.
	Next   int64
	Looked int // paths
}

// Search looks for files by a part of their paths, behind the entry after, or from the
// beginning with 0. It looks for so many, and for so long: a search of a million paths
// takes several.
func Search(ctx context.Context, r *journal.Reader, text string, after int64) (Found, error) {
	var out Found
	text = strings.TrimSpace(text)
	if text == "" {
		return out, nil
	}
	l := journal.LookupOf(r)
	var named, ids []int64
	if after == 0 {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			named = append(named, id)
		}
		more, err := l.Assets(ctx, text, maxNamed)
		if err != nil {
			return out, err
		}
		named = append(named, more...)
	}
	wanted := folded(text)
	begun, last := time.Now(), int64(0)
	err := l.Paths(ctx, journal.ListedPath{ID: after}, func(p journal.ListedPath) bool {
		last = p.ID
		out.Looked++
		if strings.Contains(folded(p.Folder+"/"+p.Path), wanted) {
			ids = append(ids, p.ID)
		}
		if len(ids) == maxFound || out.Looked%1024 == 0 && time.Since(begun) > maxSearched {
			out.Next = last
		}
		return out.Next == 0
	})
	if err != nil {
		return out, err
	}
	if out.Named, err = inOrder(ctx, r, named); err == nil {
		out.Files, err = inOrder(ctx, r, ids)
	}
	return out, err
}

// folded is a text without what people do not type alike: case, and how letters with
// accents are put together.
func folded(text string) string {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return strings.ToLower(norm.NFC.String(text))
		}
	}
	return strings.ToLower(text)
}

// inOrder is EntriesOf in the order of the ids.
func inOrder(ctx context.Context, r *journal.Reader, ids []int64) (out []Entry, err error) {
	entries, err := EntriesOf(ctx, r, ids)
	for _, id := range ids {
		if e, ok := entries[id]; ok {
			out = append(out, e)
		}
	}
	return out, err
}

package holdings

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// ErrInconclusive says that a search may find more than it shows: what it does not show
// may be there all the same.
var ErrInconclusive = errors.New("the search does not tell whether there are others")

// inconclusiveError says why.
type inconclusiveError struct{ why string }

func (e *inconclusiveError) Error() string        { return e.why }
func (e *inconclusiveError) Is(target error) bool { return target == ErrInconclusive }

// byName returns what a search for a filename finds of that name, in whatever
// composition of its letters, with or without versions that are not current. With
// ErrInconclusive come those that were shown.
func byName(ctx context.Context, api API, filename string, versions bool) ([]tenovos.Asset, error) {
	q := tenovos.Query{Terms: []string{filename}, Field: tenovos.InFilename, IncludeVersions: versions}
	var found []tenovos.Asset
	seen := make(map[string]bool)
	var pages paging
	for {
		page, err := api.Search(ctx, q)
		if errors.Is(err, tenovos.ErrRejected) && q.From > 0 {
			return found, &inconclusiveError{fmt.Sprintf("the search shows its first %d results and refuses to show more: %v", q.From, err)}
		}
		if err != nil {
			return nil, err
		}
		fresh := 0
		for _, a := range page.Assets { // the search goes by words: most are others
			id := cmp.Or(a.ObjectID, a.FileID)
			if seen[id] {
				continue
			}
			seen[id] = true
			fresh++
			if sameName(a.Filename, filename) {
				found = append(found, a)
			}
		}
		more, err := pages.more(len(page.Assets), fresh, page.Hits)
		if !more || err != nil {
			return found, err
		}
		q.From = pages.shown
	}
}

// paging decides after each page of a search whether there is another. How many results
// there are is not always told, and not always rightly; that a page is full says
// nothing.
type paging struct {
	shown   int // results so far
	longest int // of the pages so far
}

const (
	// searchPage is the documented number of results on a page. A service may have
	// smaller ones.
	searchPage = 50
	// searchWindow is how many results a search can be asked for.
	searchWindow = 10_000
)

// more takes in a page of n results, of which some are fresh, and how many there are in
// all as the service says. ErrInconclusive if what is left cannot be seen.
func (p *paging) more(n, fresh, hits int) (bool, error) {
	shorter := n < p.longest
	p.shown += n
	p.longest = max(p.longest, n)
	counted := hits >= p.shown
	switch {
	case n == 0 && counted && hits > p.shown:
		return false, &inconclusiveError{fmt.Sprintf("the search counts %d results and shows %d", hits, p.shown)}
	case n == 0:
		return false, nil
	case fresh == 0:
		return false, &inconclusiveError{fmt.Sprintf("the search shows the same %d results again and again", n)}
	case counted && hits == p.shown && n < searchPage:
		return false, nil
	case !counted && shorter:
		return false, nil
	case p.shown >= searchWindow:
		return false, &inconclusiveError{fmt.Sprintf("the search finds more than the %d results that it can show", searchWindow)}
	}
	return true, nil
}

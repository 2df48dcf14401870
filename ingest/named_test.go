package ingest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// The number of results may not be told, or not rightly: that the asset of a file's
// name is on the last page makes no difference. Where the pages themselves cannot be
// trusted nothing is made.
func TestPagesOfASearch(t *testing.T) {
	for name, c := range map[string]struct {
		options func(*sandbox.Options)
		held    bool // rather than concluded
	}{
		"counted":                      {options: func(*sandbox.Options) {}},
		"not counted":                  {options: func(o *sandbox.Options) { o.SearchHits = "omit" }},
		"counted as null":              {options: func(o *sandbox.Options) { o.SearchHits = "null" }},
		"counted in text":              {options: func(o *sandbox.Options) { o.SearchHits = "text" }},
		"counted as zero":              {options: func(o *sandbox.Options) { o.SearchHits = "zero" }},
		"more than there are":          {options: func(o *sandbox.Options) { o.SearchHits = "more" }, held: true},
		"from is not heeded":           {options: func(o *sandbox.Options) { o.SearchIgnoresFrom = true }, held: true},
		"nor counted":                  {options: func(o *sandbox.Options) { o.SearchIgnoresFrom, o.SearchHits = true, "omit" }, held: true},
		"from is not heeded, one page": {options: func(o *sandbox.Options) { o.SearchIgnoresFrom, o.SearchPage = true, 10 }},
	} {
		for _, there := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", name, there), func(t *testing.T) {
				t.Parallel()
				r := newNameRig(t, func(o *sandbox.Options) {
					o.SearchPage = 2
					c.options(o)
				})
				for i := range 3 {
					r.there(fmt.Sprintf("hero %d.jpg", i), "other", "")
				}
				want, n := "", 5
				if there {
					want = r.there("hero.jpg", "old", "").OriginalFileID // fills the second page
				} else {
					r.there("hero 9.jpg", "other", "")
				}
				if c.held {
					n = 4
				}
				r.write("hero.jpg", 1000, 1)
				r.backfill()
				s := r.sandbox.State()
				if len(s.Assets) != n {
					t.Errorf("the account holds %d versions, want %d", len(s.Assets), n)
				}
				if e := r.entry("hero.jpg"); !c.held {
					r.wantOriginal("hero.jpg", want)
				} else if e.Status != journal.Held || e.Reason.Hint == "" || !strings.Contains(e.Reason.Message, "hero.jpg") {
					t.Errorf("want held with its name and a hint, got %s: %+v", e.Status, e.Reason)
				}
			})
		}
	}
}

// A page that is full is not the last one, whatever the count says: the count may be
// that of the page.
func TestFullPageIsNotTheLast(t *testing.T) {
	for _, hits := range []string{"page", "omit", "zero"} {
		t.Run(hits, func(t *testing.T) {
			t.Parallel()
			r := newNameRig(t, func(o *sandbox.Options) { o.SearchHits = hits })
			for i := range 49 {
				r.there(fmt.Sprintf("hero %d.jpg", i), "", "")
			}
			r.there("hero 49.jpg", "", "")
			want := r.there("hero.jpg", "old", "").OriginalFileID
			r.write("hero.jpg", 1000, 1)
			r.backfill()
			r.wantOriginal("hero.jpg", want)
		})
	}
}

// newCrowdedRig is a rig whose searches for a.jpg find three others, on pages of two.
func newCrowdedRig(t *testing.T, change func(*sandbox.Options)) *rig {
	t.Helper()
	r := newRig(t, func(o *sandbox.Options) {
		o.SearchPage = 2
		change(o)
	})
	for i := range 3 {
		r.there(fmt.Sprintf("a %d.jpg", i), "other", "")
	}
	return r
}

// Adoption does not conclude from such a search either that the account holds nothing.
func TestAdoptIsNotRefutedByASearch(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sandbox.Options)
		want   journal.Status
	}{
		"not counted":        {func(o *sandbox.Options) { o.SearchHits = "omit" }, journal.Filed},
		"from is not heeded": {func(o *sandbox.Options) { o.SearchIgnoresFrom, o.SearchHits = true, "omit" }, journal.Held},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCrowdedRig(t, c.change)
			r.write("a.jpg", 3000, 1)
			r.backfill()
			r.loseJournal()
			r.backfill()
			e := r.entry("a.jpg")
			if n := len(r.sandbox.State().Assets); n != 4 || e.Status != c.want {
				t.Errorf("it is %s and the account holds %d assets, want %s and 4: %s", e.Status, n, c.want, e.Reason.Message)
			}
		})
	}
}

// Of a create whose reply was lost it is not concluded that nothing came of it: a
// second create would make a second asset.
func TestLostCreateIsNotRefutedByASearch(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sandbox.Options)
		want   journal.Status
		empty  int
	}{
		"not counted":        {func(o *sandbox.Options) { o.SearchHits = "omit" }, journal.Filed, 0},
		"from is not heeded": {func(o *sandbox.Options) { o.SearchIgnoresFrom, o.SearchHits = true, "omit" }, journal.Held, 1},
		"too many":           {func(o *sandbox.Options) { o.SearchHits = "more" }, journal.Held, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCrowdedRig(t, c.change)
			r.write("a.jpg", 3000, 1)
			r.queue(sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultResetAfter})
			r.backfill()
			e, empty := r.entry("a.jpg"), 0
			for _, a := range available(r.sandbox.State()) {
				if !a.HasContent {
					empty++
				}
			}
			if e.Status != c.want || empty != c.empty {
				t.Errorf("it is %s and %d empty assets are there, want %s and %d: %s", e.Status, empty, c.want, c.empty, e.Reason.Message)
			}
			if all := len(available(r.sandbox.State())); all != 4 {
				t.Errorf("%d assets, want 4", all)
			}
		})
	}
}

// A search that goes on for ever ends, and one that ends at its window is not the end.
func TestSearchThatNeverEnds(t *testing.T) {
	for name, pages := range map[string]func(q tenovos.Query) (tenovos.Page, error){
		"one page for ever": func(tenovos.Query) (tenovos.Page, error) { return heroes(0, 50, -1), nil },
		"two in turn":       func(q tenovos.Query) (tenovos.Page, error) { return heroes(q.From/50%2*50, 50, -1), nil },
		"new ones for ever": func(q tenovos.Query) (tenovos.Page, error) { return heroes(q.From, 50, -1), nil },
		"the window":        func(q tenovos.Query) (tenovos.Page, error) { return heroes(q.From, 50, 10_000), nil },
		"refused at the end": func(q tenovos.Query) (tenovos.Page, error) {
			if q.From >= 90 {
				return tenovos.Page{}, &tenovos.Error{Op: "search", Kind: tenovos.Rejected, Status: 400, Message: "Invalid Search Query"}
			}
			return heroes(q.From, 30, -1), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := newNameRig(t, nil)
			r.api = func(api ingest.API) ingest.API { return searchOf{api, pages} }
			r.write("hero.jpg", 1000, 1)
			r.backfill()
			if e := r.entry("hero.jpg"); e.Status != journal.Held || e.Reason.Hint == "" || ctx.Err() != nil {
				t.Errorf("want held with a hint, got %s %+v", e.Status, e.Reason)
			}
		})
	}
}

// searchOf is an account whose searches are answered so.
type searchOf struct {
	ingest.API
	answer func(tenovos.Query) (tenovos.Page, error)
}

func (s searchOf) Search(_ context.Context, q tenovos.Query) (tenovos.Page, error) {
	return s.answer(q)
}

// heroes is a page of assets of almost the name.
func heroes(from, n, hits int) tenovos.Page {
	page := tenovos.Page{Hits: hits, Assets: make([]tenovos.Asset, n)}
	for i := range page.Assets {
		id := fmt.Sprint(from + i)
		page.Assets[i] = tenovos.Asset{ObjectID: id, FileID: id, OriginalFileID: id, Filename: "hero " + id + ".jpg", Current: true}
	}
	return page
}

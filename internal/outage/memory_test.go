package outage

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// A URL that is not used holds creates back, until one is used, somebody asks, or the rest
// is over; other outcomes of an upload say nothing.
func TestForeignURLs(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	foreign := fmt.Errorf("send: %w", uploader.ErrForeignHost)
	for name, c := range map[string]struct {
		then  func(*ForeignURLs)
		after time.Duration
		want  bool
	}{
		"at once":          {after: 0, want: true},
		"before the end":   {after: foreignRest - 1, want: true},
		"at the end":       {after: foreignRest},
		"one was used":     {then: func(f *ForeignURLs) { f.Note(nil, now) }},
		"somebody asked":   {then: (*ForeignURLs).Forget},
		"another trouble":  {then: func(f *ForeignURLs) { f.Note(errors.New("no route"), now) }, want: true},
		"another such URL": {then: func(f *ForeignURLs) { f.Note(foreign, now.Add(foreignRest)) }, after: foreignRest, want: true},
	} {
		var f ForeignURLs
		if reason, refused := f.Refusal(now); refused {
			t.Fatalf("refused before anything came: %v", reason)
		}
		f.Note(foreign, now)
		if c.then != nil {
			c.then(&f)
		}
		if reason, refused := f.Refusal(now.Add(c.after)); refused != c.want || refused && reason.Class != reasons.ClassForeign {
			t.Errorf("%s: refused is %v, by %v", name, refused, reason)
		}
	}
}

// An entry has so many excuses, and each entry its own; who came to rest has them anew.
func TestExcuses(t *testing.T) {
	t.Parallel()
	var x Excuses
	for range maxExcuses {
		if !x.Excuse(1) {
			t.Fatal("it has none left too early")
		}
	}
	if x.Excuse(1) {
		t.Error("it is excused without end")
	}
	if !x.Excuse(2) {
		t.Error("another entry's failures were counted")
	}
	if x.Forget(1); !x.Excuse(1) {
		t.Error("what came to rest is remembered")
	}
}

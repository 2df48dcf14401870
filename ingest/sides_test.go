package ingest_test

import (
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// TestSizesInReplies reads a size under each name that replies have for it, and takes
// no text for people for one.
func TestSizesInReplies(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]int64{"display": -1, "fileSize": 2000, "filesize": 2000, "both": 2000} {
		for _, text := range []bool{false, true} {
			r := newRig(t, func(o *sandbox.Options) { o.SizeReply, o.NumbersAsText, o.DraftNames = form, text, text })
			r.write("a.jpg", 2000, 1)
			r.backfill()
			c := r.client()
			a, err := c.Asset(t.Context(), r.entry("a.jpg").FileID)
			c.Close()
			if err != nil || a.FileSize != want || !a.HasContent {
				t.Errorf("%s: the asset has %d bytes, want %d: %v", form, a.FileSize, want, err)
			}
			r.wantExactly("a.jpg")
		}
	}
}

// TestContentPathThatIsRefused has a service that takes one form of a content path: a
// row in the other fails, and nothing is made of it.
func TestContentPathThatIsRefused(t *testing.T) {
	t.Parallel()
	for form, paths := range map[string]map[string]journal.Status{
		"url":    {"s3://archive/film.mov": journal.Filed, "films/film.mov": journal.Failed},
		"key":    {"s3://archive/film.mov": journal.Failed, "films/film.mov": journal.Filed},
		"either": {"s3://archive/film.mov": journal.Filed, "films/film.mov": journal.Filed},
	} {
		for there, want := range paths {
			r := newRig(t, func(o *sandbox.Options) { o.ContentPathForm = form })
			federated(r, there)
			r.backfill()
			if e := r.entry("film.mov"); e.Status != want || (want == journal.Failed) != (e.Reason.Message != "") {
				t.Errorf("%s where %s is wanted: %s, %q", there, form, e.Status, e.Reason.Message)
			}
			if n := len(r.sandbox.State().Assets); n != 0 != (want == journal.Filed) {
				t.Errorf("%s where %s is wanted: %d assets", there, form, n)
			}
		}
	}
}

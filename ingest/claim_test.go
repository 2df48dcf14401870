package ingest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/journal"
)

// A claim is worth nothing once somebody else may have had the entry in hand, and one that
// was begun is read by who goes on with it.
func TestClaimIsOfItsMoment(t *testing.T) {
	ctx := t.Context()
	j, err := journal.Open(ctx, filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if _, err := j.Admit(ctx, []file.File{{Folder: "drop", Path: "0", Stat: file.Stat{Size: 10}}, {Folder: "drop", Path: "1", Stat: file.Stat{Size: 10}}}); err != nil {
		t.Fatal(err)
	}
	claims, err := j.Runnable(ctx, time.Now().Add(time.Millisecond), []journal.Share{{Folder: "drop", Limit: 1000}}, nil, 1000)
	if err != nil || len(claims) != 2 {
		t.Fatalf("%d claims: %v", len(claims), err)
	}
	p := New(Config{}, Deps{Journal: j})
	before := p.hands.Others()
	p.hands.Hold(claims[0].ID, &hands.Flight{Dispatched: true})
	if e := p.claimed(claims[0], before); e.ID != claims[0].ID || e.Status != journal.Settled {
		t.Errorf("a whole claim gives %+v", e)
	}
	if e := p.claimed(journal.Claim{Entry: journal.Entry{ID: 7}}, before); e.ID != 0 {
		t.Errorf("a claim of what was begun gives %+v", e)
	}
	p.hands.Take(claims[1].Entry)
	p.hands.Release(claims[1].ID)
	p.hands.Hold(claims[1].ID, &hands.Flight{Dispatched: true})
	if e := p.claimed(claims[1], before); e.ID != 0 {
		t.Errorf("a claim of what a request had in hand meanwhile gives %+v", e)
	}
}

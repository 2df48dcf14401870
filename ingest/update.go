package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// RequestUpdate applies the rules again to what was ingested, and sends what
// differs.
const RequestUpdate = "update"

// updatePace is the least time between two looks at the open edits that somebody waits for.
const updatePace = 200 * time.Millisecond

// serveUpdate answers RequestUpdate when every edit of the selection has ended.
func (p *Pipeline) serveUpdate(ctx context.Context, r journal.Request) (any, error) {
	var s Selection
	if err := json.Unmarshal(r.Args, &s); err != nil {
		return nil, fmt.Errorf("the request cannot be read: %w", err)
	}
	s.asked = r.AskedAt
	if len(s.IDs) == 0 && len(s.Statuses) == 0 {
		s.Statuses = []journal.Status{journal.Filed}
	}
	selected, err := p.selected(ctx, s)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(selected))
	for i, e := range selected {
		ids[i] = e.id
	}
	before := make(map[int64][sha256.Size]byte, len(ids))
	for _, id := range ids {
		if e, err := p.journal.Entry(ctx, id); err == nil {
			before[id] = sha256.Sum256(e.Asset)
		}
	}
	defer p.wake() // a backfill may wait for the last of them
	for some := range slices.Chunk(ids, editBatch) {
		if _, err := journal.EditsOf(p.journal).Open(ctx, some); err != nil {
			return nil, err
		}
	}
	outcomes := make([]Outcome, 0, len(ids))
	for _, id := range ids {
		o, err := p.updated(ctx, id, before[id])
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// updated waits until an entry has no open edit, and says what came of it.
func (p *Pipeline) updated(ctx context.Context, id int64, before [sha256.Size]byte) (Outcome, error) {
	e, err := p.journal.Entry(ctx, id)
	if errors.Is(err, journal.ErrUnknown) {
		return Outcome{ID: id, Result: "unknown", Detail: "the journal has no such entry in this selection"}, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	a := p.alarms.Set(e.Folder, updatePace, journal.AboutEdits, journal.AboutEntries) // its asset may be withdrawn
	defer a.End()
	for p.editing[e.Folder] != nil && e.Status == journal.Filed {
		_, open, err := journal.OpenEditsOf(p.journal.Reader()).Of(ctx, id)
		if err != nil {
			return Outcome{}, err
		}
		if !open {
			break
		}
		why, err := p.gate.Outlasts(ctx, p.drain)
		if err != nil {
			return Outcome{}, err
		}
		if why != "" {
			return Outcome{ID: e.ID, Folder: e.Folder, Path: e.Path, Result: updating, Detail: "it is looked at again, and sent where it differs, when Tenovos answers: " + why}, nil
		}
		if p.gate.Reason() != "" {
			a.At(p.now()) // the operator's patience goes on
		} else if _, err := p.editDue(ctx, e.Folder, a); err != nil {
			return Outcome{}, err
		}
		if _, err := a.Wait(ctx, nil); err != nil {
			return Outcome{}, err
		}
		if e, err = p.journal.Entry(ctx, id); err != nil {
			return Outcome{}, err
		}
	}
	return p.serveEntry(ctx, id, Selection{}, func(_ context.Context, e journal.Entry, _ Selection) (Outcome, error) {
		switch {
		case e.Status != journal.Filed:
			return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
		case sha256.Sum256(e.Asset) != before:
			return Outcome{Result: "updated"}, nil
		case e.Reason.Message != "" && e.Reason.Class != reasons.ClassAdopted:
			return Outcome{Result: "failed", Detail: e.Reason.Message}, nil
		}
		return Outcome{Result: "same"}, nil
	})
}

package ingest

import (
	"context"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/journal"
)

// sharedCreate, in a verdict, is the circuit of the asset that is to be created.
const sharedCreate = "create"

// fatalJournal is the journal for what is beside the life of an entry: an error of it ends
// the process.
type fatalJournal struct{ *journal.Journal }

func (f fatalJournal) Hasten(ctx context.Context, class string) error {
	if err := journal.DeferredOf(f.Journal).Hasten(ctx, class); err != nil {
		return &journalError{err}
	}
	return nil
}

func (f fatalJournal) HastenSome(ctx context.Context, class string, after time.Time, n int) error {
	if err := journal.DeferredOf(f.Journal).HastenSome(ctx, class, after, n); err != nil {
		return &journalError{err}
	}
	return nil
}

func (f fatalJournal) Proven(ctx context.Context, attempt int64) error {
	if err := proveAttempt(ctx, f.Journal, attempt); err != nil {
		return &journalError{err}
	}
	return nil
}

// holdBack puts an entry off where a circuit that it needs is tripped.
func (p *Pipeline) holdBack(ctx context.Context, e journal.Entry, circuits ...string) (bool, error) {
	w, held := p.circuits.HoldBack(e, circuits...)
	if !held {
		return false, nil
	}
	if err := deferEntry(ctx, p.journal, e.ID, e.Status, w.Until, w.Reason, false); err != nil {
		return true, err
	}
	return true, w.Recorded(ctx)
}

// share asks the circuit of a verdict whether the refusal of an entry is its own, and
// returns what is to be done instead. Where recorded is not nil it is to be called once
// that is recorded: it wakes others.
func (p *Pipeline) share(e journal.Entry, v verdict, cause error) (_ verdict, recorded func(context.Context) error, err error) {
	name := v.shared
	if name == sharedCreate {
		asset, err := dropfolder.StoredAsset(e)
		if err != nil {
			return v, nil, err
		}
		name = outage.Create(asset)
	}
	answer, w := p.circuits.Refused(e, outage.Refusal{Circuit: name, Reason: v.reason, Dead: v.dead, Waits: v.waits, Ends: v.last != ""})
	switch answer {
	case outage.Own:
		return v, nil, nil
	case outage.Renew:
		return verdict{to: journal.Mapped, reason: v.reason}, nil, nil
	case outage.Rest:
		v.do, v.to = moveOn, v.last
		return v, nil, nil
	}
	waits := verdict{do: retry, after: max(w.Until.Sub(p.now()), 1), reason: w.Reason}
	if e.Status == journal.Creating && isCertain(cause) {
		waits.do, waits.to = moveOn, journal.Mapped
	}
	return waits, w.Recorded, nil
}

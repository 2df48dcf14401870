package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// What operators' requests do to the life of an entry; package desk decides when.

// obeyCancel ends an entry that an operator wants cancelled, where its status
// allows it, and returns it as it is then; the zero Entry where nothing is to be done.
// What may have been created or completed is looked into first.
func (p *Pipeline) obeyCancel(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if !p.desk.Unwanted(e.ID) {
		return now, nil
	}
	switch e.Status {
	case journal.Settled, journal.Mapped, journal.Uploading:
		return p.giveUp(ctx, e, verdict{to: journal.Cancelled, reason: reasons.Cancelled})
	}
	return now, nil
}

// rehint tells the journal what a file that is back looks like, so that it is not
// taken for one that came anew.
func (p *Pipeline) rehint(ctx context.Context, e journal.Entry) error {
	e.MovedTo = "" // it is back
	src, err := p.open(e)
	if err != nil {
		return nil //nolint:nilerr // whoever maps the entry finds out why
	}
	defer src.Close()
	return rehint(ctx, p.journal, e.ID, e.With(src.Hint()), time.Time{})
}

// sameAsSent is sameChecksum for an entry that rests: unknown says why nothing is left to
// compare with.
func (p *Pipeline) sameAsSent(ctx context.Context, e journal.Entry, md5 string) (same bool, unknown string, err error) {
	same, err = p.sameChecksum(ctx, e, md5)
	if v, own := errors.AsType[*verdictError](err); own {
		return false, v.Error(), nil
	}
	if isGone(err) {
		return false, "the file is no longer there to compare it with", nil
	}
	return same, "", err
}

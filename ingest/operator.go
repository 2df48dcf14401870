package ingest

import (
	"context"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
)

// What operators' requests do to the life of an entry; package desk decides when.

// rehint tells the journal what a file that is back looks like, so that it is not
// taken for one that came anew.
func (c *core) rehint(ctx context.Context, e journal.Entry) error {
	e.MovedTo = "" // it is back
	src, err := c.open(e)
	if err != nil {
		return nil //nolint:nilerr // whoever maps the entry finds out why
	}
	defer src.Close()
	found := e.With(src.Hint())
	_, err = c.journal.Advance(ctx, journal.Move{ID: e.ID, From: journal.Settled, To: journal.Settled, Stay: journal.Stay{Rehint: &found}})
	return err
}

// sameAsSent is sameChecksum for an entry that rests: unknown says why nothing is left to
// compare with.
func (c *core) sameAsSent(ctx context.Context, e journal.Entry, md5 string) (same bool, unknown string, err error) {
	same, err = c.sameChecksum(ctx, e, md5)
	if v, own := errors.AsType[*stage.RestError](err); own {
		return false, v.Error(), nil
	}
	if isGone(err) {
		return false, "the file is no longer there to compare it with", nil
	}
	return same, "", err
}

// cancelNow ends an entry that an operator wants cancelled and nobody else has in hand.
func (p *Pipeline) cancelNow(ctx context.Context, e journal.Entry) error {
	m, unwanted := p.obeyCancel(e)
	if !unwanted {
		return nil
	}
	_, err := p.commit(ctx, &work{Work: stage.Work{Entry: e}}, m)
	return err
}

package ingest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/proof"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// contentWait is how long Tenovos' own checksum is waited for before the content is read
// back: about as long as the reading may take, so that a large file is not fetched
// without need.
func contentWait(size int64, timeout time.Duration) time.Duration {
	return min(5*time.Second+time.Duration(size/(10<<20))*time.Second, timeout/2)
}

// verifyContent reads the content of an uploaded asset back, where Tenovos has named no
// checksum for as long as that may take: verifying -> verified, or failed. What cannot be
// read yet is read again, until the deadline.
func (p *Pipeline) verifyContent(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	waited, wait := p.now().Sub(e.Since), contentWait(e.Size, p.cfg.VerifyTimeout)
	if waited < wait {
		return now, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(min(tenovos.PollWait(e.Tries), wait-waited)), e.Reason, false)
	}
	same, theirs, err := p.proofs.ReadBack(ctx, e.ObjectID, e)
	switch {
	case ctx.Err() != nil:
		return now, ctx.Err()
	case err == nil && same:
		return p.provenVerified(ctx, e)
	case err == nil:
		return p.otherBytes(ctx, e, hex.EncodeToString(theirs))
	case waited >= p.cfg.VerifyTimeout && e.Reason.Class == journal.ClassUnverified: // and this is not the first try after an outage
		return now, &verdictError{verdict{to: journal.Held, reason: reasons.Unproven(err)}}
	}
	own, _ := errors.AsType[*verdictError](err)
	if own != nil { // the file is not what was sent any more
		return now, own
	}
	again := max(tenovos.PollWait(e.Tries), wait/4)
	return now, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(again), reasons.Reading(err), false)
}

// provenVerified keeps the proof before the entry moves on, for whoever moves the file.
func (p *Pipeline) provenVerified(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if e.Attempt != nil && !proof.Proven(e.Attempt) {
		if err := p.proofs.Keep(ctx, e.Attempt); err != nil {
			return now, err
		}
	}
	return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Verifying, To: journal.Verified})
}

// otherBytes fails an entry whose asset was seen to hold other bytes. Where the store's
// ETags had said so before, the asset is removed, as after any part that arrives damaged.
func (p *Pipeline) otherBytes(ctx context.Context, e journal.Entry, remote string) (now journal.Entry, err error) {
	if !proof.Contradicted(e.Attempt) {
		return now, &verdictError{verdict{to: journal.Failed, reason: reasons.Mismatch(e, remote)}}
	}
	chores, err := p.cleanUp(e, false)
	if err != nil {
		return now, err
	}
	for i := range chores {
		chores[i].NotBefore = p.now()
	}
	m := journal.Move{ID: e.ID, From: journal.Verifying, To: journal.Failed, Reason: reasons.Damaged(remote), Chores: chores}
	if now, err = p.advance(ctx, m); err == nil {
		p.logRest(e, m.To, m.Reason)
	}
	return now, err
}

// holdsContent reports that Tenovos has seen bytes of the asset, and as many as
// were sent where it says how many.
func holdsContent(a tenovos.Asset, size int64) bool {
	return a.HasContent && (a.FileSize < 0 || a.FileSize == size)
}

// stillInTenovos asks before a file is moved or deleted whose content came in earlier.
// What was in Tenovos then may have been removed there since, which is asked before it is
// deleted, and may never have been proved to be there, where the folder kept its files.
func (p *Pipeline) stillInTenovos(ctx context.Context, e journal.Entry, after dropfolder.After) error {
	if e.Status == journal.Duplicate {
		return p.proofs.ProveDuplicate(ctx, e)
	}
	if after == dropfolder.AfterDelete {
		seen, err := p.desk.Verify(ctx, e)
		if err == nil && !seen.Good() {
			err = fmt.Errorf("the file is not deleted, because Tenovos does not hold its content as it did: %s", seen.Detail)
		}
		if err != nil {
			return err
		}
	}
	return p.proofs.Prove(ctx, e, e)
}

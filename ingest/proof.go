package ingest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Content reads what the content store holds of an asset; as uploader.ContentMD5 does, it
// tells the MD5 of an answer that need not be the store's own with uploader.ErrIntermediary.
type Content interface {
	ContentMD5(ctx context.Context, link secret.URL, size int64) ([]byte, error)
}

// prover finds out whether Tenovos holds the bytes of a file, before that is moved or
// deleted. The MD5 that a store gave as a part's ETag proves it. An ETag that is none
// proves nothing: then Tenovos' own checksum does, or the content, which is read back.
// What was proved is kept in the journal. Safe for concurrent use.
type prover struct {
	api     Lookup
	content Content
	journal *journal.Journal
	md5     func(context.Context, journal.Entry) ([]byte, error) // of an entry's file
	sha256  func(context.Context, journal.Entry) ([]byte, error) // of an entry's file; it is stored too
}

// proven reports whether the bytes of an attempt are known to be stored, each of them.
func proven(a *journal.Attempt) bool {
	return a != nil && len(a.Parts) > 0 && !slices.ContainsFunc(a.Parts, func(p journal.Part) bool { return !p.Proven })
}

// contradicted reports that the store gave a part an ETag that looks like the MD5 of
// other bytes: then nothing but a proof will do, whatever becomes of the file.
func contradicted(a *journal.Attempt) bool {
	return a != nil && a.Unconfirmed && slices.ContainsFunc(a.Parts, func(p journal.Part) bool {
		sum, is := uploader.AsMD5(p.ETag)
		return is && !p.Proven && !bytes.Equal(sum, p.MD5)
	})
}

// contentWait is how long Tenovos' own checksum is waited for before the content is read
// back: about as long as the reading may take, so that a large file is not fetched
// without need.
func contentWait(size int64, timeout time.Duration) time.Duration {
	return min(5*time.Second+time.Duration(size/(10<<20))*time.Second, timeout/2)
}

// readBack reads the content of an asset and compares it with a file's bytes. That they
// differ is known only where the store itself answered.
func (p *prover) readBack(ctx context.Context, objectID string, file journal.Entry) (same bool, sum []byte, err error) {
	if p.content == nil {
		return false, nil, errors.New("the content cannot be read back here")
	}
	link, err := p.api.ContentLink(ctx, objectID)
	if err != nil {
		return false, nil, err
	}
	theirs, between := p.content.ContentMD5(ctx, link, file.Size)
	if between != nil && !errors.Is(between, uploader.ErrIntermediary) {
		return false, nil, between
	}
	ours, err := p.md5(ctx, file)
	if err == nil && bytes.Equal(theirs, ours) {
		return true, theirs, nil
	}
	return false, theirs, cmp.Or(err, between)
}

// prove makes sure that the asset of an entry, owner, holds the bytes of a file, which is
// that entry's or a duplicate of it. Its error is an *filing.Unproven.
func (p *prover) prove(ctx context.Context, owner, file journal.Entry) error {
	last, ok, err := p.journal.LastAttempt(ctx, owner)
	if err != nil {
		return err
	}
	if ok && proven(last.Attempt) || owner.Status == journal.Verified && owner.Reason.Class == reasons.ClassAdopted {
		return nil
	}
	if owner.ID == file.ID {
		file = last // with the MD5 of what was sent
	}
	if err := p.look(ctx, owner, file); err != nil {
		return &filing.Unproven{Err: err}
	}
	if !ok || len(last.Attempt.Parts) == 0 {
		return nil
	}
	return p.keep(ctx, last.Attempt)
}

// keep stores that the bytes of an attempt were proved to be in Tenovos.
func (p *prover) keep(ctx context.Context, a *journal.Attempt) error {
	ctx, cancel := record(ctx)
	defer cancel()
	if err := proveAttempt(ctx, p.journal, a.ID); err != nil {
		return &journalError{err}
	}
	return nil
}

func (p *prover) look(ctx context.Context, owner, file journal.Entry) error {
	asset, err := p.api.Asset(ctx, owner.FileID)
	if err != nil {
		return fmt.Errorf("look at asset %s: %w", owner.ObjectID, err)
	}
	if asset.Deleted() {
		return fmt.Errorf("asset %s is in the recycle bin", owner.ObjectID)
	}
	if asset.MD5 == "" {
		same, theirs, err := p.readBack(ctx, owner.ObjectID, file)
		if err == nil && !same {
			err = otherBytesIn(owner, hex.EncodeToString(theirs))
		}
		return err
	}
	ours, err := p.md5(ctx, file)
	if err == nil && hex.EncodeToString(ours) != asset.MD5 {
		err = otherBytesIn(owner, asset.MD5)
	}
	return err
}

func otherBytesIn(owner journal.Entry, sum string) error {
	return fmt.Errorf("asset %s holds other bytes (MD5 %s)", owner.ObjectID, sum)
}

// proveDuplicate is prove for a file whose content came in from another. One whose hash
// the journal lacks is hashed: without it nothing tells what the other is.
func (p *prover) proveDuplicate(ctx context.Context, e journal.Entry) error {
	if e.SHA256 == nil {
		var err error
		if e.SHA256, err = p.sha256(ctx, e); err != nil {
			return err
		}
	}
	originals, err := p.journal.Reader().SameContent(ctx, e)
	if err != nil {
		return err
	}
	if prev, ok, err := p.journal.Previous(ctx, e); err != nil {
		return err
	} else if ok {
		originals = append(originals, prev)
	}
	err = &filing.Unproven{Err: errors.New("the file of the same content is not in Tenovos any more")}
	for _, o := range originals {
		if o.Status != journal.Filed || len(e.SHA256) > 0 && len(o.SHA256) > 0 && !bytes.Equal(o.SHA256, e.SHA256) {
			continue
		}
		if err = p.prove(ctx, o, e); err == nil {
			return nil
		}
	}
	return err
}

// verifyContent reads the content of an uploaded asset back, where Tenovos has named no
// checksum for as long as that may take: verifying -> verified, or failed. What cannot be
// read yet is read again, until the deadline.
func (p *Pipeline) verifyContent(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	waited, wait := p.now().Sub(e.Since), contentWait(e.Size, p.cfg.VerifyTimeout)
	if waited < wait {
		return now, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(min(pollWait(e.Tries), wait-waited)), e.Reason, false)
	}
	same, theirs, err := p.proofs.readBack(ctx, e.ObjectID, e)
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
	again := max(pollWait(e.Tries), wait/4)
	return now, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(again), reasons.Reading(err), false)
}

// provenVerified keeps the proof before the entry moves on, for whoever moves the file.
func (p *Pipeline) provenVerified(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if e.Attempt != nil && !proven(e.Attempt) {
		if err := p.proofs.keep(ctx, e.Attempt); err != nil {
			return now, err
		}
	}
	return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Verifying, To: journal.Verified})
}

// otherBytes fails an entry whose asset was seen to hold other bytes. Where the store's
// ETags had said so before, the asset is removed, as after any part that arrives damaged.
func (p *Pipeline) otherBytes(ctx context.Context, e journal.Entry, remote string) (now journal.Entry, err error) {
	if !contradicted(e.Attempt) {
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
		return p.proofs.proveDuplicate(ctx, e)
	}
	if after == dropfolder.AfterDelete {
		seen, err := p.verifyAgain(ctx, e, Selection{})
		if err == nil && !seen.Good() {
			err = fmt.Errorf("the file is not deleted, because Tenovos does not hold its content as it did: %s", seen.Detail)
		}
		if err != nil {
			return err
		}
	}
	return p.proofs.prove(ctx, e, e)
}

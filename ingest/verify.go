package ingest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/content"
	"github.com/tenovos-ingest/ingestd/internal/proof"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// verifying is the stages from the bytes that were handed over to the end.
type verifying struct{ *core }

// storeTrusted reports that the store's answers say that it has an attempt's bytes: part
// MD5s that matched their ETags, and where the file stays whatever else it answered.
func (c *core) storeTrusted(e journal.Entry) bool {
	return proof.Proven(e.Attempt) || c.folders[e.Folder].After.Keeps() && !proof.Contradicted(e.Attempt)
}

// storeProves reports that this is enough for the configuration.
func (c *core) storeProves(e journal.Entry) bool {
	return c.storeTrusted(e) && !c.cfg.VerifyAsset && e.Attempt != nil && !e.Attempt.Unconfirmed
}

// verify decides whether the remote agrees: verifying -> verified. Where the store's answer
// is not enough, because the configuration says asset, or because the completion was never
// answered, Tenovos' own record of the content is waited for, and the content read back
// where the file is to be moved or deleted and there is none.
func (s *verifying) verify(ctx context.Context, w *work) (journal.Move, error) {
	if w.Kind == journal.File && s.storeProves(w.Entry) {
		return w.Moves(journal.Verified, journal.Reason{}), nil
	}
	asset, err := s.api.Asset(ctx, w.FileID)
	switch {
	case err != nil:
		return journal.Move{}, fmt.Errorf("look at the uploaded asset: %w", err)
	case asset.Deleted():
		return w.Moves(journal.Held, reasons.DeletedMeanwhile), nil
	case w.Kind != journal.File: // the asset is there, and nothing else was handed over
		return w.Moves(journal.Verified, journal.Reason{}), nil
	case asset.MD5 != "":
		same, err := s.sameChecksum(ctx, w.Entry, asset.MD5)
		if err != nil {
			return journal.Move{}, err
		}
		if !same {
			return s.otherBytes(w, asset.MD5)
		}
		return provenVerified(w), nil
	case !s.cfg.VerifyAsset && s.storeTrusted(w.Entry) && holdsContent(asset, w.Size):
		return w.Moves(journal.Verified, journal.Reason{}), nil
	case !s.cfg.VerifyAsset && !s.storeTrusted(w.Entry):
		return s.verifyContent(ctx, w)
	case s.now().Sub(w.Since) >= s.cfg.VerifyTimeout:
		return w.Moves(journal.Held, reasons.Unverified(s.cfg.VerifyTimeout)), nil
	}
	return w.Stays(s.now().Add(tenovos.PollWait(w.Tries)), w.Reason), nil
}

// sameChecksum compares Tenovos' MD5 with that of the bytes that were sent.
func (c *core) sameChecksum(ctx context.Context, e journal.Entry, remote string) (bool, error) {
	sum, err := c.wholeMD5(ctx, e)
	if err != nil {
		return false, err
	}
	return strings.EqualFold(hex.EncodeToString(sum), remote), nil
}

// wholeMD5 is the MD5 of the whole content. That of a single part is known; a
// multipart upload's is read from the file, whose parts must still be those that
// were sent.
func (c *core) wholeMD5(ctx context.Context, e journal.Entry) ([]byte, error) {
	if e.Attempt != nil && len(e.Attempt.Parts) == 1 && len(e.Attempt.Parts[0].MD5) > 0 {
		return e.Attempt.Parts[0].MD5, nil
	}
	src, err := c.open(e)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if src.Hint() != e.Stat {
		if same, err := content.Of(src).Same(ctx, e); err != nil || !same {
			return nil, stage.Held(reasons.SourceLost)
		}
	}
	return src.MD5(ctx, 0, e.Size)
}

// contentWait is how long Tenovos' own checksum is waited for before the content is read
// back: about as long as the reading may take, so that a large file is not fetched
// without need.
func contentWait(size int64, timeout time.Duration) time.Duration {
	return min(5*time.Second+time.Duration(size/(10<<20))*time.Second, timeout/2)
}

// verifyContent reads the content of an uploaded asset back, where Tenovos has named no
// checksum for as long as that may take: verifying -> verified, or failed. What cannot be
// read yet is read again, until the deadline.
func (s *verifying) verifyContent(ctx context.Context, w *work) (journal.Move, error) {
	waited, wait := s.now().Sub(w.Since), contentWait(w.Size, s.cfg.VerifyTimeout)
	if waited < wait {
		return w.Stays(s.now().Add(min(tenovos.PollWait(w.Tries), wait-waited)), w.Reason), nil
	}
	same, theirs, err := s.proofs.ReadBack(ctx, w.ObjectID, w.Entry)
	switch {
	case ctx.Err() != nil:
		return journal.Move{}, ctx.Err()
	case err == nil && same:
		return provenVerified(w), nil
	case err == nil:
		return s.otherBytes(w, hex.EncodeToString(theirs))
	case waited >= s.cfg.VerifyTimeout && w.Reason.Class == journal.ClassUnverified: // and this is not the first try after an outage
		return w.Moves(journal.Held, reasons.Unproven(err)), nil
	}
	if rest, own := errors.AsType[*stage.RestError](err); own { // the file is not what was sent any more
		return journal.Move{}, rest
	}
	return w.Stays(s.now().Add(max(tenovos.PollWait(w.Tries), wait/4)), reasons.Reading(err)), nil
}

// provenVerified keeps the proof with the move, for whoever moves the file.
func provenVerified(w *work) journal.Move {
	m := w.Moves(journal.Verified, journal.Reason{})
	if w.Attempt != nil && !proof.Proven(w.Attempt) {
		m.Learned.Attempt, m.Learned.Proven = w.Attempt.ID, true
	}
	return m
}

// otherBytes fails an entry whose asset was seen to hold other bytes. Where the store's
// ETags had said so before, the asset is removed, as after any part that arrives damaged.
func (s *verifying) otherBytes(w *work, remote string) (journal.Move, error) {
	if !proof.Contradicted(w.Attempt) {
		return w.Moves(journal.Failed, reasons.Mismatch(w.Entry, remote)), nil
	}
	m := w.Moves(journal.Failed, reasons.Damaged(remote))
	var err error
	if m.Chores, err = s.cleanUp(w.Entry, false); err != nil {
		return journal.Move{}, err
	}
	for i := range m.Chores {
		m.Chores[i].NotBefore = s.now()
	}
	return m, nil
}

// holdsContent reports that Tenovos has seen bytes of the asset, and as many as
// were sent where it says how many.
func holdsContent(a tenovos.Asset, size int64) bool {
	return a.HasContent && (a.FileSize < 0 || a.FileSize == size)
}

// fileAway does with the source what the folder asks for: verified -> filed.
func (s *verifying) fileAway(ctx context.Context, w *work) (journal.Move, error) {
	stay, err := s.file(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	if stay != nil {
		return w.Stays(stay.Until, stay.Reason), nil
	}
	if err := s.lastLook(ctx, w.Entry); err != nil {
		return journal.Move{}, err
	}
	m := w.Moves(journal.Filed, journal.Reason{})
	if folder := s.folders[w.Folder]; folder.Resumes() && w.Kind == journal.File && !w.Taken() {
		m.Chores = append(m.Chores, folder.FilingChore(w.Entry, s.now()))
	}
	return m, nil
}

package ingest

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/proof"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// verify decides whether the remote agrees: verifying -> verified. Part MD5s that
// matched their ETags are proof enough where the configuration says etag, and where the
// file stays what the store answered is. Else, where it says asset, or where the
// completion was never answered, Tenovos' own record of the content is waited for, and
// the content read back where the file is to be moved or deleted and there is none.
func (p *Pipeline) verify(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if e.Kind != journal.File {
		return p.verifyFileless(ctx, e)
	}
	trusted := proof.Proven(e.Attempt) || p.folders[e.Folder].After.Keeps() && !proof.Contradicted(e.Attempt)
	enough := trusted && !p.cfg.VerifyAsset && e.Attempt != nil && !e.Attempt.Unconfirmed // what the store answered
	if enough {
		return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Verifying, To: journal.Verified})
	}
	asset, err := p.api.Asset(ctx, e.FileID)
	if err != nil {
		return now, fmt.Errorf("look at the uploaded asset: %w", err)
	}
	switch {
	case asset.Deleted():
		return now, &verdictError{verdict{to: journal.Held, reason: reasons.DeletedMeanwhile}}
	case asset.MD5 != "":
		same, err := p.sameChecksum(ctx, e, asset.MD5)
		if err != nil {
			return now, err
		}
		if !same {
			return p.otherBytes(ctx, e, asset.MD5)
		}
		return p.provenVerified(ctx, e)
	case !p.cfg.VerifyAsset && trusted && holdsContent(asset, e.Size):
		return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Verifying, To: journal.Verified})
	case !p.cfg.VerifyAsset && !trusted:
		return p.verifyContent(ctx, e)
	case p.now().Sub(e.Since) >= p.cfg.VerifyTimeout:
		return now, &verdictError{verdict{to: journal.Held, reason: reasons.Unverified(p.cfg.VerifyTimeout)}}
	}
	return now, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(tenovos.PollWait(e.Tries)), e.Reason, false)
}

// sameChecksum compares Tenovos' MD5 with that of the bytes that were sent.
func (p *Pipeline) sameChecksum(ctx context.Context, e journal.Entry, remote string) (bool, error) {
	sum, err := p.wholeMD5(ctx, e)
	if err != nil {
		return false, err
	}
	return strings.EqualFold(hex.EncodeToString(sum), remote), nil
}

// wholeMD5 is the MD5 of the whole content. That of a single part is known; a
// multipart upload's is read from the file, whose parts must still be those that
// were sent.
func (p *Pipeline) wholeMD5(ctx context.Context, e journal.Entry) ([]byte, error) {
	if e.Attempt != nil && len(e.Attempt.Parts) == 1 && len(e.Attempt.Parts[0].MD5) > 0 {
		return e.Attempt.Parts[0].MD5, nil
	}
	src, err := p.open(e)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if src.Hint() != e.Stat {
		if same, err := (&content{src: src}).same(ctx, e); err != nil || !same {
			return nil, &verdictError{verdict{to: journal.Held, reason: reasons.SourceLost}}
		}
	}
	return src.MD5(ctx, 0, e.Size)
}

// fileAway does with the source what the folder asks for: verified -> filed.
func (p *Pipeline) fileAway(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	stay, err := p.filer.FileAway(ctx, e)
	if err != nil {
		return now, err
	}
	if stay != nil {
		return now, deferEntry(ctx, p.journal, e.ID, e.Status, stay.Until, stay.Reason, false)
	}
	if err := p.lastLook(ctx, e); err != nil {
		return now, err
	}
	m := journal.Move{ID: e.ID, Was: &e, From: journal.Verified, To: journal.Filed}
	if folder := p.folders[e.Folder]; folder.Resumes() && e.Kind == journal.File && !e.Taken() {
		m.Chores = append(m.Chores, folder.FilingChore(e, p.now()))
	}
	if now, err = p.advance(ctx, m); err != nil {
		return now, err
	}
	p.stats.rested.Add(1)
	p.forget(e.ID)
	p.restarts.end(e)
	if e.Reason.Class == reasons.ClassAdopted { // said when it was found
		p.stats.adopted.Add(1)
		return now, nil
	}
	what := "asset created"
	if e.OriginalFileID != e.FileID {
		what = "version created"
		p.stats.versions.Add(1)
	}
	p.stats.ingested.Add(1)
	p.stats.bytes.Add(e.Size)
	p.entryLog(p.log.Info(), e).Str("object_id", e.ObjectID).Str("file_id", e.FileID).
		Int64("bytes", e.Size).Msg(what)
	return now, nil
}

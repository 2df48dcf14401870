package ingest

import (
	"context"
	"fmt"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// upload sends the parts that have no ETag yet and hands the bytes over:
// uploading -> verifying for a single PUT, uploading -> completing -> verifying
// for a multipart upload.
func (p *Pipeline) upload(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if e.Kind != journal.File {
		return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Uploading, To: journal.Verifying})
	}
	if held, err := p.holdBack(ctx, e, outage.ContentStore); held || err != nil {
		return now, err
	}
	src, err := p.open(e)
	if err != nil {
		return now, err
	}
	defer src.Close()
	src.Follow(p.folders[e.Folder].Wants)
	if !e.Alike(src.Hint()) {
		return now, fmt.Errorf("%s: %w", e.Path, uploader.ErrSourceChanged)
	}
	if e, err = resume(ctx, p.journal, e, src, p.started); err != nil {
		return now, err
	}
	if e.Sent > 0 && e.Tries == 0 && e.Attempt.IntentAt.Before(p.started) {
		p.entryLog(p.log.Info(), e).Int64("stored", e.Sent).Int64("bytes", e.Size).Msg("an interrupted upload goes on")
	}
	content, err := p.send(ctx, e, src)
	if err != nil {
		return now, err
	}
	if content != nil {
		e.SHA256 = content
	}
	if err := confirm(ctx, p.journal, e, src); err != nil {
		return now, err
	}
	if e.Attempt.UploadID == "" {
		return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Uploading, To: journal.Verifying})
	}
	if err := p.api.Ready(ctx); err != nil { // parts can take longer than a token lives
		return now, &lookError{err}
	}
	if e, err = p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Uploading, To: journal.Completing}); err != nil {
		return now, err
	}
	return p.complete(ctx, e)
}

// send uploads the missing parts and records each one as it is stored. It returns the
// hash of the file, if that became known and was recorded by the way.
func (p *Pipeline) send(ctx context.Context, e journal.Entry, src *uploader.Source) (content []byte, err error) {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	fl := p.hands.Flight(e.ID)
	defer fl.Sending(abort)()
	job := uploader.Job{
		Source:   src,
		AnyETag:  e.Reason.Class == reasons.ClassChecksum, // it was contradicted before
		Stop:     p.drain,
		Progress: func(delta int64) { fl.AddSent(delta) },
		Done: func(ctx context.Context, d uploader.Done) error {
			if d.SHA256 != nil { // which one part has at the most
				content = d.SHA256
			}
			return p.partDone(ctx, e, d)
		},
	}
	for _, part := range e.Attempt.Parts {
		if part.ETag == "" {
			job.Parts = append(job.Parts, uploader.Part{Number: part.Number, Offset: part.Offset, Size: part.Size, URL: part.URL, Handed: e.Attempt.IntentAt})
		}
	}
	if len(job.Parts) == 0 {
		return nil, nil
	}
	err = p.store.Upload(ctx, job)
	p.foreign.note(err, p.now())
	return content, err
}

func (p *Pipeline) partDone(ctx context.Context, e journal.Entry, d uploader.Done) error {
	ctx, cancel := record(ctx)
	defer cancel()
	p.gate.Worked()
	if !d.Comparable {
		p.log.Debug().Str("folder", e.Folder).Str("path", e.Path).Int("part", d.Number).
			Msg("this part's ETag is not the MD5 of its bytes: it proves nothing")
	}
	err := p.journal.Learn(ctx, e.ID, journal.Learned{
		SHA256: d.SHA256, Attempt: e.Attempt.ID,
		Parts: []journal.Part{{Number: d.Number, ETag: d.ETag, MD5: d.MD5, Proven: d.Comparable, Contradicted: d.Contradicts, DoneAt: p.now()}},
	})
	if err != nil {
		return &journalError{err}
	}
	i := slices.IndexFunc(e.Attempt.Parts, func(part journal.Part) bool { return part.Number == d.Number })
	return p.circuits.Passed(ctx, e.ID, e.Attempt.Parts[i].Size, outage.ContentStore)
}

// journalError keeps a journal's failure recognisable behind the uploader's.
type journalError struct{ err error }

func (e *journalError) Error() string { return "the journal cannot keep up: " + e.err.Error() }
func (e *journalError) Unwrap() error { return e.err }

// complete asks Tenovos to put the parts together: completing -> verifying.
func (p *Pipeline) complete(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if err := p.api.CompleteUpload(ctx, completion(e)); err != nil {
		return now, err
	}
	if err := p.circuits.Passed(ctx, e.ID, outage.BodySize(e), outage.Call(journal.Completing)); err != nil {
		return now, err
	}
	return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Completing, To: journal.Verifying})
}

// completion is the body of /asset/complete for the entry's attempt.
func completion(e journal.Entry) tenovos.Completion {
	c := tenovos.Completion{
		FileID: e.Attempt.FileID, OriginalFileID: e.Attempt.OriginalFileID,
		UploadID: e.Attempt.UploadID, Filename: e.Filename, Size: e.Size,
	}
	for _, part := range e.Attempt.Parts {
		if part.ETag != "" {
			c.Parts = append(c.Parts, tenovos.CompletedPart{Number: part.Number, ETag: uploader.StrongETag(part.ETag)})
		}
	}
	return c
}

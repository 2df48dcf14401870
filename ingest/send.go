package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/content"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// sending is the stages from the first byte to the completed upload.
type sending struct{ *core }

// send sends the parts that have no ETag yet. A multipart upload is to be completed then:
// uploading -> completing. What a single PUT stored is recorded with the end of the stage:
// uploading -> filed, verified or verifying.
func (s *sending) send(ctx context.Context, w *work) (m journal.Move, err error) {
	if w.Kind != journal.File {
		return w.Moves(journal.Verifying, journal.Reason{}), nil
	}
	if m, held := s.holdBack(&w.Work, outage.ContentStore); held {
		return m, nil
	}
	src, err := s.open(w.Entry)
	if err != nil {
		return m, err
	}
	defer src.Close()
	src.Follow(s.folders[w.Folder].Wants)
	if !w.Alike(src.Hint()) {
		return m, fmt.Errorf("%s: %w", w.Path, uploader.ErrSourceChanged)
	}
	e, err := s.resume(ctx, w.Entry, src)
	if err != nil {
		return m, err
	}
	if e.Sent > 0 && e.Tries == 0 && e.Attempt.IntentAt.Before(s.started) {
		dropfolder.LogEntry(s.log.Info(), e).Int64("stored", e.Sent).Int64("bytes", e.Size).Msg("an interrupted upload goes on")
	}
	sent, sum, err := s.sendParts(ctx, e, src)
	e.Attempt = withStored(e.Attempt, sent)
	m.ID, m.From, m.Was = w.ID, journal.Uploading, &e
	if err == nil {
		m.Learned.Compared, err = content.Confirm(ctx, e, src)
	}
	if err != nil {
		return journal.Move{}, cmp.Or(s.keepStored(ctx, e, sent, sum), err)
	}
	if e.Attempt.UploadID != "" {
		if err := s.api.Ready(ctx); err != nil { // parts can take longer than a token lives
			return journal.Move{}, &stage.LookError{Err: err}
		}
		m.To = journal.Completing
		return m, nil
	}
	m.Was, m.Learned.SHA256, m.Learned.Attempt, m.Learned.Parts = nil, sum, e.Attempt.ID, sent
	m.To = s.landing(e)
	return m, nil
}

// landing is where an entry goes whose bytes were all stored by a single PUT: what the
// store answered may be proof enough, and the file may stay where it is.
func (s *sending) landing(e journal.Entry) journal.Status {
	switch {
	case !s.storeProves(e):
		return journal.Verifying
	case s.folders[e.Folder].After.Keeps():
		return journal.Filed
	}
	return journal.Verified
}

// withStored is an attempt with the parts that were just stored, as the journal will have it.
func withStored(a *journal.Attempt, stored []journal.Part) *journal.Attempt {
	out := *a
	out.Parts = slices.Clone(a.Parts)
	for _, p := range stored {
		i := slices.IndexFunc(out.Parts, func(o journal.Part) bool { return o.Number == p.Number })
		to := &out.Parts[i]
		to.ETag, to.MD5, to.Proven, to.DoneAt = p.ETag, p.MD5, p.Proven, p.DoneAt
		out.Unconfirmed = out.Unconfirmed || p.Contradicted
	}
	return &out
}

// sendParts uploads the missing parts, and records each one of a multipart upload as it is
// stored. It returns those that were stored, and the hash of the file, if that became known
// by the way.
func (s *sending) sendParts(ctx context.Context, e journal.Entry, src *uploader.Source) (sent []journal.Part, sum []byte, err error) {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	upload := s.hands.Sending(e.ID, e.Attempt.ID, e.Sent, abort)
	defer upload.Over()
	job := uploader.Job{
		Source:   src,
		Folder:   e.Folder,
		AnyETag:  e.Reason.Class == reasons.ClassChecksum, // it was contradicted before
		Stop:     s.drain,
		Progress: upload.Add,
	}
	for _, part := range e.Attempt.Parts {
		if part.ETag == "" {
			job.Parts = append(job.Parts, uploader.Part{Number: part.Number, Offset: part.Offset, Size: part.Size, URL: part.URL, Handed: e.Attempt.IntentAt})
		}
	}
	if len(job.Parts) == 0 {
		return nil, nil, nil
	}
	stored := make(chan journal.Part, len(job.Parts))
	hash := make(chan []byte, 1)
	job.Done = func(ctx context.Context, d uploader.Done) error {
		part := journal.Part{Number: d.Number, ETag: d.ETag, MD5: d.MD5, Proven: d.Comparable, Contradicted: d.Contradicts, DoneAt: s.now()}
		if err := s.partDone(ctx, e, upload, part, d.SHA256); err != nil {
			return err
		}
		stored <- part
		if d.SHA256 != nil { // which one part has at the most
			hash <- d.SHA256
		}
		return nil
	}
	err = s.store.Upload(ctx, job)
	s.foreign.Note(err, s.now())
	close(stored)
	for part := range stored {
		sent = append(sent, part)
	}
	select {
	case sum = <-hash:
	default:
	}
	return sent, sum, err
}

// partDone notes that a part is stored. Of a multipart upload that is recorded at once.
func (s *sending) partDone(ctx context.Context, e journal.Entry, upload *hands.Upload, part journal.Part, sum []byte) error {
	ctx, cancel := journal.Recording(ctx)
	defer cancel()
	s.gate.Worked()
	if !part.Proven {
		s.log.Debug().Str("folder", e.Folder).Str("path", e.Path).Int("part", part.Number).
			Msg("this part's ETag is not the MD5 of its bytes: it proves nothing")
	}
	if e.Attempt.UploadID != "" {
		if err := s.keepParts(ctx, e, sum, part); err != nil {
			return err
		}
	}
	i := slices.IndexFunc(e.Attempt.Parts, func(p journal.Part) bool { return p.Number == part.Number })
	upload.Stored(e.Attempt.Parts[i].Size)
	return s.circuits.Passed(ctx, e.ID, e.Attempt.Parts[i].Size, outage.ContentStore)
}

// keepStored records what a single PUT stored where the stage ends without a move that
// would: it is not to be sent again.
func (s *sending) keepStored(ctx context.Context, e journal.Entry, sent []journal.Part, sum []byte) error {
	if e.Attempt.UploadID != "" || len(sent) == 0 {
		return nil
	}
	ctx, cancel := journal.Recording(ctx)
	defer cancel()
	return s.keepParts(ctx, e, sum, sent...)
}

// keepParts records parts that were stored, and the file's hash, if that is known by then.
func (s *sending) keepParts(ctx context.Context, e journal.Entry, sum []byte, stored ...journal.Part) error {
	if err := s.journal.Learn(ctx, e.ID, journal.Learned{SHA256: sum, Attempt: e.Attempt.ID, Parts: stored}); err != nil {
		return &journalError{err}
	}
	return nil
}

// journalError keeps a journal's failure recognisable behind the uploader's.
type journalError struct{ err error }

func (e *journalError) Error() string { return "the journal cannot keep up: " + e.err.Error() }
func (e *journalError) Unwrap() error { return e.err }

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
	if err := f.Learn(ctx, 0, journal.Learned{Attempt: attempt, Proven: true}); err != nil {
		return &journalError{err}
	}
	return nil
}

// complete asks Tenovos to put the parts together, by an intent that was just recorded:
// completing -> verifying. An intent that is found is in doubt: the process died, or the
// reply was lost, before the answer, and the content may be in place already.
func (s *sending) complete(ctx context.Context, w *work) (journal.Move, error) {
	if !w.fresh {
		return s.recoverComplete(ctx, w)
	}
	if err := s.api.CompleteUpload(ctx, completion(w.Entry)); err != nil {
		return journal.Move{}, err
	}
	s.passed(&w.Work, outage.BodySize(w.Entry), outage.Call(journal.Completing))
	return w.Moves(journal.Verifying, journal.Reason{}), nil
}

// maxLooks bounds how often a completion that stays unanswered is looked into
// and repeated before a cancel settles it.
const maxLooks = 3

// recoverComplete looks at the asset first and completes again only where no
// content is to be seen. A store that knows no such upload may have completed it.
// After maxLooks a cancel is sent, which tells: an upload that it finds open was
// never completed, and one that it does not find has its content waited for.
func (s *sending) recoverComplete(ctx context.Context, w *work) (journal.Move, error) {
	unconfirmed := w.Moves(journal.Verifying, reasons.Unconfirmed)
	unconfirmed.Unconfirmed = true
	if w.Tries >= maxLooks && w.Reason.Class != reasons.ClassIntermediary && w.Reason.Class != reasons.ClassHeldUp {
		return s.giveUp(w.Entry, newAttempt(w.Entry, errNoCompletion, limits{attempts: s.cfg.MaxAttempts}, reasons.ClassAmbiguous,
			"Tenovos gives no clear answer to the upload's completion. Show this file's name to Tenovos support."))
	}
	if m, held := s.holdBack(&w.Work, outage.Call(w.Status)); held {
		return m, nil
	}
	asset, err := s.api.Asset(ctx, w.Attempt.FileID)
	if err != nil {
		return journal.Move{}, &stage.LookError{Err: fmt.Errorf("look at the asset of a lost completion: %w", err)}
	}
	if asset.HasContent {
		return unconfirmed, nil
	}
	err = s.api.CompleteUpload(ctx, completion(w.Entry))
	switch {
	case err == nil:
		s.passed(&w.Work, outage.BodySize(w.Entry), outage.Call(journal.Completing))
		return w.Moves(journal.Verifying, journal.Reason{}), nil
	case errors.Is(err, tenovos.ErrNotFound), errors.Is(err, tenovos.ErrNoSuchUpload):
		return unconfirmed, nil
	}
	return journal.Move{}, err
}

var errNoCompletion = errors.New("the completion of the upload was not answered, time after time, and no content is to be seen")

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

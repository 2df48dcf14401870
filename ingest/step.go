package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/batches"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// step moves an entry one status on, or says why it cannot. It returns the entry as its
// last move left it. That is zero where something else became of it, for instance that it
// waits: then it has to be read again. An intent that a worker finds, rather than makes,
// was left by a crash or a lost reply.
func (p *Pipeline) step(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if now, err = p.obeyCancel(ctx, e); now.ID != 0 || err != nil {
		return now, err
	}
	switch e.Status {
	case journal.Settled:
		return p.mapFile(ctx, e)
	case journal.Mapped:
		return p.create(ctx, e)
	case journal.Uploading:
		return p.upload(ctx, e)
	case journal.Creating, journal.Completing:
		return p.recover(ctx, e)
	case journal.Verifying:
		return p.verify(ctx, e)
	case journal.Verified:
		return p.fileAway(ctx, e)
	case journal.Cancelling:
		return p.cancelUpload(ctx, e)
	default:
		return now, fmt.Errorf("entry %d: no step leads on from %s", e.ID, e.Status)
	}
}

// mapFile decides what a settled file becomes: settled -> mapped, or a rest.
func (p *Pipeline) mapFile(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if e.Kind != journal.File {
		return p.mapFileless(ctx, e)
	}
	folder := p.folders[e.Folder]
	src, err := p.open(e)
	if err != nil {
		return now, err
	}
	defer src.Close()
	if found := e.With(src.Hint()); found.Stat != e.Stat {
		if !e.Alike(found.Stat) {
			return now, p.resettle(ctx, e, found, folder.Settle)
		}
		if err := p.resettle(ctx, e, found, 0); err != nil {
			return now, err
		}
		if e, err = p.journal.Entry(ctx, e.ID); err != nil { // nothing was sent: it is what it is now
			return now, err
		}
	}
	if err := src.Readable(); err != nil {
		return now, err
	}
	if e.Size > p.cfg.MaxFileSize {
		return now, &verdictError{verdict{to: journal.Failed, reason: reasons.TooLarge(e.Size, p.cfg.MaxFileSize)}}
	}

	prev, _, err := p.journal.Reader().Previous(ctx, e)
	if err != nil {
		return now, err
	}
	original, done, err := p.recognise(ctx, e, &content{src: src}, prev)
	if done || err != nil {
		return now, err
	}
	factsAt := p.now() // what a companion tells from now on may be missed
	m, err := p.rules(e, "")
	if errors.Is(err, dropfolder.ErrNoRule) {
		return now, &verdictError{verdict{to: journal.Ignored, reason: reasons.NoRule}}
	}
	if err != nil {
		return now, err
	}
	if to, reason, rests := folder.Empty.Rest(e.Size); rests {
		return now, &verdictError{verdict{to: to, reason: reason}}
	}
	if until := e.SeenAt.Add(m.Wait); m.Wait > 0 && p.now().Before(until) {
		return now, deferEntry(ctx, p.journal, e.ID, e.Status, until, reasons.WaitsFor(m.Waits, until), false)
	}
	if len(m.Problems) > 0 {
		return now, metadataRefusal(m)
	}
	p.logMissed(e, m)
	m.Asset.Size, m.Asset.OriginalFileID = e.Size, original
	return p.decide(ctx, e, m.Asset, factsAt, prev.ID)
}

// resettle answers a file that is no longer what the watcher saw: when a newer
// generation is recorded already, that one carries on; else this one does, once
// the file has been quiet again.
func (p *Pipeline) resettle(ctx context.Context, e journal.Entry, found file.File, quiet time.Duration) error {
	newer, err := p.journal.Reader().HasNewer(ctx, e)
	if err != nil {
		return err
	}
	if newer {
		return &verdictError{verdict{to: journal.Superseded, reason: reasons.Changed}}
	}
	return rehint(ctx, p.journal, e.ID, found, p.now().Add(quiet))
}

// create asks Tenovos for the asset: mapped -> creating -> uploading. Only one
// create of a filename is in doubt at any time, because an asset whose reply was
// lost can be told from another only by its name.
func (p *Pipeline) create(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if e.InDrop {
		until, why := batches.Waits(e, p.now())
		return now, waitForDrop(ctx, p.journal, e.ID, until, why)
	}
	asset, err := dropfolder.StoredAsset(e)
	if err != nil {
		return now, err
	}
	needs := []string{outage.Create(asset), outage.Call(journal.Creating), outage.Call(journal.Mapped)}
	if e.Kind == journal.File {
		needs = append(needs, outage.ContentStore)
	}
	if held, err := p.holdBack(ctx, e, needs...); held || err != nil {
		return now, err
	}
	// The intent tells whether another create of the name is in doubt. That is asked ahead
	// of it where something of the account's may be taken over first, and by an entry that
	// has waited: so it need not look at its file time after time.
	if p.cfg.Adopt || asset.OriginalFileID != "" || e.Tries > 0 {
		busy, err := p.journal.Reader().NameCreating(ctx, asset.Filename)
		if err != nil {
			return now, err
		}
		if busy {
			return now, p.waitForName(ctx, e)
		}
	}
	if e.Kind == journal.File {
		if err := p.foreign.refusal(p.now()); err != nil {
			return now, err
		}
		if err := p.unchanged(e); err != nil {
			return now, err
		}
	}
	if err := p.api.Ready(ctx); err != nil { // before the intent: a refused login creates nothing
		return now, &lookError{err}
	}
	if now, err = p.adopt(ctx, e, asset); err != nil {
		return now, &holdingsError{err}
	}
	if err := p.circuits.Passed(ctx, e.ID, math.MaxInt64, outage.Call(journal.Mapped)); now.ID != 0 || err != nil {
		return now, err
	}
	now, err = p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Mapped, To: journal.Creating})
	if errors.Is(err, journal.ErrNameBusy) {
		return now, p.waitForName(ctx, e)
	}
	if err != nil {
		return now, err
	}
	up, err := p.api.CreateAsset(ctx, asset)
	if err != nil {
		return p.notCreated(ctx, e, asset, up, err)
	}
	p.gate.Worked()
	p.skew.Log()
	created, err := plan(e, up)
	if err != nil {
		r := reasons.Of(reasons.ClassPlan, err, "The store handed out a number of upload URLs that fits no documented part size. Report it to Tenovos support; `ingestd retry ID` tries again.")
		return p.advance(ctx, journal.Move{
			ID: e.ID, From: journal.Creating, To: journal.Cancelling, Outcome: journal.Failed, Created: &created, Reason: r,
		})
	}
	if now, err = p.advance(ctx, journal.Move{ID: e.ID, Was: &now, From: journal.Creating, To: journal.Uploading, Created: &created}); err != nil {
		return now, err
	}
	return now, p.circuits.Passed(ctx, e.ID, math.MaxInt64, outage.Create(asset), outage.Call(journal.Creating))
}

// notPerformedError is a create of which it is certain that it made no asset.
type notPerformedError struct{ err error }

func (e *notPerformedError) Error() string { return e.err.Error() }
func (e *notPerformedError) Unwrap() error { return e.err }

// notCreated sorts out a create that failed. Only here is it known whether the
// call took place; whoever finds the entry in creating later knows nothing.
func (p *Pipeline) notCreated(ctx context.Context, e journal.Entry, asset tenovos.NewAsset, up tenovos.Upload, cause error) (now journal.Entry, err error) {
	switch {
	case up.ObjectID != "": // made, but the reply is of no use
		r := reasons.Of(reasons.ClassAmbiguous, cause, "Tenovos makes assets, and does not say where their content goes. Show the message to Tenovos support.")
		everyones, wakeNext := p.circuits.RefusedAlike(e.ID, outage.Call(journal.Creating), r)
		if err := wakeNext(ctx); err != nil {
			return now, err
		}
		return p.advance(ctx, journal.Move{
			ID: e.ID, From: journal.Creating, To: journal.Cancelling, Outcome: journal.Mapped, CountFailure: !everyones,
			Created: &journal.Creation{ObjectID: up.ObjectID, FileID: up.FileID, OriginalFileID: up.OriginalFileID, UploadID: up.UploadID},
			Reason:  r,
		})
	case errors.Is(cause, tenovos.ErrAmbiguous):
		return now, cause
	case errors.Is(cause, tenovos.ErrIntermediary) && !errors.Is(cause, tenovos.ErrSession):
		return now, cause // who answers in Tenovos' place may have let the call through: it is looked for
	case asset.OriginalFileID != "" && (errors.Is(cause, tenovos.ErrRejected) || errors.Is(cause, tenovos.ErrNotFound)):
		if gone, lookErr := p.holdings.Gone(ctx, asset.OriginalFileID); lookErr == nil && gone {
			return now, &verdictError{verdict{to: journal.Held, reason: reasons.OriginalGone}}
		}
	}
	return now, &notPerformedError{cause}
}

// waitForName lets an entry wait for another create of its filename.
func (p *Pipeline) waitForName(ctx context.Context, e journal.Entry) error {
	wait := min(nameBusyWait<<min(e.Tries, 10), nameBusyMax)
	return deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(wait), e.Reason, false)
}

// How long a create waits for another of the same filename.
const (
	nameBusyWait = 50 * time.Millisecond
	nameBusyMax  = 5 * time.Second
)

// plan turns the reply to a create into what the journal stores. On an error the
// result still holds the ids, so that the upload can be cancelled.
func plan(e journal.Entry, up tenovos.Upload) (journal.Creation, error) {
	c := journal.Creation{ObjectID: up.ObjectID, FileID: up.FileID, OriginalFileID: up.OriginalFileID, UploadID: up.UploadID}
	if e.Kind != journal.File { // nothing is uploaded
		return c, nil
	}
	urls := make([]uploader.URL, len(up.URLs))
	for i, u := range up.URLs {
		urls[i] = uploader.URL(u)
	}
	parts, err := uploader.Plan(e.Size, urls)
	if err != nil {
		return c, err
	}
	c.PartSize = parts[0].Size
	c.Parts = make([]journal.Part, len(parts))
	for i, part := range parts {
		c.Parts[i] = journal.Part{Number: part.Number, Offset: part.Offset, Size: part.Size, URL: part.URL}
		if t, ok := uploader.Expiry(part.URL); ok && (c.Expires.IsZero() || t.Before(c.Expires)) {
			c.Expires = t
		}
	}
	return c, nil
}

// open opens an entry's file beneath its drop folder, where it was moved to if it
// was.
func (p *Pipeline) open(e journal.Entry) (*uploader.Source, error) {
	return p.openFor(e.ID, e)
}

// openFor opens an entry's file in the flight of another, id.
func (p *Pipeline) openFor(id int64, e journal.Entry) (*uploader.Source, error) {
	at := e.Path
	if e.Status.Resting() && e.MovedTo != "" {
		at = e.MovedTo
	}
	return p.mounts.Source(e.Folder, at, id, e.Stat)
}

// rules applies the rules of an entry's folder to it; at is as Folder.Map has it. A
// companion that is not there is only missing if the folder is there.
func (p *Pipeline) rules(e journal.Entry, at string) (dropfolder.Mapped, error) {
	if err := p.mounts.Check(e.Folder, e.ID); err != nil {
		return dropfolder.Mapped{}, err
	}
	returned := p.mounts.BeginMixed(e.Folder, e.ID) // the account may be asked for new names
	m, err := p.folders[e.Folder].Map(e.File, at)
	returned()
	if err := p.mounts.Check(e.Folder, e.ID); err != nil {
		return dropfolder.Mapped{}, err
	}
	return m, err
}

// unchanged reports ErrSourceChanged when the file is not what was mapped, and
// file.ErrLocked when it cannot be read for now. The watcher sends round again what was
// touched while it waited.
func (p *Pipeline) unchanged(e journal.Entry) error {
	src, err := p.open(e)
	if err != nil {
		return err
	}
	defer src.Close()
	if !e.Alike(src.Hint()) {
		return fmt.Errorf("%s: %w", e.Path, uploader.ErrSourceChanged)
	}
	return src.Readable()
}

// isGone reports that the file is not there any more, though its folder is.
func isGone(err error) bool { return errors.Is(err, uploader.ErrSourceGone) }

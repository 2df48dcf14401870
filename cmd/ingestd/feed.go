package main

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/follow"
	"github.com/tenovos-ingest/ingestd/internal/receipts"
	"github.com/tenovos-ingest/ingestd/journal"
)

// eventFeed is the journal's events as those read them who live outside of it.
type eventFeed struct{ events journal.Events }

// After implements follow.Feed.
func (f eventFeed) After(ctx context.Context, id int64, limit int) ([]follow.Event, error) {
	events, err := f.events.After(ctx, id, limit)
	out := make([]follow.Event, len(events))
	for i, e := range events {
		out[i] = eventOf(e)
	}
	return out, err
}

func eventOf(e journal.Event) follow.Event {
	out := follow.Event{
		ID: e.ID, Time: e.At, Folder: e.Folder, Path: e.Path, Entry: e.EntryID,
		Reason: e.Reason.Message, Hint: e.Reason.Hint, ObjectID: e.ObjectID,
	}
	switch {
	case e.EntryID == 0:
		out.Kind = string(e.Kind)
		if e.Kind == journal.EventDropDone { // see recordDrop
			out.Path, out.Reason, out.Hint = e.Reason.Message, e.Reason.Hint, ""
		}
	case !e.Stays():
		out.Status, out.Was = string(e.Kind), string(e.Was)
	}
	return out
}

// recordDrop makes an event of a drop that is done; the journal keeps its name and what became
// of its files in the texts of a reason.
func recordDrop(ctx context.Context, j *journal.Journal, folder, dir, summary string) error {
	return journal.RecordEvent(ctx, j, folder, journal.EventDropDone, journal.Reason{Message: dir, Hint: summary})
}

// recordPause makes an event of a wait that lasts, or is over. Nothing depends on it.
func recordPause(j *journal.Journal, log zerolog.Logger) func(folder, why string) {
	return func(folder, why string) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		kind := journal.EventResumed
		if why != "" {
			kind = journal.EventPaused
		}
		if err := journal.RecordEvent(ctx, j, folder, kind, journal.Reason{Message: why}); err != nil {
			log.Warn().Err(err).Str("folder", folder).Msg("that the folder waits, or goes on, could not be recorded")
		}
	}
}

// saidBefore reports that an entry came back to the rest that it had left, for the same reason:
// that is no news. One that failed is tried again only because somebody asked for it.
func saidBefore(ctx context.Context, r *journal.Reader, e follow.Event) (bool, error) {
	switch journal.Status(e.Status) {
	case journal.Held, journal.Ignored, journal.Duplicate:
	default:
		return false, nil
	}
	events, err := journal.EventsOf(r).Of(ctx, e.Entry)
	said := false
	for _, earlier := range events {
		if earlier.ID >= e.ID {
			break
		}
		if !earlier.Stays() && journal.Status(earlier.Kind).Resting() {
			said = string(earlier.Kind) == e.Status && earlier.Reason.Message == e.Reason
		}
	}
	return said, err
}

// factsOf is what a receipt tells of an entry beside its event.
func factsOf(ctx context.Context, r *journal.Reader, e follow.Event) (receipts.Facts, error) {
	entry, err := r.Entry(ctx, e.Entry)
	if errors.Is(err, journal.ErrUnknown) { // forgotten since
		return receipts.Facts{ObjectID: e.ObjectID}, nil
	}
	if err != nil {
		return receipts.Facts{}, err
	}
	f := receipts.Facts{ObjectID: entry.ObjectID, FileID: entry.FileID}
	if f.Version, err = journal.OutwardOf(r).Version(ctx, entry); err != nil {
		return f, err
	}
	if len(entry.SHA256) > 0 {
		f.Checksum = "sha256:" + hex.EncodeToString(entry.SHA256)
		return f, nil
	}
	if entry.FileID == "" {
		return f, nil
	}
	entry, _, err = r.LastAttempt(ctx, entry)
	if err == nil && entry.Attempt != nil && len(entry.Attempt.Parts) == 1 && len(entry.Attempt.Parts[0].MD5) > 0 {
		f.Checksum = "md5:" + hex.EncodeToString(entry.Attempt.Parts[0].MD5)
	}
	return f, err
}

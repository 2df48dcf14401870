package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Selection says which entries a request is about: those that match every field
// that is set. Statuses are those of the request's kind where none are given.
type Selection struct {
	IDs      []int64          `json:"ids,omitempty"`
	Statuses []journal.Status `json:"statuses,omitempty"`
	Folders  []string         `json:"folders,omitempty"`
	Since    time.Time        `json:"since,omitzero"` // last moved at or after
	Until    time.Time        `json:"until,omitzero"` // last moved before
	// Class and Alike are about entries with one reason, see reasons.Form; "" is any.
	Class string `json:"class,omitempty"`
	Alike string `json:"alike,omitempty"`
	// AsNew makes a retried file an asset of its own where it would be a version.
	AsNew bool `json:"as_new,omitempty"`

	asked time.Time // what came later is not meant
}

// Covers reports whether an entry lies within the selection's times, and has its reason.
func (s Selection) Covers(e journal.Entry) bool {
	return (s.Class == "" || s.Class == e.Reason.Class) && (s.Alike == "" || s.Alike == reasons.Form(e.Reason.Message, e.Path)) &&
		(s.Since.IsZero() || !e.Since.Before(s.Since)) && (s.Until.IsZero() || e.Since.Before(s.Until))
}

// Outcome is what a request did to one entry.
type Outcome struct {
	ID     int64  `json:"id"`
	Folder string `json:"folder"`
	Path   string `json:"path"`
	// Result is what became of it: requeued, cancelled, ingested, withdrawn,
	// restored, updated, same, ok, wrong, missing, unknown, skipped or failed; cancelling
	// and updating where the rest is done when Tenovos answers again.
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
}

// Good reports that the operator got what was asked for.
func (o Outcome) Good() bool {
	switch o.Result {
	case "wrong", "missing", "unknown", "skipped", "failed", cancelling, updating:
		return false
	}
	return true
}

func unfinished() []journal.Status {
	var out []journal.Status
	for s := range journal.Moves() {
		if s.Runnable() {
			out = append(out, s)
		}
	}
	return out
}

// entryFunc is what a request does to one entry.
type entryFunc func(ctx context.Context, e journal.Entry, s Selection) (Outcome, error)

// selectedFunc is what a request does to the entries of its selection.
type selectedFunc func(ctx context.Context, selected []subject, s Selection) ([]Outcome, error)

// selecting makes a handler of what is to be done to the entries of a selection.
func (d *Desk) selecting(do selectedFunc, statuses ...journal.Status) Handler {
	return func(ctx context.Context, r journal.Request) (any, error) {
		var s Selection
		if err := json.Unmarshal(r.Args, &s); err != nil {
			return nil, fmt.Errorf("the request cannot be read: %w", err)
		}
		s.asked = r.AskedAt
		if len(s.IDs) == 0 && len(s.Statuses) == 0 {
			s.Statuses = statuses
		}
		selected, err := d.selected(ctx, s)
		if err != nil {
			return nil, err
		}
		return do(ctx, selected, s)
	}
}

// each does one entry after the other. An entry that cannot be served does not stop the
// others.
func (d *Desk) each(do entryFunc) selectedFunc {
	return func(ctx context.Context, selected []subject, s Selection) ([]Outcome, error) {
		outcomes := []Outcome{}
		for _, e := range selected {
			o, err := d.serveEntry(ctx, e.id, s, do)
			if err != nil {
				return nil, err
			}
			outcomes = append(outcomes, o)
		}
		return outcomes, nil
	}
}

// subject is an entry that a request is about, as it was when the request was taken up;
// of one that the journal does not know there is the id alone.
type subject struct {
	id           int64
	folder, path string
	queued       bool // nothing was begun of it
}

// selected lists the entries of a selection. They are read before anything is
// done: a reader must not stay open while entries change.
func (d *Desk) selected(ctx context.Context, s Selection) ([]subject, error) {
	var out []subject
	filter := journal.Filter{IDs: s.IDs, Statuses: s.Statuses, Folders: s.Folders}
	err := d.Reader.Entries(ctx, filter, func(e journal.Entry) error {
		if s.Covers(e) && (s.asked.IsZero() || !e.SeenAt.After(s.asked)) {
			out = append(out, subject{e.ID, e.Folder, e.Path, e.Status == journal.Settled || e.Status == journal.Mapped})
		}
		return nil
	})
	for _, id := range s.IDs {
		if err == nil && !slices.ContainsFunc(out, func(e subject) bool { return e.id == id }) {
			out = append(out, subject{id: id}) // so that it is answered as unknown
		}
	}
	return out, err
}

// unknown is the outcome for an entry that there is not.
func unknown(id int64) Outcome {
	return Outcome{ID: id, Result: "unknown", Detail: "the journal has no such entry in this selection"}
}

// serveEntry does one entry. Only trouble that all would have is an error.
func (d *Desk) serveEntry(ctx context.Context, id int64, s Selection, do entryFunc) (Outcome, error) {
	e, err := d.Journal.Entry(ctx, id)
	if errors.Is(err, journal.ErrUnknown) {
		return unknown(id), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	o, err := do(ctx, e, s)
	o.ID, o.Folder, o.Path = e.ID, e.Folder, e.Path
	switch {
	case errors.Is(err, journal.ErrMoved):
		o.Result, o.Detail = "skipped", "it moved on in the meantime"
	case err != nil && (outage.Everybodys(err) || errors.Is(err, journal.ErrJournal) || ctx.Err() != nil):
		return o, err
	case err != nil:
		o.Result, o.Detail = "failed", reasons.Message(err)
	}
	return o, nil
}

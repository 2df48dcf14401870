package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Kinds of the requests that the pipeline answers itself.
const (
	RequestRetry    = "retry"
	RequestCancel   = "cancel"
	RequestVerify   = "verify"
	RequestWithdraw = "withdraw"
	RequestRestore  = "restore"
)

// Selection says which entries a request is about: those that match every field
// that is set. Statuses are those of the request's kind where none are given.
type Selection struct {
	IDs      []int64          `json:"ids,omitempty"`
	Statuses []journal.Status `json:"statuses,omitempty"`
	Folders  []string         `json:"folders,omitempty"`
	Since    time.Time        `json:"since,omitzero"` // last moved at or after
	Until    time.Time        `json:"until,omitzero"` // last moved before
	// AsNew makes a retried file an asset of its own where it would be a version.
	AsNew bool `json:"as_new,omitempty"`

	asked time.Time // what came later is not meant
}

// Covers reports whether an entry lies within the selection's times.
func (s Selection) Covers(e journal.Entry) bool {
	return (s.Since.IsZero() || !e.Since.Before(s.Since)) && (s.Until.IsZero() || e.Since.Before(s.Until))
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

// operators are the requests that the pipeline answers: which statuses each is
// about, and what it does to one entry. Each may be carried out again after a
// crash, because a request stays in the journal until it is answered.
func (p *Pipeline) operators() map[string]Handler {
	return map[string]Handler{
		RequestRetry:    p.operator(p.each(p.retry), journal.Failed, journal.Held),
		RequestCancel:   p.operator(p.cancelSelected, unfinished()...),
		RequestVerify:   p.operator(p.each(p.verifyAgain), journal.Filed),
		RequestWithdraw: p.operator(p.each(p.withdraw), journal.Filed),
		RequestRestore:  p.operator(p.each(p.restore), journal.Withdrawn),
		RequestUpdate:   p.serveUpdate,
		RequestPing:     pong,
	}
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

// operator makes a handler of what is to be done to the entries of a selection.
func (p *Pipeline) operator(do selectedFunc, statuses ...journal.Status) Handler {
	return func(ctx context.Context, r journal.Request) (any, error) {
		var s Selection
		if err := json.Unmarshal(r.Args, &s); err != nil {
			return nil, fmt.Errorf("the request cannot be read: %w", err)
		}
		s.asked = r.AskedAt
		if len(s.IDs) == 0 && len(s.Statuses) == 0 {
			s.Statuses = statuses
		}
		selected, err := p.selected(ctx, s)
		if err != nil {
			return nil, err
		}
		return do(ctx, selected, s)
	}
}

// each does one entry after the other. An entry that cannot be served does not stop the
// others.
func (p *Pipeline) each(do entryFunc) selectedFunc {
	return func(ctx context.Context, selected []subject, s Selection) ([]Outcome, error) {
		outcomes := []Outcome{}
		for _, e := range selected {
			o, err := p.serveEntry(ctx, e.id, s, do)
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
func (p *Pipeline) selected(ctx context.Context, s Selection) ([]subject, error) {
	var out []subject
	filter := journal.Filter{IDs: s.IDs, Statuses: s.Statuses, Folders: s.Folders}
	err := p.journal.Reader().Entries(ctx, filter, func(e journal.Entry) error {
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

// serveEntry does one entry. Only trouble that all would have is an error.
func (p *Pipeline) serveEntry(ctx context.Context, id int64, s Selection, do entryFunc) (Outcome, error) {
	e, err := p.journal.Entry(ctx, id)
	if errors.Is(err, journal.ErrUnknown) {
		return Outcome{ID: id, Result: "unknown", Detail: "the journal has no such entry in this selection"}, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	o, err := do(ctx, e, s)
	o.ID, o.Folder, o.Path = e.ID, e.Folder, e.Path
	switch {
	case errors.Is(err, journal.ErrMoved):
		o.Result, o.Detail = "skipped", "it moved on in the meantime"
	case err != nil && (everyonesTrouble(err) || errors.Is(err, journal.ErrJournal) || ctx.Err() != nil):
		return o, err
	case err != nil:
		o.Result, o.Detail = "failed", reasons.Message(err)
	}
	return o, nil
}

// retry sends a resting entry round again. What was handed over but never seen
// right is looked at again, not uploaded again.
func (p *Pipeline) retry(ctx context.Context, e journal.Entry, s Selection) (Outcome, error) {
	m := journal.Move{ID: e.ID, From: e.Status, To: journal.Settled, ResetCounts: true, AsNew: s.AsNew}
	p.foreign.forget()
	switch {
	case e.Status == journal.Held && e.Reason.Class == journal.ClassUnverified && s.AsNew:
		if why := p.gate.reason(); why != "" {
			return Outcome{Result: "skipped", Detail: "its asset has to be looked at first, and Tenovos is waited for: " + why}, nil
		}
		return p.startOver(ctx, e, m)
	case e.Status == journal.Held && e.Reason.Class == journal.ClassUnverified:
		m.To, m.Unconfirmed = journal.Verifying, true
	case e.Status == journal.Superseded:
		return Outcome{Result: "skipped", Detail: "it is superseded: " + e.Reason.Message + "; what lies at its path now has an entry of its own, or gets one when it comes"}, nil
	case e.Status == journal.Filed || !e.Status.Resting():
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
	}
	if !p.hands.Take(e) {
		return Outcome{Result: "skipped", Detail: "its file is just being moved; try again"}, nil
	}
	defer p.hands.Release(e.ID)
	e, err := p.journal.Entry(ctx, e.ID) // its file may have been moved meanwhile
	if err == nil {
		err = p.filer.BringBack(ctx, e)
	}
	if err != nil {
		return Outcome{}, err
	}
	_, err = p.advance(ctx, m)
	if err == nil && e.Taken() {
		err = ignoreMoved(p.rehint(ctx, e))
	}
	if err == nil {
		p.wake()
	}
	o := Outcome{Result: "requeued"}
	if why := p.gate.reason(); why != "" {
		o.Detail = "it goes on when Tenovos answers: " + why
	}
	return o, err
}

// rehint tells the journal what a file that is back looks like, so that it is not
// taken for a new drop.
func (p *Pipeline) rehint(ctx context.Context, e journal.Entry) error {
	e.MovedTo = "" // it is back
	src, err := p.open(e)
	if err != nil {
		return nil //nolint:nilerr // whoever maps the entry finds out why
	}
	defer src.Close()
	return rehint(ctx, p.journal, e.ID, e.With(src.Hint()), time.Time{})
}

// startOver gives up an upload that was handed over but never seen right: where
// Tenovos shows no content, it is cancelled, its empty asset removed, and the file
// sent round again.
func (p *Pipeline) startOver(ctx context.Context, e journal.Entry, m journal.Move) (Outcome, error) {
	a, err := p.api.Asset(ctx, e.FileID)
	switch {
	case err != nil && !errors.Is(err, tenovos.ErrNotFound):
		return Outcome{}, err
	case err == nil && a.HasContent && !a.Deleted():
		return Outcome{Result: "skipped", Detail: fmt.Sprintf("asset %s holds content: look at it, or retry without --as-new", e.ObjectID)}, nil
	}
	last, ok, err := p.journal.LastAttempt(ctx, e)
	if err != nil {
		return Outcome{}, err
	}
	if ok {
		if m.Chores, err = p.cleanUp(last, true); err != nil {
			return Outcome{}, err
		}
	}
	_, err = p.advance(ctx, m)
	p.wake()
	return Outcome{Result: "requeued"}, err
}

// The results of what is recorded, and done when Tenovos answers again.
const (
	cancelling = "cancelling"
	updating   = "updating"
)

// cancelPoll is how often an entry that is being cancelled is looked at.
const cancelPoll = 50 * time.Millisecond

// cancel stops an entry that is marked as unwanted: its upload is cancelled and its empty
// asset removed. One whose content was already handed over is ingested instead.
func (p *Pipeline) cancel(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	for {
		switch {
		case e.Status == journal.Cancelled:
			return Outcome{Result: "cancelled"}, nil
		case e.Status == journal.Filed, e.Status == journal.Verified:
			return Outcome{Result: "ingested", Detail: "its content was handed over already; `ingestd withdraw ID` removes the asset"}, nil
		case e.InDrop && (e.Status == journal.Held || e.Status == journal.Failed): // its drop goes without it
			_, err := p.advance(ctx, journal.Move{ID: e.ID, From: e.Status, To: journal.Cancelled, Reason: reasons.Cancelled})
			return Outcome{Result: "cancelled"}, err
		case e.Status.Resting():
			return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
		}
		if p.gate.reason() != "" && e.Status != journal.Settled && e.Status != journal.Mapped {
			why, err := p.gate.outlasts(ctx, p.drain)
			if err != nil {
				return Outcome{}, err
			}
			if o, over := cancelWithout(e, why); over {
				return o, nil
			}
		}
		if e.Reason.Class == reasons.ClassHeldUp && e.NotBefore.After(p.now()) {
			if !p.holdups.any() { // an earlier process put it off
				if err := p.holdups.hasten(ctx); err != nil {
					return Outcome{}, err
				}
			} else if o, over := cancelWithout(e, e.Reason.Message); over {
				return o, nil
			}
		}
		if p.hands.Take(e) { // nobody works on it: this goroutine does
			if _, err := p.obeyCancel(ctx, e); err != nil && !errors.Is(err, journal.ErrMoved) {
				p.hands.Release(e.ID)
				return Outcome{}, err
			}
			if err := p.work(ctx, e.ID, journal.Entry{}); err != nil { // it was read before it was taken
				return Outcome{}, err
			}
		} else {
			p.hands.Abort(e.ID)
		}
		if p.mounts.Stuck()[e.ID] {
			return Outcome{Result: "skipped", Detail: "the file system of its folder does not answer: try again when it does"}, nil
		}
		before := e.Status
		var err error
		if e, err = p.journal.Entry(ctx, e.ID); err != nil {
			return Outcome{}, err
		}
		if e.Status != before {
			continue
		}
		select {
		case <-time.After(cancelPoll):
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		}
		if e, err = p.journal.Entry(ctx, e.ID); err != nil {
			return Outcome{}, err
		}
	}
}

// cancelWithout says what can be done for an entry that is to be cancelled while
// Tenovos is waited for, if nothing more can be: why is "" while it is not.
func cancelWithout(e journal.Entry, why string) (Outcome, bool) {
	switch {
	case why == "", e.Status == journal.Settled, e.Status == journal.Mapped, e.Status == journal.Uploading:
		return Outcome{}, false // the intent is recorded
	case e.Status == journal.Cancelling && e.Outcome == journal.Cancelled:
		return Outcome{Result: cancelling, Detail: "its upload is ended and its empty asset removed when Tenovos answers again: " + why}, true
	}
	return Outcome{Result: "skipped", Detail: fmt.Sprintf("it is %s, and what became of that only Tenovos can tell, which is waited for: cancel it again when it answers: %s", e.Status, why)}, true
}

// verifyAgain asks Tenovos about what was ingested. It changes nothing.
func (p *Pipeline) verifyAgain(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	if e.FileID == "" {
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status) + " and has no asset"}, nil
	}
	a, err := p.api.Asset(ctx, e.FileID)
	switch {
	case errors.Is(err, tenovos.ErrNotFound):
		return Outcome{Result: "missing", Detail: fmt.Sprintf("Tenovos has no asset %s, or this account may not see it", e.ObjectID)}, nil
	case err != nil:
		return Outcome{}, fmt.Errorf("look at asset %s: %w", e.ObjectID, err)
	case a.Deleted():
		return Outcome{Result: "missing", Detail: fmt.Sprintf("asset %s is in the recycle bin", e.ObjectID)}, nil
	case e.Kind != journal.File:
		return Outcome{Result: "ok", Detail: "it is " + string(e.Kind) + ": no content was handed over"}, nil
	case !a.HasContent:
		return Outcome{Result: "wrong", Detail: fmt.Sprintf("asset %s shows no content (yet)", e.ObjectID)}, nil
	case a.MD5 == "":
		return Outcome{Result: "ok", Detail: "content is there; Tenovos names no checksum"}, nil
	}
	prev, ok, err := p.journal.LastAttempt(ctx, e)
	if err != nil {
		return Outcome{}, err
	}
	if !ok { // adopted: its checksum was compared then
		prev = e
	}
	same, err := p.sameChecksum(ctx, prev, a.MD5)
	if v, own := errors.AsType[*verdictError](err); own || isGone(err) {
		detail := "content is there; the file is no longer there to compare it with"
		if own {
			detail = "content is there; " + v.Error()
		}
		return Outcome{Result: "ok", Detail: detail}, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	if !same {
		return Outcome{Result: "wrong", Detail: reasons.Mismatch(e, a.MD5).Message}, nil
	}
	return Outcome{Result: "ok", Detail: "MD5 " + strings.ToLower(a.MD5)}, nil
}

// withdraw soft-deletes the asset of a filed entry.
func (p *Pipeline) withdraw(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	if e.Status == journal.Withdrawn {
		return Outcome{Result: "withdrawn"}, nil
	}
	if e.Status != journal.Filed {
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
	}
	m, err := p.remover.begin(ctx, e.ID, version{e.ObjectID, e.FileID}, e.Filename)
	if err == nil {
		defer m.release()
		err = m.finish(ctx)
	}
	unrestored, lost := errors.AsType[*unrestoredError](err)
	switch {
	case lost:
		reason := reasons.Withdrawn
		reason.Message += "; " + unrestored.Error()
		_, err := p.advance(ctx, journal.Move{ID: e.ID, From: journal.Filed, To: journal.Withdrawn, Reason: reason})
		return Outcome{Result: "withdrawn", Detail: unrestored.Error() + "; it is tried again"}, err
	case err != nil:
		return Outcome{}, fmt.Errorf("withdraw asset %s: %w", e.ObjectID, err)
	case m.kept:
		return Outcome{Result: "failed", Detail: m.said()}, m.close(ctx)
	}
	_, err = p.advance(ctx, journal.Move{
		ID: e.ID, From: journal.Filed, To: journal.Withdrawn, Reason: m.with(reasons.Withdrawn),
	})
	if err == nil {
		err = m.close(ctx)
	}
	return Outcome{Result: "withdrawn", Detail: m.said()}, err
}

// restore brings a withdrawn asset back.
func (p *Pipeline) restore(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	if e.Status != journal.Withdrawn {
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
	}
	if err := p.api.UndeleteAsset(ctx, e.ObjectID); err != nil {
		a, lookErr := p.api.Asset(ctx, e.FileID)
		if lookErr != nil || a.Deleted() {
			return Outcome{}, fmt.Errorf("restore asset %s: %w", e.ObjectID, err)
		}
	}
	_, err := p.advance(ctx, journal.Move{ID: e.ID, From: journal.Withdrawn, To: journal.Filed})
	return Outcome{Result: "restored"}, err
}

// ServeOne answers a request that waits in the journal, for a command that found no
// daemon to do so. Others wait on: this pipeline may lack what they need.
func (p *Pipeline) ServeOne(ctx context.Context, id int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := make(chan struct{})
	var probing sync.WaitGroup
	probing.Go(func() { _ = p.gate.run(ctx, idle) }) // ends with idle, or with ctx, whose error the loop meets too
	defer probing.Wait()
	defer close(idle)
	for {
		requests, err := p.journal.TakeRequests(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(requests, func(r journal.Request) bool { return r.ID == id })
		if i < 0 {
			return nil
		}
		if err := p.serve(ctx, requests[i]); err != nil {
			return err
		}
	}
}

package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/journal"
)

// What happened, as Event.Event says it. The status that an entry came to is its own word.
const (
	Found      = "found"      // the file was first seen settled, and recorded
	Mapped     = "mapped"     // the metadata of its asset was gathered
	Creating   = "creating"   // the intent to create an asset was recorded
	Created    = "created"    // the asset is there, with its ids
	Part       = "part"       // a part of the content was stored
	Parts      = "parts"      // many parts were stored, the last of them then
	Completing = "completing" // the intent to complete the upload was recorded
	Sent       = "sent"       // the content was handed over, and is proved to be in Tenovos
	GivenUp    = "given up"   // the attempt ended without content
	Asked      = "asked"      // an operator asked for something, with what came of it
	Deferred   = "deferred"   // it was to wait, and to be tried again
	Released   = "released"   // it went round again
	Renamed    = "renamed"    // its file has another path since
	Unchanged  = "unchanged"  // its file was written anew, with the same content
	Correcting = "correcting" // a correction of metadata is still to be sent or seen
	Cleaning   = "cleaning"   // clean-up work is still to be done
)

// Event is one thing that happened to an entry.
type Event struct {
	Time       time.Time `json:"time"`
	ID         int64     `json:"id"` // of the entry
	Folder     string    `json:"folder"`
	Path       string    `json:"path"`
	Generation int       `json:"generation"`
	Event      string    `json:"event"` // a constant above, or the status that it came to
	Text       string    `json:"text"`  // the same in words
	Reason     string    `json:"reason,omitempty"`
	Hint       string    `json:"hint,omitempty"`

	Count   int       `json:"count,omitempty"` // how often it happened, where it was more than once
	Last    time.Time `json:"last,omitzero"`   // when it happened last then
	Attempt int       `json:"attempt,omitempty"`
	Part    int       `json:"part,omitempty"`
	Parts   int       `json:"parts,omitempty"`
	Bytes   int64     `json:"bytes,omitempty"`
	Request int64     `json:"request,omitempty"`

	ObjectID string `json:"object_id,omitempty"`
	FileID   string `json:"file_id,omitempty"`
	MovedTo  string `json:"moved_to,omitempty"`
}

// Of returns what happened to an entry, oldest first.
func Of(ctx context.Context, r *journal.Reader, entryID int64) ([]Event, error) {
	t, err := journal.TrailOf(ctx, r, entryID)
	if err != nil {
		return nil, err
	}
	c := &composer{entry: t.Entry}
	c.begin()
	for _, a := range t.Attempts {
		c.attempt(a)
	}
	for _, e := range t.Events {
		c.event(e)
	}
	for _, q := range t.Requests {
		c.request(q)
	}
	c.now()
	c.open(t)
	slices.SortStableFunc(c.events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return c.events, nil
}

// Merge puts the events of several entries in one order, oldest first.
func Merge(lists ...[]Event) []Event {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// composer makes events of what the journal keeps of one entry.
type composer struct {
	entry  journal.Entry
	events []Event
}

func (c *composer) add(at time.Time, what, text string) *Event {
	e := c.entry
	c.events = append(c.events, Event{Time: at, ID: e.ID, Folder: e.Folder, Path: e.Path, Generation: e.Generation, Event: what, Text: text})
	return &c.events[len(c.events)-1]
}

func (c *composer) begin() {
	text := "the file was found finished, " + size(c.entry.Size)
	if c.entry.Kind != journal.File {
		text = "a row of a manifest was found, which needs no file"
	}
	if c.entry.Generation > 1 {
		text += fmt.Sprintf("; it is content number %d of this path", c.entry.Generation)
	}
	c.add(c.entry.SeenAt, Found, text).Bytes = c.entry.Size
	if c.entry.Asset != nil && !c.entry.MappedAt.IsZero() {
		c.add(c.entry.MappedAt, Mapped, "its metadata was gathered by the rules")
	}
}

func (c *composer) attempt(a journal.PastAttempt) {
	c.add(a.IntentAt, Creating, fmt.Sprintf("attempt %d: an asset is to be created", a.Number)).Attempt = a.Number
	if !a.CreatedAt.IsZero() {
		what := "asset " + a.ObjectID
		if a.OriginalFileID != a.FileID {
			what = "a new version, asset " + a.ObjectID + ","
		}
		e := c.add(a.CreatedAt, Created, what+" is there, without content yet")
		e.Attempt, e.ObjectID, e.FileID, e.Parts = a.Number, a.ObjectID, a.FileID, a.Planned
	}
	for _, p := range a.Parts {
		text := fmt.Sprintf("part %d of %d is stored, %s", p.Number, a.Planned, size(p.Size))
		if a.Planned == 1 {
			text = "the content is stored, " + size(p.Size)
		}
		e := c.add(p.DoneAt, Part, text)
		e.Attempt, e.Part, e.Parts, e.Bytes = a.Number, p.Number, a.Planned, p.Size
	}
	if len(a.Parts) == 0 && a.Stored > 0 {
		e := c.add(a.LastStored, Parts, fmt.Sprintf("%d of %d parts are stored, %s: the last of them now", a.Stored, a.Planned, size(a.StoredBytes)))
		e.Attempt, e.Parts, e.Bytes = a.Number, a.Stored, a.StoredBytes
	}
	if !a.CompletingAt.IsZero() {
		c.add(a.CompletingAt, Completing, "the upload is to be completed").Attempt = a.Number
	}
	if a.EndedAt.IsZero() {
		return
	}
	what, text := GivenUp, fmt.Sprintf("attempt %d ended without content", a.Number)
	if a.ObjectID != "" && a.ObjectID == c.entry.ObjectID {
		what, text = Sent, "the content is in Tenovos, as asset "+a.ObjectID
	}
	e := c.add(a.EndedAt, what, text)
	e.Attempt, e.ObjectID, e.FileID, e.Bytes = a.Number, a.ObjectID, a.FileID, a.StoredBytes
}

// event tells of a move, or of a new reason to wait.
func (c *composer) event(v journal.Event) {
	what, text := string(v.Kind), inWords[journal.Status(v.Kind)]
	switch {
	case v.Reason.Class == journal.ClassRenamed:
		what, text = Renamed, "the file has another path now"
	case v.Reason.Class == journal.ClassUnchanged:
		what, text = Unchanged, "the file was written anew with the same content: nothing is sent again"
	case v.Stays():
		what, text = Deferred, "it is put off"
	case v.Was.Resting() && !journal.Status(v.Kind).Resting():
		what, text = Released, "it goes round again; it was "+string(v.Was)
	}
	e := c.add(v.At, what, text)
	e.Reason, e.Hint = v.Reason.Message, v.Reason.Hint
	if v.Kind == journal.EventKind(journal.Filed) && !v.Stays() {
		c.filed(e)
	}
}

func (c *composer) request(q journal.PastRequest) {
	e := c.add(q.AskedAt, Asked, fmt.Sprintf("an operator asked to %s: %s", q.Kind, q.Result))
	e.Request, e.Reason = q.ID, q.Detail
}

// now tells of the status that the entry is in where no event does: of one that was recorded
// before there were events, and of one that is on its way.
func (c *composer) now() {
	for _, told := range c.events {
		if told.Event == string(c.entry.Status) {
			return
		}
	}
	e := c.add(c.entry.Since, string(c.entry.Status), inWords[c.entry.Status])
	e.Reason, e.Hint, e.Count = c.entry.Reason.Message, c.entry.Reason.Hint, c.entry.Tries
	if c.entry.Status == journal.Filed {
		c.filed(e)
	}
}

// filed adds where the content and the file are.
func (c *composer) filed(e *Event) {
	e.ObjectID, e.FileID = c.entry.ObjectID, c.entry.FileID
	switch {
	case c.entry.MovedTo != "":
		e.MovedTo = c.entry.MovedTo
		e.Text += "; its file was moved to " + c.entry.MovedTo
	case c.entry.Taken():
		e.Text += "; its file was deleted"
	}
}

// open tells what is still to be done.
func (c *composer) open(t journal.Trail) {
	if t.Edit != nil {
		text := "a correction of its metadata is to be sent"
		if !t.Edit.SentAt.IsZero() {
			text = "a correction of its metadata was sent, and is not seen yet"
		}
		c.add(t.Edit.AskedAt, Correcting, text).Reason = t.Edit.Message
	}
	for _, chore := range t.Chores {
		e := c.add(chore.Since, Cleaning, choreWords[chore.Kind])
		e.Reason, e.Count = chore.Message, chore.Tries
		e.ObjectID, e.FileID = chore.ObjectID, chore.FileID
	}
}

// inWords says what a status means.
var inWords = map[journal.Status]string{
	journal.Settled:    "it waits for its turn",
	journal.Mapped:     "it waits for its asset to be created",
	journal.Creating:   "its asset is being created",
	journal.Uploading:  "its content is being sent",
	journal.Completing: "its upload is being completed",
	journal.Verifying:  "its content is being looked for in Tenovos",
	journal.Verified:   "its content is in Tenovos; the file is to be filed",
	journal.Filed:      "it is in",
	journal.Cancelling: "its upload is being cancelled",
	journal.Superseded: "it is superseded: the file is gone, or has other content",
	journal.Cancelled:  "it was cancelled",
	journal.Failed:     "it failed",
	journal.Duplicate:  "it is a duplicate: its content is in Tenovos already",
	journal.Held:       "it is held",
	journal.Ignored:    "it is ignored",
	journal.Withdrawn:  "its asset was withdrawn",
}

var choreWords = map[journal.ChoreKind]string{
	journal.ChoreCancel:  "an upload that was given up is still to be cancelled",
	journal.ChoreDelete:  "an empty asset is still to be removed",
	journal.ChoreTwin:    "an empty asset that may have been made besides is still looked for",
	journal.ChoreFile:    "its file is still to be moved out of the drop folder",
	journal.ChoreRestore: "versions that its removal may have taken along are still to be looked at",
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

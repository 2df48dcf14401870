package desk

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Kinds of the requests that a desk answers by itself.
const (
	RequestRetry    = "retry"
	RequestCancel   = "cancel"
	RequestVerify   = "verify"
	RequestWithdraw = "withdraw"
	// RequestUndelete brings withdrawn assets back from the recycle bin of Tenovos.
	RequestUndelete = "restore"
	// RequestUpdate applies the rules again to what was ingested, and sends what differs.
	RequestUpdate = "update"
	// RequestPing is answered by whoever owns the journal, as a sign of life.
	RequestPing = "ping"
)

// NeedsTenovos are the kinds of requests that come to nothing without Tenovos.
func NeedsTenovos() []string {
	return []string{RequestVerify, RequestWithdraw, RequestUndelete, RequestUpdate}
}

func pong(context.Context, journal.Request) (any, error) { return json.RawMessage("null"), nil }

// API is how the desk asks Tenovos about assets, and brings one back.
type API interface {
	Asset(ctx context.Context, id string) (tenovos.Asset, error)
	UndeleteAsset(ctx context.Context, objectID string) error
}

// Entries are the entries of the journal, one by one.
type Entries interface {
	Entry(ctx context.Context, id int64) (journal.Entry, error)
}

// Reader finds the entries of a selection, and their attempts.
type Reader interface {
	LastAttempt(ctx context.Context, e journal.Entry) (journal.Entry, bool, error)
	Entries(ctx context.Context, f journal.Filter, yield func(journal.Entry) error) error
}

// Gate tells whether Tenovos can be worked with, see outage.Gate.
type Gate interface {
	Reason() string
	Outlasts(ctx context.Context, drain <-chan struct{}) (why string, err error)
	Run(ctx context.Context, idle <-chan struct{}) error
}

// Circuits hold entries up of whose kind one after the other is refused, see
// outage.Circuits.
type Circuits interface {
	Tripped() bool
	WakeAll(ctx context.Context) error
}

// Editor corrects the metadata of assets, see edits.Editor.
type Editor interface {
	Open(ctx context.Context, entries []int64) error
	Await(ctx context.Context, e journal.Entry) (why string, err error)
}

// Core is what the desk has done to one entry by those who know its life.
type Core struct {
	// Advance records a move, which outlives ctx.
	Advance func(ctx context.Context, m journal.Move) (journal.Entry, error)
	// Cancel ends an entry in hand that is unwanted, where its status allows it.
	Cancel func(ctx context.Context, e journal.Entry) error
	// Work carries an entry in hand as far as it goes now, and lets it go.
	Work func(ctx context.Context, id int64) error
	// Rested is told of an entry that came to rest otherwise than by Advance.
	Rested func(e journal.Entry, to journal.Status, r journal.Reason)
	// CleanUp returns the chores for what the upload of an attempt may have left.
	CleanUp func(e journal.Entry) ([]journal.NewChore, error)
	// Retried is told that an operator wants entries tried again.
	Retried func()
}

// Files is what the desk has done to the file of an entry, or with its content.
type Files struct {
	// BringBack puts the file of an entry that is to be tried again where it was, and
	// SeenBack records what the file looks like there.
	BringBack func(ctx context.Context, e journal.Entry) error
	SeenBack  func(ctx context.Context, e journal.Entry) error
	// SameChecksum compares an MD5 that Tenovos names with the content of an attempt.
	// unknown says why they cannot be compared any more.
	SameChecksum func(ctx context.Context, e journal.Entry, md5 string) (same bool, unknown string, err error)
}

// Deps are what a Desk works with.
type Deps struct {
	API      API
	Journal  Entries
	Reader   Reader
	Requests journal.Requests
	Gate     Gate
	Circuits Circuits
	Editor   Editor
	Remover  *removal.Remover
	Hands    *hands.Hands
	Core     Core
	Files    Files
	Stuck    func() map[int64]bool  // the entries of which a call to a file system does not return
	Drain    func() <-chan struct{} // closes when nothing is to be begun any more
	Wake     func()                 // there may be something to do for a worker
	Now      func() time.Time
}

// Desk answers what operators' commands ask. Safe for concurrent use, but for Handle.
type Desk struct {
	Deps
	handlers map[string]Handler
	unwanted unwanted
}

// New makes a desk that answers the requests of its own kinds.
func New(d Deps) *Desk {
	made := &Desk{Deps: d}
	made.handlers = made.own()
	return made
}

// Handle has requests of a kind answered by h. It is called before any is answered.
func (d *Desk) Handle(kind string, h Handler) { d.handlers[kind] = h }

// Unwanted reports whether a request wants an entry cancelled.
func (d *Desk) Unwanted(id int64) bool { return d.unwanted.has(id) }

func (d *Desk) draining() bool {
	select {
	case <-d.Drain():
		return true
	default:
		return false
	}
}

// own are the requests that a desk answers by itself: which statuses each is
// about, and what it does to one entry. Each may be carried out again after a
// crash, because a request stays in the journal until it is answered.
func (d *Desk) own() map[string]Handler {
	return map[string]Handler{
		RequestRetry:    d.selecting(d.each(d.retry), journal.Failed, journal.Held),
		RequestCancel:   d.selecting(d.cancelSelected, unfinished()...),
		RequestVerify:   d.selecting(d.each(d.verify), journal.Filed),
		RequestWithdraw: d.selecting(d.each(d.withdraw), journal.Filed),
		RequestUndelete: d.selecting(d.each(d.undelete), journal.Withdrawn),
		RequestUpdate:   d.selecting(d.update, journal.Filed),
		RequestPing:     pong,
	}
}

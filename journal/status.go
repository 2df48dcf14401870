package journal

import "slices"

// Status says where an entry stands. A status in -ing is an intent, committed
// before a remote call whose result may be lost; a past tense is a fact.
type Status string

// The statuses.
const (
	Settled    Status = "settled"    // a stable file is recorded
	Mapped     Status = "mapped"     // the asset to create is stored, complete
	Creating   Status = "creating"   // the create call may have happened
	Uploading  Status = "uploading"  // ids, URLs and plan are stored; parts with an ETag are done
	Completing Status = "completing" // the complete call may have happened
	Verifying  Status = "verifying"  // bytes handed over, not yet seen right
	Verified   Status = "verified"   // the remote agrees
	Filed      Status = "filed"      // the source is kept, moved or deleted as asked
	Cancelling Status = "cancelling" // a cancel is sent or to be sent; Entry.Outcome comes next
	Superseded Status = "superseded" // the path changed or vanished before its content was in
	Cancelled  Status = "cancelled"  // an operator stopped it
	Failed     Status = "failed"     // it cannot be ingested as it is
	Duplicate  Status = "duplicate"  // its content is ingested already
	Held       Status = "held"       // it waits for a decision
	Ignored    Status = "ignored"    // no rule matches it, or it is empty and the folder ignores that
	Withdrawn  Status = "withdrawn"  // its asset was soft-deleted on request
)

// ClassUnverified is the Reason.Class of a held entry whose bytes were handed
// over completely but never seen right. Such an entry counts as ingested: a
// newer generation does not supersede it.
const ClassUnverified = "unverified"

// ClassMismatch is the Reason.Class of a failed entry whose asset holds other bytes
// than the file. Whatever sends the file round again, or supersedes it, removes that asset.
const ClassMismatch = "mismatch"

// ClassFiling is the Reason.Class of a verified entry whose file could not be
// moved away yet. After a few tries nobody waits for it any more; it is tried
// again all the same.
const ClassFiling = "filing"

// The Reason.Class of entries that rest for what the rules say: metadata that
// cannot be sent, held or failed, and no rule at all, ignored. Folders.SetRules sends
// them round again when the rules are others.
const (
	ClassMetadata = "metadata"
	ClassNoRule   = "no-rule"
)

// ClassBatch is the Reason.Class of a queued entry whose drop waits for somebody,
// or that waits for such an entry: what is missing does not come of itself.
const ClassBatch = "batch"

// ClassUnreadable is the Reason.Class of an entry whose file cannot be read. Whatever
// is done to its mode or owner sends it round again.
const ClassUnreadable = "unreadable"

// ClassDuplicate is the Reason.Class of an entry whose content another has. A
// settled one waits for that other.
const ClassDuplicate = "duplicate"

// moves is the table of legal moves. Each status that is not an end has a way
// out, and from each there is a way to a resting status.
var moves = map[Status][]Status{
	Settled:    {Mapped, Creating, Held, Failed, Ignored, Duplicate, Superseded, Cancelled},
	Mapped:     {Creating, Verified, Settled, Held, Failed, Superseded, Cancelled},
	Creating:   {Uploading, Mapped, Held, Failed, Cancelling},
	Uploading:  {Completing, Verifying, Verified, Filed, Cancelling},
	Completing: {Verifying, Cancelling},
	Verifying:  {Verified, Held, Failed},
	Verified:   {Filed},
	Filed:      {Withdrawn},
	Cancelling: {Cancelled, Mapped, Settled, Superseded, Held, Failed, Verifying},
	Superseded: {},
	Cancelled:  {Settled, Superseded},
	Failed:     {Settled, Superseded, Cancelled},
	Duplicate:  {Settled, Superseded},
	Held:       {Settled, Superseded, Verifying, Cancelled},
	Ignored:    {Settled, Superseded},
	Withdrawn:  {Filed, Settled},
}

// Moves returns a copy of the table of legal moves, with a key for every
// status.
func Moves() map[Status][]Status {
	out := make(map[Status][]Status, len(moves))
	for from, to := range moves {
		out[from] = slices.Clone(to)
	}
	return out
}

// CanAdvance reports whether an entry may move between two statuses.
func CanAdvance(from, to Status) bool { return slices.Contains(moves[from], to) }

// Runnable reports whether a worker has something to do for an entry in s.
func (s Status) Runnable() bool { return s == Settled || s == Mapped || s.Active() }

// Active reports whether s is runnable and beyond mapped: something of the
// entry may exist remotely, so a newer generation of its path waits for it.
func (s Status) Active() bool {
	switch s {
	case Creating, Uploading, Completing, Verifying, Verified, Cancelling:
		return true
	}
	return false
}

// Resting reports whether an entry in s stays there until somebody asks for
// more.
func (s Status) Resting() bool {
	_, known := moves[s]
	return known && !s.Runnable()
}

// attempting reports whether an entry in s has an open attempt.
func (s Status) attempting() bool { return s.Active() && s != Verified }

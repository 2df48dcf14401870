package journal

import (
	"fmt"
	"time"
)

// Move is one change of status and the facts that belong to it.
type Move struct {
	ID       int64
	From, To Status
	// Was is the entry as its worker knows it, with its Attempt; nil if that is not at
	// hand. Advance needs not read what it returns where the entry is still like that.
	Was *Entry
	// Reason and Outcome replace those of the entry; empty clears them. Outcome is
	// required with To == Cancelling and not allowed otherwise.
	Reason  Reason
	Outcome Status
	// NotBefore is when the entry may run again; zero is at once.
	NotBefore time.Time
	// Stay says more of a move whose To is From; not to be used with another.
	Stay Stay
	// Learned is recorded in the same transaction.
	Learned Learned
	// Asset (JSON) and Filename are stored with To == Mapped, and from Settled to Creating:
	// required from Settled, otherwise the ones stored earlier stay when they are empty.
	Asset    []byte
	Filename string
	// FactsAt is when the facts for Asset began to be gathered, with To == Mapped: what
	// a companion told later is not in it. MappedAt is the entry's as it was read before:
	// ErrMoved if a companion has told something since. Two times are not compared, for
	// a clock may be set back.
	FactsAt, MappedAt time.Time
	// Previous is the id of what Reader.Previous found when the asset was decided on, 0
	// for nothing, from Settled to Mapped or Creating; nil if that does not matter. ErrMoved
	// if it is another by now.
	Previous *int64
	// ChangeTime is the entry's as it was when its content was looked at: ErrMoved if its
	// file was touched since, for then it may hold other bytes, and its hash was wiped;
	// nil if that does not matter.
	ChangeTime *int64
	// Created is required from Creating to Uploading. From Creating to Cancelling it
	// gives the ids of our own empty asset, if one was found; from Mapped to
	// Verified, where it is required too, those of the asset that the account holds
	// already.
	Created *Creation
	// CountFailure and CountExpiry add one to the entry's counters, ResetCounts
	// sets both to zero.
	CountFailure, CountExpiry, ResetCounts bool
	// AsNew is stored with ResetCounts: the entry is to become an asset of its own.
	AsNew bool
	// Unconfirmed is stored with To == Verifying: nobody answered for the bytes, so
	// they must be seen.
	Unconfirmed bool
	// Chores are opened in the same transaction.
	Chores []NewChore
}

// Creation is what the creation of an asset returned, and the plan made of it.
type Creation struct {
	ObjectID, FileID, OriginalFileID string
	UploadID                         string    // "" for a single PUT
	Expires                          time.Time // when the first URL dies; zero if unknown
	PartSize                         int64     // bytes
	Parts                            []Part
}

// check refuses what no state of the journal can make right.
func (m Move) check() error {
	illegal := func(why string) error {
		return fmt.Errorf("move entry %d from %s to %s: %w: %s", m.ID, m.From, m.To, ErrIllegal, why)
	}
	switch {
	case m.stays():
		return m.checkStay()
	case m.Stay != Stay{}:
		return illegal("an entry that moves does not stay")
	case !CanAdvance(m.From, m.To):
		return fmt.Errorf("move entry %d from %s to %s: %w", m.ID, m.From, m.To, ErrIllegal)
	case m.To == Cancelling && (!CanAdvance(Cancelling, m.Outcome) || m.Outcome == Verifying):
		return illegal(fmt.Sprintf("%q is no outcome of a cancel", m.Outcome))
	case m.To != Cancelling && m.Outcome != "":
		return illegal("only a cancel has an outcome")
	case m.From == Settled && (m.To == Mapped || m.To == Creating) && (len(m.Asset) == 0 || m.Filename == ""):
		return illegal("the asset to create or its file name is missing")
	case (m.From == Creating && m.To == Uploading || m.adopts()) && m.Created == nil:
		return illegal("what was created is missing")
	case m.Created != nil && !m.adopts() && (m.From != Creating || m.To != Uploading && m.To != Cancelling):
		return illegal("nothing is created by it")
	}
	return nil
}

// stays reports a move that leaves the entry in its status.
func (m Move) stays() bool { return m.To == m.From && m.From != "" }

// checkStay is check for a move that stays.
func (m Move) checkStay() error {
	ok := m.From.Runnable()
	switch {
	case m.Stay.ForDrop:
		ok = m.From == Mapped
	case m.Stay.Rehint != nil, m.Stay.Renamed != nil:
		ok = m.From == Settled
	case m.Stay.Unchanged:
		ok = m.From == Settled || m.From == Mapped
	}
	if !ok || m.Outcome != "" || m.Created != nil || len(m.Asset) > 0 || m.CountExpiry || m.ResetCounts {
		return fmt.Errorf("leave entry %d in %s: %w", m.ID, m.From, ErrIllegal)
	}
	return nil
}

// adopts reports a move that takes over an asset which the account holds already.
func (m Move) adopts() bool { return m.From == Mapped && m.To == Verified }

package stage

import (
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// RestError ends a stage with a rest: the answer to a question below it says that the
// entry goes no further as it is.
type RestError struct {
	To     journal.Status
	Reason journal.Reason
}

func (e *RestError) Error() string { return e.Reason.Message }

// Held is the rest of an entry that waits for a decision.
func Held(why journal.Reason) error { return &RestError{journal.Held, why} }

// WaitError ends a stage with a wait: what is asked will be answered by itself.
type WaitError struct {
	After  time.Duration // 0 is as after a failure
	Reason journal.Reason
}

func (e *WaitError) Error() string { return e.Reason.Message }

// LookError is a question that got no answer, about a doubtful status or about the
// session: it says nothing about the file.
type LookError struct{ Err error }

func (e *LookError) Error() string { return e.Err.Error() }
func (e *LookError) Unwrap() error { return e.Err }

// HoldingsError is a look at what the account holds, before anything is created.
type HoldingsError struct{ Err error }

func (e *HoldingsError) Error() string { return e.Err.Error() }
func (e *HoldingsError) Unwrap() error { return e.Err }

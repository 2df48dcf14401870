package chores

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	// cleanUpFor is how long a clean-up is tried.
	cleanUpFor = 7 * 24 * time.Hour

	// doubtFor is how long the asset of a lost create is searched for again.
	doubtFor = 24 * time.Hour
)

// wait is the wait before the n-th try of a chore: from ten seconds to an hour.
func wait(n int) time.Duration {
	return min(10*time.Second<<min(n, 10), time.Hour)
}

// CleanUp returns the chore that removes what an entry's upload that was given up may have
// left: its empty asset, and before that the multipart upload, unless that is nil.
func CleanUp(e journal.Entry, upload *tenovos.Completion, now time.Time) (journal.NewChore, error) {
	chore := journal.NewChore{
		Kind: journal.ChoreDelete, ObjectID: e.Attempt.ObjectID, FileID: e.Attempt.FileID,
		Filename: e.Filename, NotBefore: now.Add(wait(0)), Until: now.Add(cleanUpFor),
	}
	if upload != nil {
		open := *upload
		open.Parts = nil // a cancel names none
		spec, err := json.Marshal(open)
		if err != nil {
			return chore, fmt.Errorf("store the upload to cancel: %w", err)
		}
		chore.Kind, chore.Spec = journal.ChoreCancel, string(spec)
	}
	return chore, nil
}

// Doubt returns the chore that keeps searching for the asset of a lost create, after a new
// create is allowed.
func Doubt(lost holdings.LostCreate, now time.Time) (journal.NewChore, error) {
	spec, err := json.Marshal(lost)
	if err != nil {
		return journal.NewChore{}, fmt.Errorf("store the doubt about %s: %w", lost.Filename, err)
	}
	return journal.NewChore{
		Kind: journal.ChoreTwin, Filename: lost.Filename, Spec: string(spec),
		NotBefore: now.Add(wait(0)), Until: now.Add(doubtFor),
	}, nil
}

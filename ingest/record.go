package ingest

import (
	"context"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

func deferEntry(ctx context.Context, j *journal.Journal, id int64, in journal.Status, until time.Time, why journal.Reason, count bool) error {
	_, err := j.Advance(ctx, journal.Move{ID: id, From: in, To: in, NotBefore: until, Reason: why, CountFailure: count})
	return err
}

func rehint(ctx context.Context, j *journal.Journal, id int64, f file.File, notBefore time.Time) error {
	_, err := j.Advance(ctx, journal.Move{ID: id, From: journal.Settled, To: journal.Settled, NotBefore: notBefore, Stay: journal.Stay{Rehint: &f}})
	return err
}

func waitForDrop(ctx context.Context, j *journal.Journal, id int64, until time.Time, why journal.Reason) error {
	_, err := j.Advance(ctx, journal.Move{ID: id, From: journal.Mapped, To: journal.Mapped, NotBefore: until, Reason: why, Stay: journal.Stay{ForDrop: true}})
	return err
}

func mergeUnchanged(ctx context.Context, j *journal.Journal, id int64, chores ...journal.NewChore) error {
	_, err := j.Advance(ctx, journal.Move{ID: id, From: journal.Settled, To: journal.Settled, Chores: chores, Stay: journal.Stay{Unchanged: true}})
	return err
}

func mergeRenamed(ctx context.Context, j *journal.Journal, id int64, earlier journal.Entry, chores ...journal.NewChore) error {
	_, err := j.Advance(ctx, journal.Move{ID: id, From: journal.Settled, To: journal.Settled, Chores: chores, Stay: journal.Stay{Renamed: &earlier}})
	return err
}

func setSHA256(ctx context.Context, j *journal.Journal, id int64, sum []byte) error {
	return j.Learn(ctx, id, journal.Learned{SHA256: sum})
}

func setFilename(ctx context.Context, j *journal.Journal, id int64, name string) error {
	return j.Learn(ctx, id, journal.Learned{Filename: name})
}

func compared(ctx context.Context, j learner, id, changeTime int64) error {
	return j.Learn(ctx, id, journal.Learned{Compared: changeTime})
}

type learner interface {
	Learn(ctx context.Context, id int64, l journal.Learned) error
}

func proveAttempt(ctx context.Context, j *journal.Journal, attempt int64) error {
	return j.Learn(ctx, 0, journal.Learned{Attempt: attempt, Proven: true})
}

func neverCompleted(ctx context.Context, j *journal.Journal, attempt int64) error {
	return j.Learn(ctx, 0, journal.Learned{Attempt: attempt, NeverCompleted: true})
}

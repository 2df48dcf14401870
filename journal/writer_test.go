package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// queueUp has pieces of work wait for a writer that is kept busy meanwhile, so that they
// come into one group, and returns the error of each.
func queueUp(t *testing.T, j *Journal, pieces ...func(*session) error) []error {
	t.Helper()
	release := make(chan struct{})
	busy := make(chan error, 1)
	go func() {
		busy <- j.write(t.Context(), "keep the writer busy", func(*session) error {
			<-release
			return nil
		})
	}()
	synctest.Wait()
	answers := make([]chan error, len(pieces))
	for i, work := range pieces {
		answers[i] = make(chan error, 1)
		go func() { answers[i] <- j.write(t.Context(), fmt.Sprint("piece ", i), work) }()
		synctest.Wait()
	}
	close(release)
	if err := <-busy; err != nil {
		t.Error(err)
	}
	errs := make([]error, len(pieces))
	for i, answer := range answers {
		errs[i] = <-answer
	}
	return errs
}

// inBubble runs a test on a journal, where a test can wait until all goroutines wait.
func inBubble(t *testing.T, test func(t *testing.T, j *Journal, commits *atomic.Int64)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		var commits atomic.Int64
		j, err := Open(t.Context(), path, Options{OnCommit: func() { commits.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(t, j, &commits)
	})
}

// addFolder is a piece of work that can be seen.
func addFolder(t *testing.T, name string) func(*session) error {
	return func(tx *session) error {
		_, err := tx.exec(t.Context(), `INSERT INTO folders (name) VALUES (?)`, name)
		return err
	}
}

func folderNames(t *testing.T, j *Journal) []string {
	t.Helper()
	all, err := j.Reader().Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}

// What waits together is committed together, and what fails of it is undone alone.
func TestPiecesOfOneCommit(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, commits *atomic.Int64) {
		failure := errors.New("no")
		errs := queueUp(t, j,
			addFolder(t, "a"),
			func(tx *session) error { return errors.Join(addFolder(t, "undone")(tx), failure) },
			addFolder(t, "a"), // it is there already
			addFolder(t, "b"),
		)
		if errs[0] != nil || !errors.Is(errs[1], failure) || errs[2] == nil || errs[3] != nil {
			t.Errorf("answers %v", errs)
		}
		if got := folderNames(t, j); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("folders %q", got)
		}
		if n := commits.Load(); n != 2 { // the busy one is the other
			t.Errorf("%d commits", n)
		}
	})
}

// What nobody needs is not committed.
func TestFailuresAreNoCommit(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, commits *atomic.Int64) {
		failure := errors.New("no")
		errs := queueUp(t, j, func(*session) error { return failure }, func(*session) error { return ErrMoved })
		if !errors.Is(errs[0], failure) || !errors.Is(errs[1], ErrMoved) || commits.Load() != 1 {
			t.Errorf("answers %v, %d commits", errs, commits.Load())
		}
	})
}

// Where SQLite rolls back the whole transaction, and where it cannot commit, nobody is
// told that something was written.
func TestCommitThatFails(t *testing.T) {
	for name, failing := range map[string]func(tx *session) error{
		"rolled back": func(tx *session) error { // as SQLite does by itself for want of room
			_, err := tx.exec(context.Background(), `ROLLBACK`)
			return errors.Join(err, errors.New("no room"))
		},
		"not committed": func(tx *session) error { // a foreign key is looked at in the end
			for _, text := range []string{`PRAGMA defer_foreign_keys = 1`,
				`INSERT INTO chores (entry_id, kind, since) VALUES (77, 'twin', 1)`} {
				if _, err := tx.exec(context.Background(), text); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, j *Journal, commits *atomic.Int64) {
				errs := queueUp(t, j, addFolder(t, "a"), failing, addFolder(t, "b"))
				for i, err := range errs {
					if err == nil {
						t.Errorf("piece %d is said to be written", i)
					}
				}
				if got := folderNames(t, j); len(got) != 0 || commits.Load() != 1 {
					t.Errorf("folders %q, %d commits", got, commits.Load())
				}
				if err := j.write(t.Context(), "go on", addFolder(t, "c")); err != nil {
					t.Errorf("nothing can be written any more: %v", err)
				}
			})
		})
	}
}

// What a piece says of its entry is no answer to others, not even where their work is lost
// with it.
func TestAnswerOfAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, commits *atomic.Int64) {
		errs := queueUp(t, j, addFolder(t, "a"), func(tx *session) error {
			_, err := tx.exec(context.Background(), `ROLLBACK`) // as SQLite does by itself, where the disk fails
			return errors.Join(err, ErrMoved)
		}, addFolder(t, "b"))
		for i, err := range errs {
			if errors.Is(err, ErrMoved) || !errors.Is(err, ErrJournal) {
				t.Errorf("piece %d is answered %v", i, err)
			}
		}
	})
}

// Whoever no longer waits writes nothing, and holds nobody up.
func TestPieceOfWhoLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, commits *atomic.Int64) {
		release := make(chan struct{})
		go func() {
			_ = j.write(t.Context(), "keep the writer busy", func(*session) error { <-release; return nil })
		}()
		synctest.Wait()
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- j.write(ctx, "a piece", addFolder(t, "a")) }()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
		synctest.Wait()
		if got := folderNames(t, j); len(got) != 0 {
			t.Errorf("folders %q", got)
		}
	})
}

// A piece that was begun is written whatever becomes of its context, for its statements
// share a transaction with others.
func TestPieceIsNotInterrupted(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, commits *atomic.Int64) {
		ctx, cancel := context.WithCancel(t.Context())
		err := j.write(ctx, "a piece", func(tx *session) error {
			cancel()
			_, err := tx.exec(ctx, `INSERT INTO folders (name) VALUES ('a')`)
			return err
		})
		if got := folderNames(t, j); err != nil || !slices.Equal(got, []string{"a"}) {
			t.Errorf("folders %q, %v", got, err)
		}
	})
}

func TestClosedJournal(t *testing.T) {
	r := newRig(t)
	r.ok(r.Close())
	r.ok(r.Close())
	r.fails(FoldersOf(r.Journal).Set(t.Context(), FolderState{Name: "a"}), errClosed)
	_, err := r.Reader().Counts(t.Context())
	r.fails(err, errClosed)
}

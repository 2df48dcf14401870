package companions

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	// checkQuiet is how long nothing must have come in a folder, at the least, before what
	// of its companions is unmatched is looked for.
	checkQuiet = time.Second

	// checkLatest is how long files that do not settle may put that off.
	checkLatest = 5 * time.Minute

	// checkShare is the part of its time that a folder may spend on that: one in so many.
	checkShare = 10

	checkBatch = 256
)

// unmatchedCheck says, when a folder is quiet, which rows of its manifests and which of its
// sidecars no file has. What is reported ends by itself once the file comes.
type unmatchedCheck struct {
	folder  dropfolder.Folder
	journal journal.Companions
	log     zerolog.Logger
	came    chan struct{} // capacity 1: files or companions came
	mu      sync.Mutex    // held while the folder is looked at
}

func newUnmatchedCheck(f dropfolder.Folder, j journal.Companions, log zerolog.Logger) *unmatchedCheck {
	return &unmatchedCheck{folder: f, journal: j, log: log, came: make(chan struct{}, 1)}
}

// loop reports whenever the folder has come to be quiet, until idle closes or ctx ends; left
// says that there is something to look at from the last run. A share that hangs may hold
// it up for ever.
func (u *unmatchedCheck) loop(ctx context.Context, idle <-chan struct{}, left bool, usable func(folder string) bool) error {
	quiet := max(2*u.folder.Settle, checkQuiet)
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	if !left {
		timer.Stop()
	}
	latest := time.Now().Add(checkLatest)
	for {
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-u.came:
			timer.Reset(quiet)
			continue
		case <-timer.C:
		}
		if u.settling() && time.Now().Before(latest) || !usable(u.folder.Name) {
			timer.Reset(quiet)
			continue
		}
		begun := time.Now()
		messages, unseen, err := u.report(ctx)
		if err != nil {
			return err
		}
		if len(messages) > 0 || unseen { // a companion may be removed, of which nobody tells
			timer.Reset(checkLatest)
		}
		select {
		case <-time.After(checkShare * time.Since(begun)):
		case <-idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		latest = time.Now().Add(checkLatest)
	}
}

// settling reports whether files are on their way that are not recorded yet.
func (u *unmatchedCheck) settling() bool { return u.folder.Settling != nil && u.folder.Settling() > 0 }

// report looks at what is new and at what was unmatched, records what is unmatched now, and
// logs what is news. It returns the messages, and whether there are companions of which it
// could not be seen for now.
func (u *unmatchedCheck) report(ctx context.Context) (messages []string, unseen bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	teller := u.folder.Companions.Teller(func(dir string, yield func(string)) error {
		return u.journal.PathsBelow(ctx, u.folder.Name, dir, yield)
	})
	for after := ""; ; {
		batch, err := u.journal.UnmatchedChecks(ctx, u.folder.Name, after, checkBatch)
		if err != nil || len(batch) == 0 {
			return messages, unseen, err
		}
		found := make(map[journal.UnmatchedCheck]journal.Unmatched, len(batch))
		for _, of := range batch {
			lost, err := teller.Lost(of.Path)
			if err != nil {
				if ctx.Err() != nil {
					return nil, unseen, ctx.Err()
				}
				u.log.Debug().Str("folder", u.folder.Name).Str("companion", of.Path).Str("reason", reasons.Message(err)).
					Msg("it cannot be seen for now which files a companion speaks of")
				unseen = true // it stays as it was until the next time
				continue
			}
			if lost.Message != "" {
				messages = append(messages, lost.Message)
			}
			if lost.Message != "" && lost.Message != of.Known {
				u.log.Warn().Str("folder", u.folder.Name).Str("companion", of.Path).Str("hint", "Correct its names, or bring the files: what fits is taken by itself.").Msg(lost.Message)
			}
			found[of] = lost
		}
		if err := u.journal.RecordUnmatched(ctx, u.folder.Name, found); err != nil {
			return nil, unseen, err
		}
		after = batch[len(batch)-1].Path
	}
}

package ingest

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
	// tellQuiet is how long nothing must have come in a folder, at the least, before it
	// is told what of its companions is without a file.
	tellQuiet = time.Second

	// tellLatest is how long files that do not settle may put that off.
	tellLatest = 5 * time.Minute

	// tellShare is the part of its time that a folder may spend on that: one in so many.
	tellShare = 10

	tellBatch = 256
)

// tells says, when a folder is quiet, which rows of its manifests and which of its
// sidecars no file has. What is told ends by itself once the file comes.
type tells struct {
	folder  dropfolder.Folder
	journal *journal.Journal
	log     zerolog.Logger
	came    chan struct{} // capacity 1: files or companions came
	mu      sync.Mutex    // held while the folder is looked at
}

func newTells(f dropfolder.Folder, j *journal.Journal, log zerolog.Logger) *tells {
	return &tells{folder: f, journal: j, log: log, came: make(chan struct{}, 1)}
}

// admitted is told that something came. It waits for nobody.
func (t *tells) admitted() {
	select {
	case t.came <- struct{}{}:
	default:
	}
}

// run tells whenever the folder has come to be quiet, until idle closes or ctx ends; left
// says that there is something to look at from the last run. A share that hangs may hold
// it up for ever.
func (t *tells) run(ctx context.Context, idle <-chan struct{}, left bool, mayTouch func() bool) error {
	quiet := max(2*t.folder.Settle, tellQuiet)
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	if !left {
		timer.Stop()
	}
	latest := time.Now().Add(tellLatest)
	for {
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-t.came:
			timer.Reset(quiet)
			continue
		case <-timer.C:
		}
		if t.settling() && time.Now().Before(latest) || !mayTouch() {
			timer.Reset(quiet)
			continue
		}
		begun := time.Now()
		told, unseen, err := t.tell(ctx)
		if err != nil {
			return err
		}
		if len(told) > 0 || unseen { // a companion may be removed, of which nobody tells
			timer.Reset(tellLatest)
		}
		select {
		case <-time.After(tellShare * time.Since(begun)):
		case <-idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		latest = time.Now().Add(tellLatest)
	}
}

// settling reports whether files are on their way that are not recorded yet.
func (t *tells) settling() bool { return t.folder.Settling != nil && t.folder.Settling() > 0 }

// tell looks at what is new and at what was told, records what there is to tell now,
// and logs what is news. It returns the messages, and whether there are companions of
// which it could not be seen for now.
func (t *tells) tell(ctx context.Context) (messages []string, unseen bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	teller := t.folder.Companions.Teller(func(dir string, yield func(string)) error {
		return t.journal.Reader().PathsBelow(ctx, t.folder.Name, dir, yield)
	})
	for after := ""; ; {
		batch, err := t.journal.Reader().Tellings(ctx, t.folder.Name, after, tellBatch)
		if err != nil || len(batch) == 0 {
			return messages, unseen, err
		}
		told := make(map[journal.Telling]journal.Told, len(batch))
		for _, of := range batch {
			lost, err := teller.Lost(of.Path)
			if err != nil {
				if ctx.Err() != nil {
					return nil, unseen, ctx.Err()
				}
				t.log.Debug().Str("folder", t.folder.Name).Str("companion", of.Path).Str("reason", reasons.Message(err)).
					Msg("it cannot be seen for now which files a companion speaks of")
				unseen = true // it stays as it was until the next time
				continue
			}
			if lost.Message != "" {
				messages = append(messages, lost.Message)
			}
			if lost.Message != "" && lost.Message != of.Told {
				t.log.Warn().Str("folder", t.folder.Name).Str("companion", of.Path).Str("hint", "Correct its names, or bring the files: what fits is taken by itself.").Msg(lost.Message)
			}
			told[of] = lost
		}
		if err := t.journal.Tell(ctx, t.folder.Name, told); err != nil {
			return nil, unseen, err
		}
		after = batch[len(batch)-1].Path
	}
}

// Tell has every folder say which rows of its manifests and which of its sidecars no
// file has; it is for the end of a backfill. It returns the messages.
func (p *Pipeline) Tell(ctx context.Context) (messages []string, err error) {
	for _, f := range p.cfg.Folders {
		t := p.tells[f.Name]
		if t == nil || !p.mayTouch(f.Name) {
			continue
		}
		more, _, err := t.tell(ctx)
		if err != nil {
			return nil, err
		}
		messages = append(messages, more...)
	}
	return messages, nil
}

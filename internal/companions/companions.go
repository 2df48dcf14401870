package companions

import (
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Mounts are the file systems of the drop folders.
type Mounts interface {
	// Look opens a folder to look at its files. An error about the folder is one for
	// mounts.IsGone.
	Look(folder string) (root *file.Root, closeRoot func(), err error)
	// Check returns an error unless a folder is there; the entry is 0.
	Check(folder string, entry int64) error
	// Usable reports whether the files of a folder can be worked on.
	Usable(folder string) bool
}

// Deps are what companions are worked on with.
type Deps struct {
	Journal *journal.Journal
	Mounts  Mounts
	Alarms  *alarms.Alarms
	Log     zerolog.Logger
	Now     func() time.Time
	// Wake is called when rows of a manifest have become entries, and when all of them have.
	Wake func()
	// Backoff is how long the rows of a manifest wait that could not be read so many times;
	// a backfill gives up after MaxTries.
	Backoff  func(tries int) time.Duration
	MaxTries int
}

// Companions are the sidecars and manifests of the drop folders. Safe for concurrent use.
type Companions struct {
	deps      Deps
	journal   journal.Companions
	latest    func(ctx context.Context, folder, path string) (journal.Entry, bool, error)
	log       zerolog.Logger
	names     []string // of the folders that have companions
	folders   map[string]dropfolder.Folder
	unmatched map[string]*unmatchedCheck // by folder
}

// New returns the companions of those of the folders that have some.
func New(folders []dropfolder.Folder, d Deps) *Companions {
	cs := &Companions{
		deps: d, journal: journal.CompanionsOf(d.Journal), latest: d.Journal.Reader().Latest, log: d.Log,
		folders: make(map[string]dropfolder.Folder), unmatched: make(map[string]*unmatchedCheck),
	}
	for _, f := range folders {
		if f.Companions != nil {
			cs.names = append(cs.names, f.Name)
			cs.folders[f.Name] = f
			cs.unmatched[f.Name] = newUnmatchedCheck(f, cs.journal, d.Log)
		}
	}
	return cs
}

// Folders lists the folders that have companions.
func (cs *Companions) Folders() []string { return slices.Clone(cs.names) }

// Came is told that files or companions came in a folder. It waits for nobody.
func (cs *Companions) Came(folder string) {
	if u := cs.unmatched[folder]; u != nil {
		alarms.Signal(u.came)
	}
}

// Run is a run of the program.
type Run struct {
	Idle     <-chan struct{} // closes when no entry is worked on any more
	Drain    <-chan struct{} // closes when nothing more is to be begun
	Backfill bool            // it ends by itself
}

// Start starts the goroutines of a run: one for each folder that admits the rows of its
// manifests, and, but for a backfill, one that reports what is unmatched. They end when
// Idle closes or ctx ends; an error is the journal's.
func (cs *Companions) Start(ctx context.Context, run Run, start func(func() error)) error {
	left, err := cs.journal.FoldersToCheck(ctx)
	if err != nil {
		return err
	}
	for _, name := range cs.names {
		r := newRowAdmission(cs, cs.folders[name], run)
		start(func() error { return r.loop(ctx) })
		if !run.Backfill {
			u := cs.unmatched[name]
			start(func() error { return u.loop(ctx, run.Idle, left[name], cs.deps.Mounts.Usable) })
		}
	}
	return nil
}

// ReportUnmatched has every folder say which rows of its manifests and which of its sidecars
// no file has; it is for the end of a backfill. It returns the messages.
func (cs *Companions) ReportUnmatched(ctx context.Context) (messages []string, err error) {
	for _, name := range cs.names {
		if !cs.deps.Mounts.Usable(name) {
			continue
		}
		more, _, err := cs.unmatched[name].report(ctx)
		if err != nil {
			return nil, err
		}
		messages = append(messages, more...)
	}
	return messages, nil
}

// Split parts the companions among settled files from the rest. What is named like a
// companion and speaks of nothing is a file as any other.
func (cs *Companions) Split(ctx context.Context, files []file.File) (found, companions []file.File, err error) {
	for _, f := range files {
		is, wanted := false, true
		if c := cs.folders[f.Folder].Companions; c != nil {
			if _, is = c.About(f.Path); is {
				var s dropfolder.Stray
				if s, is = c.Stray(f.Path); is {
					_, is, err = cs.latest(ctx, f.Folder, s.Of)
					wanted = s.Wanted
				} else {
					is = true
				}
			}
		}
		switch {
		case err != nil:
			return nil, nil, err
		case is:
			companions = append(companions, f)
		case wanted:
			found = append(found, f)
		}
	}
	return found, companions, nil
}

// dueBatch bounds how many companions are read at a time.
const dueBatch = 256

// ActOnDue acts on companions that came or changed: what rests or waits for want of
// them goes round again, what is in Tenovos already is edited.
func (cs *Companions) ActOnDue(ctx context.Context) error {
	for {
		due, err := cs.journal.Due(ctx, cs.Folders(), dueBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		spelt, err := cs.speltOtherwise(ctx, due)
		if err != nil {
			return err
		}
		for i, c := range due {
			folder := cs.folders[c.Folder]
			about, _ := folder.Companions.About(c.Path)
			about.Also = spelt[i]
			folder.Companions.Forget(c.Path)
			released, edits, err := cs.journal.ActOn(ctx, c, about)
			if err != nil {
				return err
			}
			if released+edits > 0 {
				cs.log.Info().Str("folder", c.Folder).Str("companion", c.Path).Int("again", released).Int("edits", edits).
					Msg("a sidecar or manifest came or changed: what it speaks of is looked at again")
			}
		}
	}
}

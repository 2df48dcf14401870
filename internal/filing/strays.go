package filing

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
)

// maxStrays is how many are remembered of a folder. The next scan finds the rest.
const maxStrays = 10_000

// Strays are files that scans find under the hidden name that a file has on its way out
// of its folder. One that nobody is to move on from there, because its directory got
// another name meanwhile, or its entry moved on, would never be seen again: it gets a
// visible name back, and what it is is found out as of any file that was renamed.
//
// Safe for concurrent use.
type Strays struct {
	filer *Filer
	came  func(folder string)      // told when there are more
	may   func(folder string) bool // whether the files of a folder may be moved now

	mu    sync.Mutex
	found map[string]map[string]bool // by folder, then by path
	again map[string]retry           // by folder: when what was left the last time is looked at again
	named map[string]bool            // what the log has named, by folder and path
}

// retry is how often, and when next, the strays of a folder are looked at again.
type retry struct {
	tries int
	next  time.Time
}

// NewStrays returns the strays of the folders of a Filer. came is told of a folder where
// there are more, and may whether the files of a folder may be moved now.
func NewStrays(f *Filer, came func(folder string), may func(folder string) bool) *Strays {
	return &Strays{
		filer: f, came: came, may: may,
		found: make(map[string]map[string]bool), again: make(map[string]retry), named: make(map[string]bool),
	}
}

// Hidden is the watcher's: a directory was read that holds files whose names begin with a dot.
func (s *Strays) Hidden(folder string, paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rel := range paths {
		if _, ours := shelf.EntryOfHidden(rel); !ours || len(s.found[folder]) >= maxStrays {
			continue
		}
		if s.found[folder] == nil {
			s.found[folder] = make(map[string]bool)
		}
		if !s.found[folder][rel] {
			s.found[folder][rel] = true
			delete(s.again, folder)
			s.came(folder)
		}
	}
}

// restorePace is the shortest wait before what was left is looked at again.
const restorePace = time.Second

// longestStray is the longest wait before what was left is looked at again.
const longestStray = time.Minute

// Next returns when what was left in a folder is looked at again; zero: nothing was.
func (s *Strays) Next(folder string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.again[folder].next
}

// Hurry has what was left in a folder looked at the next time.
func (s *Strays) Hurry(folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.again, folder)
}

// Restore looks at what was found in a folder. Its error is the journal's.
func (s *Strays) Restore(ctx context.Context, folder string) error {
	s.mu.Lock()
	found, tries, next := slices.Sorted(maps.Keys(s.found[folder])), s.again[folder].tries, s.again[folder].next
	s.mu.Unlock()
	if s.filer.Now().Before(next) {
		return nil
	}
	left := 0
	for _, rel := range found {
		if !s.may(folder) {
			return nil
		}
		again, err := s.restore(ctx, folder, rel)
		if errors.Is(err, journal.ErrJournal) {
			return err
		}
		if mounts.IsGone(err) {
			return nil
		}
		if err != nil {
			s.logStray(folder, rel, secret.Sentence(err))
		}
		if again {
			left++
			continue
		}
		s.mu.Lock()
		delete(s.found[folder], rel)
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.again, folder)
	if left > 0 && left == len(s.found[folder]) { // else more came meanwhile, which rang
		wait := min(restorePace<<min(tries, 10), longestStray)
		s.again[folder] = retry{tries: tries + 1, next: s.filer.Now().Add(wait)}
	}
	return nil
}

// logStray says once which file people have to look after.
func (s *Strays) logStray(folder, rel, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := path.Join(folder, "/", rel)
	if s.named[key] || len(s.named) >= maxStrays {
		return
	}
	s.named[key] = true
	s.filer.Log.Warn().Str("folder", folder).Str("path", rel).Str("reason", why).
		Msg("a file lies under a hidden name in the drop folder: nobody sees it, and it is not ingested. Give it a name without a dot in front to have it ingested, or remove it")
}

// restore gives a file its visible name back, in the directory where it lies, unless
// its entry is to move it on from there. again says that it is to be looked at once more.
func (s *Strays) restore(ctx context.Context, folder, rel string) (again bool, err error) {
	id, _ := shelf.EntryOfHidden(rel)
	if !s.filer.Hands.Hold(id, &hands.Flight{Folder: folder, Path: rel}) {
		return true, nil
	}
	defer s.filer.Hands.Release(id)
	e, err := s.filer.Entries.Entry(ctx, id)
	unknown := errors.Is(err, journal.ErrUnknown)
	if err != nil && !unknown {
		return true, err
	}
	filing, err := s.filer.Intents.HasChore(ctx, id)
	if err != nil {
		return true, err
	}
	if !unknown && e.Folder == folder && (rel == e.Aside && e.Status == journal.Verified || filing && (rel == e.Aside || rel == shelf.HiddenName(e.Path, e.ID))) {
		return false, nil // it is moved on
	}
	sh, err := shelf.Open(s.filer.Mounts, folder, id)
	if err != nil {
		return true, err
	}
	defer sh.Close()
	opened, is, err := sh.OpenRegular(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	_ = opened.Close() // nothing was written
	known := !unknown && e.Folder == folder && e.Kind == journal.File &&
		(e.Ino == is.Ino && e.Dev == is.Dev || e.Size == is.Size && e.ModTime == is.ModTime)
	if !known {
		return false, errors.New("the journal does not know it")
	}
	now, err := s.filer.departFrom(ctx, sh, e).Resume(rel)
	if err != nil || now == "" {
		return true, err
	}
	dropfolder.LogEntry(s.filer.Log.Info(), e).Str("hidden", rel).Str("now", now).
		Msg("a file that was on its way out of the drop folder has its name back: its directory had changed meanwhile")
	return false, nil
}

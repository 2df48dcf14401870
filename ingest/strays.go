package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/secret"
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
	p *Pipeline

	mu    sync.Mutex
	found map[string]map[string]bool // by folder, then by path
	again map[string]trouble         // by folder: what was left the last time
	told  map[string]bool            // what the log has named, by folder and path
}

// trouble is how often what was found could not all be moved.
type trouble struct {
	tries int
	next  time.Time
}

func newStrays(p *Pipeline) *Strays {
	return &Strays{p: p, found: make(map[string]map[string]bool), again: make(map[string]trouble), told: make(map[string]bool)}
}

// Hidden is the watcher's: a directory was read that holds files whose names begin with a dot.
func (s *Strays) Hidden(folder string, paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rel := range paths {
		if _, ours := entryOfAside(rel); !ours || len(s.found[folder]) >= maxStrays {
			continue
		}
		if s.found[folder] == nil {
			s.found[folder] = make(map[string]bool)
		}
		if !s.found[folder][rel] {
			s.found[folder][rel] = true
			delete(s.again, folder)
			s.p.alarms.RingFolder(folder)
		}
	}
}

// longestStray is the longest wait before what was left is looked at again.
const longestStray = time.Minute

// next returns when what was left in a folder is looked at again; zero: nothing was.
func (s *Strays) next(folder string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.again[folder].next
}

// hurry has what was left in a folder looked at the next time.
func (s *Strays) hurry(folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.again, folder)
}

// asidePrefix begins a file's hidden name. The number of its entry follows.
const asidePrefix = ".ingestd-"

// asideOf is the hidden name of an entry's file on its way out of the folder.
func asideOf(e journal.Entry) string {
	return path.Join(path.Dir(e.Path), asidePrefix+strconv.FormatInt(e.ID, 10))
}

// entryOfAside is the entry whose file has a hidden name; false if the name is none.
func entryOfAside(rel string) (id int64, ok bool) {
	digits, ok := strings.CutPrefix(path.Base(rel), asidePrefix)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, err == nil && id > 0 && strconv.FormatInt(id, 10) == digits
}

// settle looks at what was found in a folder. Its error is the journal's.
func (s *Strays) settle(ctx context.Context, folder string) error {
	s.mu.Lock()
	found, tries, next := slices.Sorted(maps.Keys(s.found[folder])), s.again[folder].tries, s.again[folder].next
	s.mu.Unlock()
	if s.p.now().Before(next) {
		return nil
	}
	left := 0
	for _, rel := range found {
		if s.p.draining() || !s.p.mayFile(folder) {
			return nil
		}
		again, err := s.settleOne(ctx, folder, rel)
		if errors.Is(err, journal.ErrJournal) {
			return err
		}
		if mounts.IsGone(err) {
			return nil
		}
		if err != nil {
			s.tell(folder, rel, secret.Sentence(err))
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
		wait := min(chorePace<<min(tries, 10), longestStray)
		s.again[folder] = trouble{tries: tries + 1, next: s.p.now().Add(wait)}
	}
	return nil
}

// tell says once which file people have to look after.
func (s *Strays) tell(folder, rel, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := path.Join(folder, "/", rel)
	if s.told[key] || len(s.told) >= maxStrays {
		return
	}
	s.told[key] = true
	s.p.log.Warn().Str("folder", folder).Str("path", rel).Str("reason", why).
		Msg("a file lies under a hidden name in the drop folder: nobody sees it, and it is not ingested. Give it a name without a dot in front to have it ingested, or remove it")
}

// settleOne gives a file its visible name back, in the directory where it lies, unless
// its entry is to move it on from there. again says that it is to be looked at once more.
func (s *Strays) settleOne(ctx context.Context, folder, rel string) (again bool, err error) {
	id, _ := entryOfAside(rel)
	if !s.p.hands.Hold(id, &hands.Flight{Folder: folder, Path: rel}) {
		return true, nil
	}
	defer s.p.hands.Release(id)
	e, err := s.p.journal.Entry(ctx, id)
	unknown := errors.Is(err, journal.ErrUnknown)
	if err != nil && !unknown {
		return true, err
	}
	filing, err := s.p.journal.Reader().HasFileChore(ctx, id)
	if err != nil {
		return true, err
	}
	if !unknown && e.Folder == folder && (rel == e.Aside && e.Status == journal.Verified || filing && (rel == e.Aside || rel == asideOf(e))) {
		return false, nil // it is moved on
	}
	shelf, err := s.p.openShelf(folder, id)
	if err != nil {
		return true, err
	}
	defer shelf.close()
	opened, hint, err := shelf.look(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	_ = opened.Close() // nothing was written
	known := !unknown && e.Folder == folder && e.Kind == journal.File &&
		(e.Ino == hint.Ino && e.Dev == hint.Dev || e.Size == hint.Size && e.ModTime == hint.ModTime)
	if !known {
		return false, errors.New("the journal does not know it")
	}
	t := &taking{shelf: shelf, p: s.p, e: e}
	if e.MovedTo != "" && t.sameFile(rel, e.MovedTo) { // between the steps of moveByLink
		return true, shelf.root.Remove(rel)
	}
	// The journal first: a crash in between leaves a file that is found again.
	if e.Aside != "" && (e.MovedTo == "" || !t.arrived()) {
		if err := t.forget(ctx, false); err != nil {
			return true, err
		}
	}
	to, err := shelf.moveNumbered(rel, path.Join(path.Dir(rel), path.Base(e.Path)), func(string) error { return nil })
	if err != nil {
		return true, err
	}
	s.p.entryLog(s.p.log.Info(), e).Str("hidden", rel).Str("now", to).
		Msg("a file that was on its way out of the drop folder has its name back: its directory had changed meanwhile")
	return false, nil
}

// lacks returns nil if no file lies at rel for certain.
func (s *shelf) lacks(rel string) error { return s.root.Lacks(rel) }

// lost returns nil if a file that was on its way out of the folder is in none of the places
// on that way, for certain.
func (t *taking) lost() error {
	if t.e.Aside == "" {
		return nil
	}
	for _, at := range []string{t.e.Aside, t.e.Path, t.e.MovedTo} {
		if at == "" || at == t.e.MovedTo && t.isTaken(at) {
			continue
		}
		if err := t.lacks(at); err != nil {
			return fmt.Errorf("the file has the hidden name %q, and is neither there nor at its destination: put the directory %q back if it was moved: %w",
				t.e.Aside, path.Dir(t.e.Aside), err)
		}
	}
	return nil
}

// isTaken reports that another file has the name that was intended for this one: it would
// have got a number.
func (t *taking) isTaken(rel string) bool {
	file, _, err := t.look(rel)
	if err != nil {
		return false
	}
	defer file.Close() // nothing was written
	return !t.sameContent(file)
}

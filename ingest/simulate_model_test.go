package ingest_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/desk"
)

// model is what people did to the drop, told by the contents of the files.
type model struct {
	offers  map[string]int       // by the MD5 of a content: how often it was put under a path
	there   map[string]string    // by path: the content that was put there last, unless it was taken away again
	held    map[string]bool      // paths that held something at some time
	changed map[string]time.Time // when each path changed last
	left    map[string]string    // by path: the content that had it before it was renamed
	came    map[string]bool      // paths that got what they held by a renaming
	again   map[string]bool      // paths that were written once more with the content that they had
	asked   map[string]bool      // what operators asked for
}

func newModel() model {
	return model{offers: make(map[string]int), there: make(map[string]string), held: make(map[string]bool),
		changed: make(map[string]time.Time), left: make(map[string]string), came: make(map[string]bool), again: make(map[string]bool), asked: make(map[string]bool)}
}

// simDeeds are what the steps do.
var simDeeds = map[string]func(*sim, simStep){
	"write":    (*sim).doWrite,
	"replace":  (*sim).doReplace,
	"rename":   (*sim).doRename,
	"exchange": (*sim).doExchange,
	"delete":   (*sim).doDelete,
	"touch":    (*sim).doTouch,
	"fault":    (*sim).doFault,
	"crash":    func(s *sim, step simStep) { s.arm(step.Where, step.N) },
	"restart":  func(s *sim, _ simStep) { s.down() },
	"reload":   (*sim).doReload,
	"move":     (*sim).doMove,
	"expire":   func(s *sim, _ simStep) { s.sandbox.ExpireSessions(true) },
	"scan":     func(s *sim, _ simStep) { s.notice(simMail{scan: true}) },
	"ask":      (*sim).doAsk,
}

func (s *sim) at(path string) string { return filepath.Join(s.drop, path) }

// inDir does something in the directory of a path, which may be pruned at any moment.
func (s *sim) inDir(path string, do func() error) (err error) {
	for range 10 {
		if err = os.MkdirAll(filepath.Dir(s.at(path)), 0o755); err == nil {
			err = do()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// changes notes that paths changed, and when the watcher is to learn of it.
func (s *sim) changes(step simStep, paths ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, path := range paths {
		s.model.changed[path] = time.Now()
		at := time.Now().Add(simSettle)
		switch step.Seen {
		case "never":
			delete(s.due, path)
			continue
		case "late":
			at = at.Add(3 * time.Second)
		case "twice":
			time.AfterFunc(time.Second, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.due[path] = time.Now()
			})
		}
		s.due[path] = at
	}
}

// putUnder notes that a content was put under a path.
// Where files are taken away, the same content is another drop of it. And what had the
// path before it was renamed may be in as an earlier version of the new content, if the
// watcher saw that first, and as the asset of its new path.
func (s *sim) putUnder(path, sum string) {
	same := s.model.there[path] == sum
	if !same || s.takes || s.model.came[path] {
		s.model.offers[sum]++
	}
	s.model.again[path] = same
	if left, ok := s.model.left[path]; ok {
		s.model.offers[left]++
		delete(s.model.left, path)
	}
	s.model.there[path], s.model.held[path] = sum, true
}

// doWrite writes into the file that has the path, doReplace puts another in its place.
func (s *sim) doWrite(step simStep) { s.fill(step, s.at(step.Path)) }

func (s *sim) doReplace(step simStep) { s.fill(step, filepath.Join(s.dir, "new")) }

func (s *sim) fill(step simStep, name string) {
	data := content("simulated", step.Size, uint64(step.N))
	s.mu.Lock()
	s.model.changed[step.Path] = time.Now() // a watcher passes over what is just being written
	s.mu.Unlock()
	was, err := os.Lstat(s.at(step.Path))
	must(s.t, s.inDir(step.Path, func() error { return os.WriteFile(name, data, 0o644) }))
	when := time.Now() // of the bubble, so that no two contents of a path have the same
	if err == nil && step.Keep {
		when = was.ModTime()
	}
	must(s.t, os.Chtimes(name, when, when))
	if name != s.at(step.Path) {
		must(s.t, s.inDir(step.Path, func() error { return os.Rename(name, s.at(step.Path)) }))
	}
	sum := md5.Sum(data)
	s.putUnder(step.Path, hex.EncodeToString(sum[:]))
	s.told = s.foretell(step)
	s.changes(step, step.Path)
}

func (s *sim) doRename(step simStep) {
	if step.Path == step.To {
		return
	}
	if s.inDir(step.To, func() error { return os.Rename(s.at(step.Path), s.at(step.To)) }) != nil {
		return // it is not there any more
	}
	s.renamed(step.Path, step.To)
	s.changes(step, step.Path, step.To)
}

func (s *sim) renamed(from, to string) {
	sum := s.model.there[from]
	if s.model.again[from] { // a rewritten file that was not seen before it was renamed is another one
		s.model.offers[sum]++
	}
	delete(s.model.there, from)
	s.model.left[from], s.model.came[to] = sum, true
	if s.model.held[to] {
		s.putUnder(to, sum)
	} else {
		s.model.there[to], s.model.held[to] = sum, true
	}
}

// doMove renames a directory.
func (s *sim) doMove(step simStep) {
	from, to := step.Path+"/", step.To+"/"
	if strings.HasPrefix(to, from) || s.inDir(step.To, func() error { return os.Rename(s.at(step.Path), s.at(step.To)) }) != nil {
		return // it is not there, or the other one is
	}
	for _, path := range slices.Sorted(maps.Keys(s.model.there)) {
		rest, below := strings.CutPrefix(path, from)
		if _, err := os.Lstat(s.at(to + rest)); below && err == nil { // it was not taken away before
			s.renamed(path, to+rest)
			s.changes(step, path, to+rest)
		}
	}
}

func (s *sim) doExchange(step simStep) {
	a, b := s.at(step.Path), s.at(step.To)
	if step.Path == step.To || unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) != nil {
		return
	}
	there := s.model.there
	// Where one of the files was not seen before, the other one replaces what was.
	s.model.offers[there[step.Path]]++
	s.model.offers[there[step.To]]++
	there[step.Path], there[step.To] = there[step.To], there[step.Path]
	s.changes(step, step.Path, step.To)
}

func (s *sim) doDelete(step simStep) {
	if os.Remove(s.at(step.Path)) == nil {
		delete(s.model.there, step.Path)
		s.changes(step, step.Path)
	}
}

func (s *sim) doTouch(step simStep) {
	if os.Chmod(s.at(step.Path), 0o600) == nil {
		s.changes(step, step.Path)
	}
}

// doFault queues a line of the fault table.
func (s *sim) doFault(step simStep) {
	for _, tr := range troubles {
		if tr.name != step.Where {
			continue
		}
		f := tr.faults()[step.Kind]
		f.Operation, f.BodyHas, f.Times = tr.operation, tr.body, step.Times
		if step.Path != "" {
			f.About = filepath.Base(step.Path)
		}
		for _, first := range tr.first {
			first.About = f.About
			s.queue(first)
		}
		s.queue(f)
	}
}

func (s *sim) doReload(step simStep) {
	s.down()
	s.configure(*step.Setup)
}

// doAsk leaves a request about one entry, or about all that its kind is for.
func (s *sim) doAsk(step simStep) {
	sel := desk.Selection{}
	if step.N > 0 {
		sel.IDs = []int64{int64(step.N)}
	}
	kind := step.Kind
	if kind == retryAsNew {
		kind, sel.AsNew = desk.RequestRetry, true
	}
	s.model.asked[kind] = true
	s.ask(kind, sel)
}

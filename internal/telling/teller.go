package telling

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	// batch bounds how many notes are written before that is recorded.
	batch = 64

	// maxSeen bounds how many notes that scans met are remembered of a folder. The next
	// scan meets the rest.
	maxSeen = 10_000
)

// Entries reads entries of the journal.
type Entries interface {
	Entry(ctx context.Context, id int64) (journal.Entry, error)
}

// Deps are what a Teller works with.
type Deps struct {
	Notes   journal.Notes
	Entries Entries
	Folders []dropfolder.Folder
	Mounts  *mounts.Mounts
	Limit   int64                    // bytes; a larger file is not taken
	May     func(folder string) bool // whether notes of a folder may be written now
	Once    func() bool              // the run is a backfill's, which leaves the notes of folders alone that do not tell
	Came    func(folder string)      // told when there is more to look at in a folder
	Now     func() time.Time
	Log     zerolog.Logger
}

// Teller keeps the notes beside files as the journal wants them.
type Teller struct {
	Deps
	folders map[string]dropfolder.Folder

	mu   sync.Mutex
	seen map[string]map[string]bool // notes that scans met, by folder
	said map[string]bool            // folders of which the log has said that notes cannot be written
}

// New returns a Teller.
func New(d Deps) *Teller {
	t := &Teller{Deps: d, folders: make(map[string]dropfolder.Folder), seen: make(map[string]map[string]bool), said: make(map[string]bool)}
	for _, f := range d.Folders {
		t.folders[f.Name] = f
	}
	return t
}

// Words are those of a folder.
func (t *Teller) Words(folder string) Words {
	return Words{Folder: folder, Contact: t.folders[folder].Contact, Limit: t.Limit}
}

// Text is the note on the file of an entry that has failed and was moved away.
func (t *Teller) Text(e journal.Entry) string {
	_, text := t.Words(e.Folder).Note(e)
	return text
}

// Begin tells the journal which folders tell people of their files. Where that changed, or
// what they are told, the notes become due.
func (t *Teller) Begin(ctx context.Context) error {
	for _, f := range t.Folders {
		if t.rests(f) {
			continue
		}
		with := ""
		if f.Tell {
			with = t.Words(f.Name).sum()
		}
		if err := t.Notes.Tell(ctx, f.Name, with); err != nil {
			return err
		}
	}
	return nil
}

// rests reports that the notes of a folder are left as they are in this run.
func (t *Teller) rests(f dropfolder.Folder) bool { return t.Once() && !f.Tell }

// Seen is the watcher's: a scan met notes at these paths. Those that nobody wrote whose
// entry is in the journal, because it was lost, or a person moved them along with a file,
// are removed.
func (t *Teller) Seen(folder string, paths []string) {
	f := t.folders[folder]
	if f.Shared || !f.Tell && f.After.Keeps() {
		return // where others may work on the folder, they may be theirs
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[folder] == nil {
		t.seen[folder] = make(map[string]bool)
	}
	for _, rel := range paths[:max(min(len(paths), maxSeen-len(t.seen[folder])), 0)] {
		t.seen[folder][rel] = true
	}
	t.Came(folder)
}

// Next returns when a note of a folder is to be looked at; false for never.
func (t *Teller) Next(ctx context.Context, folder string) (time.Time, bool, error) {
	if t.rests(t.folders[folder]) {
		return time.Time{}, false, nil
	}
	return t.Notes.Next(ctx, folder)
}

// Do brings the notes of a folder up to date that are due, and then looks at those that
// scans met. Its error is the journal's. A folder that is not there has its notes wait.
func (t *Teller) Do(ctx context.Context, folder string) error {
	if t.rests(t.folders[folder]) {
		return nil
	}
	for t.May(folder) && ctx.Err() == nil {
		due, err := t.Notes.Due(ctx, t.Now(), folder, batch)
		if err != nil {
			return err
		}
		if away, err := t.all(ctx, due); away || err != nil {
			return err
		}
		if len(due) < batch {
			return t.removeStrange(ctx, folder)
		}
	}
	return nil
}

// all brings notes up to date, and records that of all of them together. away says that
// their folder is not there.
func (t *Teller) all(ctx context.Context, due []journal.Note) (away bool, err error) {
	done := make([]journal.Note, 0, len(due))
	for _, n := range due {
		now, err := t.one(ctx, n)
		switch {
		case errors.Is(err, journal.ErrJournal) || ctx.Err() != nil:
			return false, errors.Join(err, ctx.Err())
		case mounts.IsGone(err):
			away = true
		case err != nil:
			err = t.later(ctx, n, err)
		default:
			done = append(done, now)
		}
		if away {
			break
		}
		if err != nil {
			return false, err
		}
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	return away, t.Notes.Done(rctx, done)
}

// later puts a note off that could not be written or removed: that is no failure of its
// file.
func (t *Teller) later(ctx context.Context, n journal.Note, why error) error {
	if e, err := t.Entries.Entry(ctx, n.EntryID); err == nil && !errors.Is(why, errNoFile) && t.first(e.Folder) {
		dropfolder.LogEntry(t.Log.Warn(), e).Str("reason", reasons.Message(why)).
			Msg("people cannot be told of a file by a note beside it: let the service write into the folder, or set `tell: false` for it; tried again, and not said again")
	}
	return t.Notes.Defer(ctx, n, t.Now().Add(min(10*time.Second<<min(n.Tries, 10), time.Hour)), reasons.Message(why))
}

// first reports that the log has not said yet of a folder that notes cannot be written.
func (t *Teller) first(folder string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.said[folder] {
		return false
	}
	t.said[folder] = true
	return true
}

// errNoFile says that there is no file to write a note beside.
var errNoFile = errors.New("the file is not there")

// one brings a note up to date, and returns how it is then.
func (t *Teller) one(ctx context.Context, n journal.Note) (journal.Note, error) {
	e, err := t.Entries.Entry(ctx, n.EntryID)
	if errors.Is(err, journal.ErrUnknown) { // it was pruned just now, and its row with it
		return n, nil
	}
	if err != nil {
		return n, err
	}
	s, err := shelf.Open(t.Mounts, e.Folder, e.ID)
	if err != nil {
		return n, err
	}
	defer s.Close()
	if t.wanted(e) {
		return t.write(s, e, n)
	}
	return t.remove(s, e, n)
}

// wanted reports whether there is to be a note beside the file of an entry: that is held,
// or has failed and stays.
func (t *Teller) wanted(e journal.Entry) bool {
	f := t.folders[e.Folder]
	return f.Tell && e.Kind == journal.File && !e.Taken() && (e.Status == journal.Held ||
		e.Status == journal.Failed && (f.After.Keeps() || e.Reason.Class == reasons.ClassUnreadable))
}

// write sees to it that the note lies beside the file of an entry. One that a person has
// removed is not written again for the same reason.
func (t *Teller) write(s *shelf.Shelf, e journal.Entry, n journal.Note) (journal.Note, error) {
	kind, text := t.Words(e.Folder).Note(e)
	told := reasonSum(kind, e.Reason)
	if string(n.Told) == string(told) {
		there, is, ok := s.Note(n.Path)
		switch {
		case n.Path == "" || !s.Holds(n.Path): // a person removed it
			return n, nil
		case path.Dir(n.Path) == path.Dir(e.Path) && (there == text || ok && !is.Intact): // or has changed it
			return n, nil
		}
	}
	if !s.Holds(e.Path) {
		return n, errNoFile
	}
	for _, kind := range []notes.Kind{notes.Held, notes.Failed} { // what was said before
		if err := s.RemoveNotes(e.Path, path.Base(e.Path), kind, n.Path); err != nil {
			return n, err
		}
	}
	at, err := s.WriteNote(e.Path, path.Base(e.Path), kind, text)
	if err != nil {
		return n, fmt.Errorf("write the note beside the file: %w", err)
	}
	n.Path, n.Told = at, told
	return n, nil
}

// reasonSum tells what a note was written for.
func reasonSum(kind notes.Kind, r journal.Reason) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", kind, r.Class, r.Message))
	return sum[:8]
}

// remove sees to it that there is no note on an entry. While that is on its way, it is
// remembered of one that a person has removed for what it was: should the entry come to
// rest for the same reason again, there is nothing new to tell.
func (t *Teller) remove(s *shelf.Shelf, e journal.Entry, n journal.Note) (journal.Note, error) {
	name := path.Base(e.Path)
	dismissed := n.Path != "" && !s.Holds(n.Path) || n.Path == "" && len(n.Told) > 0
	kinds := map[string][]notes.Kind{e.Path: {notes.Held, notes.Failed}}
	if e.MovedTo != "" && e.Status != journal.Failed { // the text beside it is the Filer's until then
		kinds[e.MovedTo] = []notes.Kind{notes.Failed}
	}
	for at, all := range kinds {
		for _, kind := range all {
			if err := s.RemoveNotes(at, name, kind, n.Path); err != nil {
				return n, fmt.Errorf("remove the note beside the file: %w", err)
			}
		}
	}
	if t.folders[e.Folder].Prune && e.Taken() {
		s.Prune(e.Path) // the note kept its directory
	}
	if _, is, ok := s.Note(n.Path); n.Path != "" && ok && !is.Intact {
		dropfolder.LogEntry(t.Log.Info(), e).Str("note", n.Path).Msg("a note is over, but somebody has written into it: it stays, and is not ingested")
	}
	n.Path = ""
	if !dismissed || !e.Status.Runnable() {
		n.Told = nil
	}
	return n, nil
}

// removeStrange removes those of the notes that scans met which the journal knows nothing
// of.
func (t *Teller) removeStrange(ctx context.Context, folder string) error {
	t.mu.Lock()
	met := make([]string, 0, len(t.seen[folder]))
	for rel := range t.seen[folder] {
		met = append(met, rel)
	}
	delete(t.seen, folder)
	t.mu.Unlock()
	if len(met) == 0 {
		return nil
	}
	ours, err := t.Notes.At(ctx, folder, met)
	if err != nil || len(ours) == len(met) {
		return err
	}
	s, err := shelf.Open(t.Mounts, folder, 0)
	if err != nil {
		return nil //nolint:nilerr // the folder is not there: another scan will meet them
	}
	defer s.Close()
	for _, rel := range met {
		if ours[rel] {
			continue
		}
		if err := s.RemoveNote(rel); err != nil {
			t.Log.Debug().Str("folder", folder).Str("path", rel).Str("reason", reasons.Message(err)).Msg("a note that is about nothing cannot be removed")
		} else if t.folders[folder].Prune {
			s.Prune(rel) // the file may have left its directory before
		}
	}
	return nil
}

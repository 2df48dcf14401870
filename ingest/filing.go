package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// errWritten is a file that a program holds open for writing.
var errWritten = errors.New("a program has the file open for writing")

// taking is one file on its way out of the drop folder.
//
// It first gets a hidden name beside it, so that nobody finds it any more, and is
// then looked at once more through its open descriptor: what changed in the last
// moment is put back. Where it goes is in the journal before anything is done, so
// that whatever a crash leaves is found again.
type taking struct {
	*shelf
	p      *Pipeline
	e      journal.Entry
	remove bool   // delete it; else move it below pattern
	to     string // where it was moved to; "" if it was deleted or stays
	prunes bool
}

// takeAway moves or deletes the file of an entry, which is in e.Status. It may be
// repeated until it succeeds. Without an error the file is where the result
// says, or was deleted, or was left because it is not what the entry is about.
func (p *Pipeline) takeAway(ctx context.Context, e journal.Entry, remove bool, pattern string) (to string, err error) {
	folder := p.folders[e.Folder]
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return "", err
	}
	defer s.close()
	t := &taking{shelf: s, p: p, e: e, remove: remove, prunes: folder.Prune}
	file, err := t.aside(ctx, onDisk(folder.Path, pattern))
	if err != nil || file == nil {
		return t.to, err
	}
	defer file.Close() // nothing was written
	if !t.sameContent(file) || !t.names(t.e.Aside, file) {
		return "", t.putBack(ctx)
	}
	if watcher.Written(file) {
		return "", errors.Join(t.putBack(ctx), errWritten)
	}
	return t.to, t.finish(ctx)
}

// aside gives the file its hidden name and returns it open; nil when there is
// nothing to take, or it was taken before.
func (t *taking) aside(ctx context.Context, pattern string) (*os.File, error) {
	if t.e.Aside != "" { // a crash may have come in between
		if t.sameFile(t.e.Path, t.e.Aside) { // between the steps of moveByLink
			if err := t.root.Remove(t.e.Path); err != nil {
				return nil, err
			}
		}
		file, _, err := t.look(t.e.Aside)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		if t.e.MovedTo != "" && t.arrived() {
			t.to = t.e.MovedTo
			return nil, nil
		}
	}
	file, hint, err := t.look(t.e.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := t.lost(); err != nil {
			return nil, err
		}
		renamed, err := t.renamedBefore(ctx)
		if err != nil {
			return nil, err
		}
		return nil, t.forget(ctx, t.e.Aside != "" && t.e.MovedTo == "" && !renamed) // deleted by us, or gone anyhow
	}
	if err != nil {
		return nil, err
	}
	if same, err := t.unchanged(ctx, t.e.Stat.Renumbered(hint, file)); err != nil || !same {
		_ = file.Close() // nothing was written
		return nil, errors.Join(err, t.forget(ctx, false))
	}
	if watcher.Written(file) {
		_ = file.Close() // nothing was written
		return nil, errWritten
	}
	if t.e.Aside == "" {
		if t.e.MovedTo = ""; !t.remove {
			t.e.MovedTo = Destination(pattern, t.e.Folder, t.e.Path, t.p.now())
		}
	}
	if t.e.MovedTo != "" { // a file that cannot be moved keeps its name
		if err := t.room(t.e.Path, t.e.MovedTo); err != nil {
			_ = file.Close() // nothing was written
			return nil, errors.Join(err, t.forget(ctx, false))
		}
	}
	if t.e.Aside == "" {
		t.e.Aside = asideOf(t.e)
		if err := t.record(ctx); err != nil {
			_ = file.Close() // nothing was written
			return nil, err
		}
	}
	if err := t.move(t.e.Path, t.e.Aside); err != nil {
		_ = file.Close()                                          // nothing was written
		if errors.Is(err, fs.ErrNotExist) && !t.holds(t.e.Path) { // renamed just now: it was not we who took it
			return nil, t.forget(ctx, false)
		}
		return nil, err
	}
	return file, nil
}

// renamedBefore reports whether the file of an entry got another path between the intent to
// take it away and the taking: a crash came in between, and a rename before the next start.
// Then it was not we who took it, and it is recognised under the other path. Until the
// watcher has looked everywhere it cannot be told, which is answered with notYetError.
func (t *taking) renamedBefore(ctx context.Context) (bool, error) {
	if t.e.Aside == "" {
		return false, nil
	}
	since := t.p.sought.begin(t.e.ID, t.p.now())
	found, err := t.p.journal.Reader().Displaced(ctx, t.e)
	if err != nil {
		return false, err
	}
	if !found && t.p.unscanned(t.e.Folder, since) && t.p.now().Sub(since) < seekAtMost {
		return false, &notYetError{t.p.now().Add(seekEvery)}
	}
	t.p.sought.end(t.e.ID)
	return found, nil
}

// unchanged reports whether a file is what the entry is about. Of one that was touched
// the bytes decide, and so they do before one is deleted that was filed earlier: the
// touches since then were taken for touches. A file that failed because it could not be
// read, and was touched, is looked at again.
func (t *taking) unchanged(ctx context.Context, hint file.Stat) (bool, error) {
	switch {
	case !t.e.Alike(hint):
		return false, nil
	case hint.ChangeTime == t.e.ChangeTime && !(t.remove && t.e.Status == journal.Filed):
		return true, nil
	case t.e.Status == journal.Failed:
		return t.e.Reason.Class != reasons.ClassUnreadable, nil
	}
	here := t.e
	here.MovedTo = "" // not yet
	src, err := t.p.openFor(t.e.ID, here)
	if isGone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer src.Close()
	if src.Hint() != hint {
		return false, fmt.Errorf("%s is being changed", t.e.Path)
	}
	same, err := compare(ctx, t.p.journal, t.e, src)
	if same {
		t.e.ChangeTime = hint.ChangeTime
	}
	return same, err
}

// arrived reports whether the file is in its last place already.
func (t *taking) arrived() bool {
	file, _, err := t.look(t.e.MovedTo)
	if err != nil {
		return false
	}
	defer file.Close() // nothing was written
	return t.sameContent(file)
}

// sameContent reports that an open file is the entry's, as it was; its change
// time moves with its name.
func (t *taking) sameContent(file *os.File) bool {
	now, err := fresh(file)
	if err != nil {
		return false
	}
	was := t.e.Stat
	was.ChangeTime = now.ChangeTime
	now.Dev = was.Dev
	return was.Renumbered(now, file) == was
}

// finish brings the file from its hidden name to where it belongs.
func (t *taking) finish(ctx context.Context) error {
	if t.e.MovedTo == "" {
		if err := t.root.Remove(t.e.Aside); err != nil {
			return err
		}
	} else {
		to, err := t.moveNumbered(t.e.Aside, t.e.MovedTo, func(to string) error {
			if to == t.e.MovedTo {
				return nil
			}
			t.e.MovedTo = to
			return t.record(ctx)
		})
		if errors.Is(err, unix.EXDEV) { // another mount of the same file system
			_, back := t.back(ctx)
			return errors.Join(err, back)
		}
		if err != nil {
			return err
		}
		t.to = to
		t.takeAlong(ctx)
	}
	if t.prunes {
		t.prune(t.e.Path)
	}
	t.tell()
	return nil
}

// takeAlong moves the companions of a file that was moved after it, where it is
// alone in having them and what they tell is known. What does not succeed stays: a
// companion is no asset.
func (t *taking) takeAlong(ctx context.Context) {
	companions := t.p.folders[t.e.Folder].Companions
	if companions == nil || t.e.Status != journal.Verified && t.e.Status != journal.Filed {
		return
	}
	for _, beside := range companions.Beside(t.e.Path) {
		from := beside.Path
		opened, is, err := t.look(from)
		if err != nil {
			continue
		}
		written := watcher.Written(opened)
		_ = opened.Close() // nothing was written
		companion := file.File{Folder: t.e.Folder, Path: from, Stat: is}
		fresh, err := journal.CompanionsOf(t.p.journal).Unknown(ctx, []file.File{companion})
		if err != nil || len(fresh) > 0 || written {
			continue
		}
		to := t.to
		if beside.Stem {
			if !beside.Alone && t.shared(companions) {
				continue
			}
			to = strings.TrimSuffix(to, path.Ext(to))
		}
		if err := t.move(from, to+path.Ext(from)); err != nil {
			t.p.entryLog(t.p.log.Debug(), t.e).Str("companion", from).Str("reason", secret.Sentence(err)).Msg("a companion stays in the drop folder")
		}
	}
}

// shared reports whether another file has the name of this one but for its
// extension.
func (t *taking) shared(companions dropfolder.Companions) bool {
	stem := dropfolder.FoldName(strings.TrimSuffix(path.Base(t.e.Path), path.Ext(t.e.Path)))
	dir, err := t.root.OpenDir(path.Dir(t.e.Path))
	if err != nil {
		return true
	}
	defer dir.Close() // nothing was written
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return true
	}
	for _, e := range entries {
		name := e.Name()
		if dropfolder.FoldName(strings.TrimSuffix(name, path.Ext(name))) != stem {
			continue
		}
		if _, ok := companions.About(name); !ok {
			return true
		}
	}
	return false
}

// putBack gives a file its name back that changed in the last moment. Where a
// newer one has taken that, it becomes a drop of its own.
func (t *taking) putBack(ctx context.Context) error {
	to, err := t.back(ctx)
	if err == nil {
		t.p.entryLog(t.p.log.Info(), t.e).Str("now", to).Msg("the file changed before it could be moved away: it stays, and is looked at again")
	}
	return err
}

// back gives a file its name back, or the next one that is free.
func (t *taking) back(ctx context.Context) (string, error) {
	to, err := t.moveNumbered(t.e.Aside, t.e.Path, func(string) error { return nil })
	if err != nil {
		return "", err
	}
	return to, t.forget(ctx, false)
}

// forget takes the intent back; a deletion that has taken place is none any more.
func (t *taking) forget(ctx context.Context, deleted bool) error {
	if deleted || t.e.Aside == "" {
		return nil
	}
	t.e.Aside, t.e.MovedTo = "", ""
	return t.record(ctx)
}

// record stores where the file goes.
func (t *taking) record(ctx context.Context) error {
	ctx, cancel := record(ctx)
	defer cancel()
	return t.p.journal.SetFiling(ctx, t.e.ID, t.e.Status, t.e.Aside, t.e.MovedTo)
}

// filingWait is the wait before the n-th try to move a file away.
func filingWait(n int) time.Duration { return min(2*time.Second<<min(n, 10), 10*time.Minute) }

// fileSource does with the source of a verified entry what the folder asks for.
// False if it could not: then the entry waits and it is tried again, without end.
func (p *Pipeline) fileSource(ctx context.Context, e journal.Entry) (bool, error) {
	folder := p.folders[e.Folder]
	if (folder.After.Keeps() || folder.Resumes()) && !e.Taken() || e.Kind != journal.File {
		return true, nil
	}
	var err error
	if folder.After.Keeps() { // the configuration changed in the middle of it
		err = p.restoreAside(ctx, e)
	} else {
		if !e.Taken() {
			err = p.proofs.Prove(ctx, e, e)
		}
		if err == nil {
			_, err = p.takeAway(ctx, e, folder.After == dropfolder.AfterDelete, folder.Done)
		}
	}
	if err == nil || errors.Is(err, journal.ErrJournal) || errors.Is(err, journal.ErrMoved) {
		return err == nil, err
	}
	if mounts.IsGone(err) { // said of the folder
		return false, err
	}
	if later, ok := errors.AsType[*notYetError](err); ok {
		return false, deferEntry(ctx, p.journal, e.ID, e.Status, later.until, reasons.Sought, false)
	}
	if e.Tries == 0 {
		p.entryLog(p.log.Warn(), e).Str("reason", secret.Sentence(err)).Msg("the file was uploaded but cannot be moved away yet: tried again until it can")
	}
	return false, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(filingWait(e.Tries)), reasonFiling(err), false)
}

// restoreAside gives a file that is on its way out its name back.
func (p *Pipeline) restoreAside(ctx context.Context, e journal.Entry) error {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.close()
	t := &taking{shelf: s, p: p, e: e}
	if file, _, err := s.look(e.Aside); err == nil {
		_ = file.Close() // nothing was written
		return t.putBack(ctx)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if e.MovedTo != "" && t.arrived() {
		return nil // it was too late
	}
	if err := t.lost(); err != nil && !t.holds(e.Path) {
		return err
	}
	stays := p.isHere(e) // the intent was not begun
	if !stays {
		if stays, err = t.renamedBefore(ctx); err != nil {
			return err
		}
	}
	return t.forget(ctx, e.MovedTo == "" && !stays)
}

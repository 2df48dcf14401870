package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	// hangAfter is how long a call to a folder's file system may take before the
	// folder counts as one that hangs.
	hangAfter = 5 * time.Second

	// folderWait is how long the files of a folder that is not there wait.
	folderWait = 5 * time.Second

	// goneAfter is how long a backfill waits for a folder that is not there.
	goneAfter = time.Minute

	mountTick = time.Second
)

// mount is what is known of the file system of a drop folder.
//
// A call to a share that hangs cannot be interrupted, and whoever made it is
// stuck. So the calls under way are counted: while one of them does not return the
// folder is not opened again, none of its files is handed out, and the worker that
// made it is not counted as one. Safe for concurrent use.
type mount struct {
	returned func() // told when a call returns that was long under way

	mu    sync.Mutex
	calls map[*call]bool // under way
	away  time.Time      // until then none of its files is handed out
	lost  time.Time      // since when the folder was not there; zero while it is
}

// call is one to a file system, or what consists of such calls and may wait for
// something else besides: that proves nothing by itself.
type call struct {
	id    int64 // of the entry in whose flight it was made; 0: of none
	since time.Time
	mixed bool
}

func newMount(returned func()) *mount {
	return &mount{returned: returned, calls: make(map[*call]bool)}
}

// begin notes a call, and returns how it is noted that it returned.
func (m *mount) begin(id int64) (end func()) { return m.note(&call{id: id, since: time.Now()}) }

// beginMixed is begin for what may wait for something else, too.
func (m *mount) beginMixed(id int64) (end func()) {
	return m.note(&call{id: id, since: time.Now(), mixed: true})
}

func (m *mount) note(c *call) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[c] = true
	return func() {
		m.mu.Lock()
		delete(m.calls, c)
		m.mu.Unlock()
		if time.Since(c.since) >= hangAfter {
			m.returned()
		}
	}
}

// stuck returns the entries whose calls do not return, and whether that shows that the
// folder hangs; it does not if all of them are mixed.
func (m *mount) stuck(now time.Time) (ids []int64, hangs bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.calls {
		if now.Sub(c.since) >= hangAfter {
			ids = append(ids, c.id)
			hangs = hangs || !c.mixed
		}
	}
	return ids, hangs
}

func (m *mount) hangs(now time.Time) bool {
	_, hangs := m.stuck(now)
	return hangs
}

// leave has the files of a folder that is not there wait.
func (m *mount) leave(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = now.Add(folderWait)
	if m.lost.IsZero() {
		m.lost = now
	}
}

// found notes that the folder is there.
func (m *mount) found() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = time.Time{}
}

// gone reports that the folder has not been there for so long that a backfill does
// not wait for it.
func (m *mount) gone(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.lost.IsZero() && now.Sub(m.lost) >= goneAfter
}

// usable reports whether files of the folder may be handed out.
func (m *mount) usable(now time.Time) bool {
	m.mu.Lock()
	away := now.Before(m.away)
	m.mu.Unlock()
	return !away && !m.hangs(now)
}

// folderError says that a drop folder is not there, not mounted, or does not
// answer: nothing is concluded from what is not found in it.
type folderError struct{ err error }

func (e *folderError) Error() string { return e.err.Error() }
func (e *folderError) Unwrap() error { return e.err }

var errHangs = errors.New("the file system of the drop folder does not answer")

// isFolderGone reports trouble of the drop folder itself.
func isFolderGone(err error) bool {
	_, ok := errors.AsType[*folderError](err)
	return ok
}

// openRoot opens a drop folder for the flight of an entry, 0 for none. Its error is
// a folderError. The marker is looked for in what was opened, so that one answer
// holds for all that is looked for in it afterwards.
func (p *Pipeline) openRoot(folder string, id int64) (*file.Root, error) {
	f, ours := p.folders[folder]
	if !ours {
		return nil, fmt.Errorf("the folder %s is not configured any more", folder)
	}
	m := p.mounts[folder]
	if m.hangs(time.Now()) {
		return nil, &folderError{errHangs}
	}
	defer m.begin(id)()
	root, err := file.OpenRoot(f.Path)
	if err != nil {
		m.leave(time.Now())
		return nil, &folderError{fmt.Errorf("open the drop folder: %w", err)}
	}
	if f.Marker != "" {
		if err := root.Marked(f.Path, f.Marker); err != nil {
			_ = root.Close() // nothing was written
			m.leave(time.Now())
			return nil, &folderError{fmt.Errorf("the marker file is not there, so the share counts as not mounted: %w", err)}
		}
	}
	if err := root.Claim(f.Claim); err != nil {
		_ = root.Close() // nothing was written
		m.leave(time.Now())
		return nil, &folderError{err}
	}
	m.found()
	return root, nil
}

// thereNow returns a folderError unless a drop folder is there.
func (p *Pipeline) thereNow(folder string, id int64) error {
	root, err := p.openRoot(folder, id)
	if err != nil {
		return err
	}
	return root.Close()
}

// confirmGone looks once more for a file that was not found, in a folder that is
// there: it may have been looked for in the empty directory that an unmounted share
// leaves. The client of a share that was asked for a name which the file has lost on
// the server may see it there all the same: then the directory's listing decides.
func (p *Pipeline) confirmGone(e journal.Entry, cause error) error {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.close()
	if !s.holds(e.Path) {
		return cause
	}
	if there, err := s.lists(e.Path); err == nil && !there {
		return cause
	}
	if errors.Is(cause, syscall.EINVAL) { // of the file, whatever it is
		return fmt.Errorf("%s cannot be opened: %w", e.Path, &fs.PathError{Op: "open", Path: e.Path, Err: syscall.EINVAL})
	}
	return &verdictError{verdict{do: retry, reason: reasons.Of(reasons.ClassNoFolder, cause, "")}}
}

// mayTouch reports whether the files of a folder can be worked on; "" is none.
func (p *Pipeline) mayTouch(folder string) bool {
	return folder == "" || p.mounts[folder].usable(time.Now())
}

// stuck returns the entries in whose flight a call to a file system does not
// return.
func (p *Pipeline) stuck(now time.Time) map[int64]bool {
	ids := make(map[int64]bool)
	for _, m := range p.mounts {
		stuck, hangs := m.stuck(now)
		if !hangs {
			continue
		}
		for _, id := range stuck {
			ids[id] = true
		}
	}
	return ids
}

// watchMounts has the dispatcher and all loops look again when a folder begins or ceases to
// hang, or may be there again, or the clock was set, until idle closes or ctx ends. Where
// it is not clear whether a folder hangs, a worker tries.
func (p *Pipeline) watchMounts(ctx context.Context, workers *errgroup.Group, idle <-chan struct{}) error {
	tick := time.NewTicker(mountTick)
	defer tick.Stop()
	hung, unusable := make(map[string]bool), make(map[string]bool)
	for {
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			if p.alarms.clock.set() {
				p.stir()
			}
			for name, m := range p.mounts {
				stuck, hangs := m.stuck(now)
				if len(stuck) > 0 && !hangs {
					workers.Go(func() error { _ = p.thereNow(name, 0); return nil })
				}
				if hangs != hung[name] {
					hung[name] = hangs
					p.logHang(name, hangs)
				}
				if un := !m.usable(now); un != unusable[name] {
					unusable[name] = un
					p.stir()
				}
			}
		}
	}
}

func (p *Pipeline) logHang(folder string, hangs bool) {
	if hangs {
		p.log.Warn().Str("folder", folder).Stringer("after", hangAfter).Msg("the folder's file system does not answer: its files wait, other folders go on")
		return
	}
	p.log.Info().Str("folder", folder).Msg("the folder's file system answers again: its files go on")
}

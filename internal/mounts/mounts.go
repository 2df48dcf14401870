package mounts

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/uploader"
)

const (
	// HangAfter is how long a call to a folder's file system may take before the
	// folder counts as one that hangs.
	HangAfter = 5 * time.Second

	// Wait is how long the files of a folder that is not there wait.
	Wait = 5 * time.Second

	// Tick is the time between two looks at whether a folder hangs.
	Tick = time.Second

	// goneAfter is how long a backfill waits for a folder that is not there.
	goneAfter = time.Minute
)

// Mounts are the file systems of the drop folders of a pipeline. Safe for concurrent use.
type Mounts struct {
	folders map[string]dropfolder.Folder
	mounts  map[string]*mount // by the name of the folder
	log     zerolog.Logger
}

// New returns what is known of the file systems of folders; nothing yet. returned is
// called when a call to one returns that was under way for so long that the folder counted
// as one that hangs.
func New(folders []dropfolder.Folder, returned func(), log zerolog.Logger) *Mounts {
	m := &Mounts{
		folders: make(map[string]dropfolder.Folder, len(folders)),
		mounts:  make(map[string]*mount, len(folders)),
		log:     log,
	}
	for _, f := range folders {
		m.folders[f.Name] = f
		m.mounts[f.Name] = newMount(returned)
	}
	return m
}

// goneError says that a drop folder is not there, not mounted, or does not answer:
// nothing is concluded from what is not found in it.
type goneError struct{ err error }

func (e *goneError) Error() string { return e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

// Gone makes trouble of a drop folder itself of an error that was met in it.
func Gone(err error) error { return &goneError{err} }

// IsGone reports trouble of the drop folder itself: it is not there, not mounted, or does
// not answer.
func IsGone(err error) bool {
	_, ok := errors.AsType[*goneError](err)
	return ok
}

var errHangs = errors.New("the file system of the drop folder does not answer")

// Open opens a drop folder for the flight of an entry, 0 for none. An error about the
// folder is one for IsGone. The marker is looked for in what was opened, so that one answer
// holds for all that is looked for in it afterwards.
func (m *Mounts) Open(folder string, id int64) (*file.Root, error) {
	f, ours := m.folders[folder]
	if !ours {
		return nil, fmt.Errorf("the folder %s is not configured any more", folder)
	}
	mount := m.mounts[folder]
	if mount.hangs(time.Now()) {
		return nil, Gone(errHangs)
	}
	defer mount.begin(id)()
	root, err := file.OpenRoot(f.Path)
	if err != nil {
		mount.leave(time.Now())
		return nil, Gone(fmt.Errorf("open the drop folder: %w", err))
	}
	if f.Marker != "" {
		if err := root.Marked(f.Path, f.Marker); err != nil {
			_ = root.Close() // nothing was written
			mount.leave(time.Now())
			return nil, Gone(fmt.Errorf("the marker file is not there, so the share counts as not mounted: %w", err))
		}
	}
	if err := root.Claim(f.Claim); err != nil {
		_ = root.Close() // nothing was written
		mount.leave(time.Now())
		return nil, Gone(err)
	}
	mount.found()
	return root, nil
}

// Source opens the file at a path of a drop folder for the flight of an entry, and expects
// it to be what hint says.
func (m *Mounts) Source(folder, rel string, id int64, hint file.Stat) (*uploader.Source, error) {
	root, err := m.Open(folder, id)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	src, err := uploader.Open(root, rel, func() func() { return m.Begin(folder, id) })
	if err == nil {
		src.Expect(hint)
	}
	return src, err
}

// Check returns an error unless a drop folder is there.
func (m *Mounts) Check(folder string, id int64) error {
	root, err := m.Open(folder, id)
	if err != nil {
		return err
	}
	return root.Close()
}

// Map applies the rules of its folder to a file of an entry; at is as dropfolder.Folder.Map
// has it. A companion that is not there is only missing if the folder is there.
func (m *Mounts) Map(id int64, found file.File, at string) (dropfolder.Mapped, error) {
	if err := m.Check(found.Folder, id); err != nil {
		return dropfolder.Mapped{}, err
	}
	returned := m.BeginMixed(found.Folder, id) // the account may be asked for new names
	mapped, err := m.folders[found.Folder].Map(found, at)
	returned()
	if err := m.Check(found.Folder, id); err != nil {
		return dropfolder.Mapped{}, err
	}
	return mapped, err
}

// Begin notes that a call to the file system of a folder begins, in the flight of an
// entry, 0 for none, and returns how it is noted that it returned.
func (m *Mounts) Begin(folder string, id int64) (end func()) { return m.mounts[folder].begin(id) }

// BeginMixed is Begin for a mixed call, which may wait for something besides the file
// system, such as the journal: that it does not return proves nothing by itself.
func (m *Mounts) BeginMixed(folder string, id int64) (end func()) {
	return m.mounts[folder].beginMixed(id)
}

// Usable reports whether the files of a folder can be worked on; "" is none.
func (m *Mounts) Usable(folder string) bool {
	return folder == "" || m.mounts[folder].usable(time.Now())
}

// Hangs reports whether the file system of a folder does not answer.
func (m *Mounts) Hangs(folder string) bool { return m.mounts[folder].hangs(time.Now()) }

// Lost reports that a folder has not been there for so long that a backfill does not wait
// for it.
func (m *Mounts) Lost(folder string) bool { return m.mounts[folder].gone(time.Now()) }

// Stuck returns the entries in whose flight a call to a file system does not return.
func (m *Mounts) Stuck() map[int64]bool {
	now := time.Now()
	ids := make(map[int64]bool)
	for _, mount := range m.mounts {
		stuck, hangs := mount.stuck(now)
		if !hangs {
			continue
		}
		for _, id := range stuck {
			ids[id] = true
		}
	}
	return ids
}

// Trusted reports whether a directory of a folder is on a file system that changes through
// this kernel alone.
func (m *Mounts) Trusted(folder, dir string) bool {
	defer m.Begin(folder, 0)()
	return file.KindAt(filepath.Join(m.folders[folder].Path, dir)).Trusted()
}

// Watch looks at all folders once a Tick until idle closes or ctx ends. It calls look
// before, and changed when a folder begins or ceases to hang, or may be there again. Where
// it is not clear whether a folder hangs, it has a goroutine of its own, started by spawn,
// try.
func (m *Mounts) Watch(ctx context.Context, idle <-chan struct{}, spawn func(func() error), look, changed func()) error {
	tick := time.NewTicker(Tick)
	defer tick.Stop()
	hung, unusable := make(map[string]bool), make(map[string]bool)
	for {
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			look()
			for name, mount := range m.mounts {
				stuck, hangs := mount.stuck(now)
				if len(stuck) > 0 && !hangs {
					spawn(func() error { _ = m.Check(name, 0); return nil })
				}
				if hangs != hung[name] {
					hung[name] = hangs
					m.logHang(name, hangs)
				}
				if un := !mount.usable(now); un != unusable[name] {
					unusable[name] = un
					changed()
				}
			}
		}
	}
}

func (m *Mounts) logHang(folder string, hangs bool) {
	if hangs {
		m.log.Warn().Str("folder", folder).Stringer("after", HangAfter).Msg("the folder's file system does not answer: its files wait, other folders go on")
		return
	}
	m.log.Info().Str("folder", folder).Msg("the folder's file system answers again: its files go on")
}

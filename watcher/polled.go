package watcher

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// subtrees is a set of directories, none of them below another, that stand for
// all below them.
type subtrees map[string]bool

// holds reports whether dir is in the set or below one that is.
func (s subtrees) holds(dir string) bool {
	if len(s) == 0 {
		return false
	}
	for ; dir != "."; dir = path.Dir(dir) {
		if s[dir] {
			return true
		}
	}
	return s["."]
}

// watch asks for the events of one directory. The kernel is asked by a path, and may
// have followed a link that was put into it just now: exchanged finds that out. Until
// then events are hints, and what they name is looked at beneath the root. Where none can be had the
// directory is polled from now with all below it, and each poll tries again.
func (f *folder) watch(rel string, id identity) {
	if !f.notifies() {
		return
	}
	abs := f.abs(rel)
	if f.limited && !f.watches.has(abs) {
		f.pollFrom(rel)
		return
	}
	err := f.watches.add(abs, id, f, f.scan)
	switch {
	case err == nil:
		f.unpoll(rel)
		return
	case errors.Is(err, fsnotify.ErrClosed):
		return
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrPermission):
		return // it cannot be read either, and that is said then
	}
	f.limited = true
	if len(f.unwatched) == 0 {
		why := err.Error()
		if errors.Is(err, syscall.ENOSPC) { // not a full disk, whatever the error's text says
			why = "the kernel's limit of inotify watches is reached; raise the sysctl fs.inotify.max_user_watches"
		}
		f.log.Warn().Str("reason", why).Str("directory", abs).Stringer("poll_interval", f.conf.PollInterval).
			Msg("cannot watch every directory: the others are polled")
	}
	f.pollFrom(rel)
}

// exchanged reports that the directory which was opened at rel is not the one that was
// looked at there before it was watched. It is not read, nor its watch kept: the event
// of the exchange, or the next scan, leads here again. Where inode numbers change by
// themselves another number is no other directory, and nothing is watched.
func (f *folder) exchanged(rel string, was identity, opened *os.File) bool {
	info, err := opened.Stat()
	if err != nil || identityOf(info) == was || !f.notifies() || !f.root.kind.Trusted() {
		return false
	}
	f.watches.drop(f.abs(rel))
	return true
}

// noteMount notes whether rel is where a file system is mounted whose changes are
// not all made through this kernel, below a root of whatever kind. Its clock may be
// another (folder.foreign), and it is polled beside the events that it may cause.
func (f *folder) noteMount(rel string, dev uint64) {
	if dev == f.root.id.dev {
		delete(f.mounts, rel) // it was unmounted
		return
	}
	if f.mounts.holds(rel) {
		return
	}
	k, err := f.tree.kind(rel)
	if err != nil || k == local {
		return
	}
	if f.mounts == nil {
		f.mounts = make(subtrees)
	}
	f.mounts[rel] = true
	if f.pollsMounts() {
		f.schedulePoll()
		f.log.Info().Str("directory", f.abs(rel)).Stringer("poll_interval", f.conf.PollInterval).
			Msg("a share, or an unknown file system, is mounted here: it is polled, because it may not tell of every change")
	}
}

// pollsMounts reports whether there are mounts that are polled while the rest of the
// folder is not.
func (f *folder) pollsMounts() bool {
	return len(f.mounts) > 0 && f.conf.Mode == ModeAuto && f.notifies()
}

// pollFrom notes that rel has no watch. A scan that begins at the root meets a
// directory before those below it.
func (f *folder) pollFrom(rel string) {
	if f.unwatched == nil {
		f.unwatched = make(subtrees)
	}
	if !f.unwatched.holds(rel) {
		f.unwatched[rel] = true
	}
	f.schedulePoll()
}

func (f *folder) schedulePoll() {
	if f.pollAt.IsZero() {
		f.pollAt = f.now().Add(f.conf.PollInterval)
	}
}

// unpoll notes that rel is watched now, or gone. The directories in it have no
// watch yet, but are about to be met, as rel is being read.
func (f *folder) unpoll(rel string) {
	if !f.unwatched[rel] {
		return
	}
	delete(f.unwatched, rel)
	if len(f.unwatched) == 0 && !f.limited {
		f.log.Info().Msg("every directory is watched again")
	}
}

// pollSubtrees has the directories without a watch, and the mounts, read again, and
// with them all below.
func (f *folder) pollSubtrees() {
	f.pollAt = time.Time{}
	f.limited = false // others may need fewer by now
	dirs := slices.Sorted(maps.Keys(f.unwatched))
	if f.pollsMounts() {
		dirs = append(dirs, slices.Sorted(maps.Keys(f.mounts))...)
	}
	for _, dir := range dirs {
		f.schedulePoll()
		if !slices.Contains(f.todo, dir) {
			f.todo = append(f.todo, dir)
		}
	}
}

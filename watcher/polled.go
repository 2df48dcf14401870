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

// polls are the parts of a folder of which no events come, and that are looked at from
// time to time instead.
type polls struct {
	*base
	unwatched subtrees  // because the kernel gives no more watches
	limited   bool      // it refused one; not asked again before the next scan or poll
	at        time.Time // the next look at unwatched and the mounts; zero for none
}

// reset forgets all: the root is another one.
func (p *polls) reset() {
	p.unwatched, p.mounts, p.limited, p.at = nil, nil, false, time.Time{}
}

// watch asks for the events of one directory. The kernel is asked by a path, and may
// have followed a link that was put into it just now: exchanged finds that out. Until
// then events are hints, and what they name is looked at beneath the root. Where none can be had the
// directory is polled from now with all below it, and each poll tries again.
func (p *polls) watch(rel string, id identity) {
	if !p.notifies() {
		return
	}
	abs := p.abs(rel)
	if p.limited && !p.watches.has(abs) {
		p.lacksWatch(rel)
		return
	}
	err := p.watches.add(abs, id, p.inbox, p.scan.number)
	switch {
	case err == nil:
		p.hasWatch(rel)
		return
	case errors.Is(err, fsnotify.ErrClosed):
		return
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrPermission):
		return // it cannot be read either, and that is said then
	}
	p.limited = true
	if len(p.unwatched) == 0 {
		why := err.Error()
		if errors.Is(err, syscall.ENOSPC) { // not a full disk, whatever the error's text says
			why = "the kernel's limit of inotify watches is reached; raise the sysctl fs.inotify.max_user_watches"
		}
		p.log.Warn().Str("reason", why).Str("directory", abs).Stringer("poll_interval", p.conf.PollInterval).
			Msg("cannot watch every directory: the others are polled")
	}
	p.lacksWatch(rel)
}

// exchanged reports that the directory which was opened at rel is not the one that was
// looked at there before it was watched. It is not read, nor its watch kept: the event
// of the exchange, or the next scan, leads here again. Where inode numbers change by
// themselves another number is no other directory, and nothing is watched.
func (p *polls) exchanged(rel string, was identity, opened *os.File) bool {
	info, err := opened.Stat()
	if err != nil || identityOf(info) == was || !p.notifies() || !p.root.kind.Trusted() {
		return false
	}
	p.watches.drop(p.abs(rel))
	return true
}

// noteMount notes whether rel is where a file system is mounted whose changes are
// not all made through this kernel, below a root of whatever kind. Its clock may be
// another (base.foreign), and it is polled beside the events that it may cause.
func (p *polls) noteMount(rel string, dev uint64) {
	if dev == p.root.id.dev {
		delete(p.mounts, rel) // it was unmounted
		return
	}
	if p.mounts.holds(rel) {
		return
	}
	k, err := p.tree.kind(rel)
	if err != nil || k == local {
		return
	}
	if p.mounts == nil {
		p.mounts = make(subtrees)
	}
	p.mounts[rel] = true
	if p.ofMounts() {
		p.schedule()
		p.log.Info().Str("directory", p.abs(rel)).Stringer("poll_interval", p.conf.PollInterval).
			Msg("a share, or an unknown file system, is mounted here: it is polled, because it may not tell of every change")
	}
}

// ofMounts reports whether there are mounts that are polled while the rest of the
// folder is not.
func (p *polls) ofMounts() bool {
	return len(p.mounts) > 0 && p.conf.Mode == ModeAuto && p.notifies()
}

// lacksWatch notes that rel has no watch. A scan that begins at the root meets a
// directory before those below it.
func (p *polls) lacksWatch(rel string) {
	if p.unwatched == nil {
		p.unwatched = make(subtrees)
	}
	if !p.unwatched.holds(rel) {
		p.unwatched[rel] = true
	}
	p.schedule()
}

// schedule has it all looked at again after the interval.
func (p *polls) schedule() {
	if p.at.IsZero() {
		p.at = p.now().Add(p.conf.PollInterval)
	}
}

// hasWatch notes that rel is watched now, or gone. The directories in it have no
// watch yet, but are about to be met, as rel is being read.
func (p *polls) hasWatch(rel string) {
	if !p.unwatched[rel] {
		return
	}
	delete(p.unwatched, rel)
	if len(p.unwatched) == 0 && !p.limited {
		p.log.Info().Msg("every directory is watched again")
	}
}

// readAgain has the directories without a watch, and the mounts, read again, and
// with them all below.
func (p *polls) readAgain() {
	p.at = time.Time{}
	p.limited = false // others may need fewer by now
	dirs := slices.Sorted(maps.Keys(p.unwatched))
	if p.ofMounts() {
		dirs = append(dirs, slices.Sorted(maps.Keys(p.mounts))...)
	}
	for _, dir := range dirs {
		p.schedule()
		p.scan.read(dir)
	}
}

package watcher

import (
	"os"
	"path/filepath"
	"time"
)

const (
	// canaryName is a hidden name, and so on the junk list.
	canaryName = ".ingestd-canary"

	// canaryTime is how long its event may take.
	canaryTime = 3 * time.Second
)

// canary is a file made to see whether its event comes. It is sent on file
// systems that this program does not know. It cannot tell of a network share,
// where our own changes always cause events and those of others never do.
type canary struct {
	sent  bool
	until time.Time // by when its event must have come; zero when none is awaited
	dead  bool      // it did not come, or could not be sent
}

// sendCanary is called when the root has just been watched.
func (f *folder) sendCanary() {
	if f.canary.sent || f.root.kind != unknown || f.conf.Mode != ModeAuto || f.watches == nil {
		return
	}
	f.canary.sent = true
	name := filepath.Join(f.root.path, canaryName)
	_ = os.Remove(name) // of a process that was killed
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		f.buryCanary("its file system is not known, and whether events come cannot be tried: " + err.Error())
		return
	}
	_ = file.Close() // nothing was written
	_ = os.Remove(name)
	f.canary.until = f.now().Add(f.canaryTime)
}

// heard reports whether rel is the canary, whose event has come.
func (f *folder) heard(rel string) bool {
	if rel != canaryName {
		return false
	}
	if !f.canary.until.IsZero() {
		f.canary.until = time.Time{}
		f.log.Info().Msg("file system events come: folder is watched")
	}
	return true
}

// judgeCanary has the folder polled if the canary's event has not come in time.
func (f *folder) judgeCanary() {
	if !f.canary.until.IsZero() && !f.now().Before(f.canary.until) {
		f.buryCanary("no file system events come")
	}
}

func (f *folder) buryCanary(why string) {
	f.canary.until, f.canary.dead = time.Time{}, true
	f.watches.drop(f.root.path)
	f.unwatched, f.pollAt = nil, time.Time{}
	if soon := f.now().Add(f.conf.PollInterval); f.scanAt.After(soon) {
		f.scanAt = soon
	}
	f.log.Info().Str("reason", why).Stringer("poll_interval", f.conf.PollInterval).Msg("folder is polled")
}

package file

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/filetime"
)

// Stat is what a file system says of a file. A file that has changed is noticed by it
// without being read. The change time is in it because size and modification time alone
// lie: cp -p, rsync and utimes set the modification time back.
type Stat struct {
	Size       int64 // bytes
	ModTime    int64 // Unix nanoseconds; of years that these do not reach the nearest, as filetime has it
	ChangeTime int64 // likewise; unlike ModTime no program can set it
	Dev, Ino   uint64
}

// File is a file of a drop folder, with what its file system said of it. One without an
// inode was never looked at: only its path is known, as of a row of a manifest.
type File struct {
	Folder string // name of the drop folder
	Path   string // slash-separated below the folder, as the bytes on disk: perhaps not UTF-8
	Stat
}

// StatOf returns the Stat in what os.Lstat or os.File.Stat said.
func StatOf(info fs.FileInfo) Stat {
	st := info.Sys().(*syscall.Stat_t)
	return Stat{Size: st.Size, ModTime: filetime.Nanos(st.Mtim.Unix()), ChangeTime: filetime.Nanos(st.Ctim.Unix()), Dev: st.Dev, Ino: st.Ino}
}

// StatOfSys returns the Stat in what Look or LookOpen said.
func StatOfSys(st *unix.Stat_t) Stat {
	return Stat{Size: st.Size, ModTime: filetime.Nanos(st.Mtim.Unix()), ChangeTime: filetime.Nanos(st.Ctim.Unix()), Dev: st.Dev, Ino: st.Ino}
}

// With returns the file at the same path, of which now is said.
func (f File) With(now Stat) File {
	f.Stat = now
	return f
}

// Alike reports whether now differs in the change time at the most: the file is the
// same, or was merely touched, as when a mode, an owner, a link or an attribute is set.
func (s Stat) Alike(now Stat) bool {
	s.ChangeTime = now.ChangeTime
	return s == now
}

// Age is how long ago the file was changed, by its change time. That is not known where
// it is in the future, which only says that two clocks differ, or none that a clock
// ever gave: the file systems that keep no such time put 1970 there, or 1601.
func (s Stat) Age(now time.Time) (age time.Duration, known bool) {
	changed, told := filetime.Time(s.ChangeTime)
	return now.Sub(changed), told && s.ChangeTime > 0 && !changed.After(now)
}

// Renumbered returns now with the device and inode of s, where both are of one path on
// a file system whose inode numbers may change by themselves, and tell of the same
// size and times; else now. opened is the file that now is of.
func (s Stat) Renumbered(now Stat, opened *os.File) Stat {
	was := s
	was.Dev, was.Ino = now.Dev, now.Ino
	if was != now || s == now {
		return now
	}
	if kind, _ := KindOf(int(opened.Fd())); kind.Trusted() {
		return now
	}
	return s
}

// Difference says in a few words in what way now is not what it was.
func (s Stat) Difference(now Stat) string {
	switch {
	case s.Dev != now.Dev || s.Ino != now.Ino:
		return "another file has its name"
	case s.Size != now.Size:
		return fmt.Sprintf("it has %d bytes and had %d", now.Size, s.Size)
	default:
		return "its time stamps moved"
	}
}

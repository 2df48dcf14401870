package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
)

// destination is a directory below the folder that must be writable, and why.
type destination struct{ dir, why string }

// destinationsOf returns where files that lie in the folder itself would be moved to now.
func destinationsOf(f config.Folder) (out []destination) {
	if f.After == "keep" {
		return nil
	}
	add := func(pattern, why string) {
		dir := path.Dir(shelf.Destination(pattern, f.Name, "file", time.Now()))
		out = append(out, destination{file.OnDisk(f.Path, dir), why + pattern})
	}
	if f.After == "move" {
		add(f.Done, "files are to be moved to ")
	}
	add(f.Failed, "what fails is to be moved to ")
	return out
}

// obstacle is what no right helps against.
type obstacle struct{ what, hint string }

func (o *obstacle) Error() string { return o.what }

// usable says what keeps the thread's user from making it, or writing in it. The daemon
// follows no link below the folder.
func (d destination) usable(f config.Folder) error {
	there := f.Path
	for name := range strings.SplitSeq(d.dir, "/") {
		below := filepath.Join(there, name)
		info, err := os.Lstat(below)
		if err != nil {
			break // it would be made; what else keeps the user from looking is said of there
		}
		if !info.IsDir() {
			return &obstacle{
				what: fmt.Sprintf("%s is %s, and a directory must lie there", below, file.What(info.Mode())),
				hint: "move it away, or name another directory in done or failed",
			}
		}
		there = below
	}
	return movable(there)
}

// movable says what keeps the thread's user from adding names to a directory and from
// taking them out of it.
func movable(dir string) error {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_TYPE, &st); err == nil { // else its file system knows nothing of attributes
		for attribute, letter := range map[uint64]string{unix.STATX_ATTR_APPEND: "a", unix.STATX_ATTR_IMMUTABLE: "i"} {
			if st.Attributes&attribute != 0 {
				return &obstacle{
					what: dir + ": an attribute of the directory forbids to move files out of it (see chattr)",
					hint: "take it off with chattr -" + letter,
				}
			}
		}
	}
	return changeable(dir)
}

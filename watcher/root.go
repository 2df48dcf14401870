package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// root is what a folder's path led to when it was last looked at.
type root struct {
	path   string // free of symbolic links
	id     identity
	kind   kind
	leases bool // a read lease tells whether a file is still being written
}

// kind says where the changes of a file system are made.
type kind = file.Kind

const (
	share   = file.Share
	local   = file.Local
	unknown = file.Unknown
)

// same reports whether a folder that is polled has the root that it had. Where inode
// numbers change by themselves (noserverino, some FUSE) another number is no other
// directory: nothing of the old one is kept that a poll would not notice.
func (r root) same(now root, polled bool) bool {
	if polled && !r.kind.Trusted() && r.id.dev == now.id.dev {
		now.id.ino = r.id.ino
	}
	return r == now
}

// inspect looks at a folder's root. Its error says why the folder cannot be
// ingested from now.
func inspect(f Folder) (root, error) {
	path, err := filepath.EvalSymlinks(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return root{}, fmt.Errorf("%s does not exist: create or mount it, or correct the folder's path", f.Path)
	}
	if err != nil {
		return root{}, fmt.Errorf("find the folder: %w", err)
	}
	// Opened, not only looked at: what cannot be listed must not pass for
	// empty.
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return root{}, fmt.Errorf("open the folder: %w", err)
	}
	defer dir.Close() // nothing was written
	info, err := dir.Stat()
	if err != nil {
		return root{}, fmt.Errorf("look at the folder: %w", err)
	}
	if f.Marker != "" {
		below, err := file.OpenRoot(path)
		if err != nil {
			return root{}, fmt.Errorf("open the folder: %w", err)
		}
		defer below.Close() // nothing was written
		if err := below.Marked(path, f.Marker); err != nil {
			return root{}, fmt.Errorf("the marker file is not there, so the share counts as not mounted: %w", err)
		}
	}
	if err := f.Claim.Take(dir); err != nil {
		return root{}, err
	}
	kind, leases := file.KindOf(int(dir.Fd()))
	return root{path: path, id: identityOf(info), kind: kind, leases: leases}, nil
}

func identityOf(info fs.FileInfo) identity {
	st := info.Sys().(*syscall.Stat_t)
	return identity{dev: st.Dev, ino: st.Ino}
}

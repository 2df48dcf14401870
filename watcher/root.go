package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// root is what a folder's path led to when it was last looked at.
type root struct {
	path  string // free of symbolic links
	id    identity
	local bool // a file system of this machine: events come, and its clock is ours
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
		marker := filepath.Join(path, f.Marker)
		if _, err := os.Lstat(marker); err != nil {
			return root{}, fmt.Errorf("the marker file is not there, so the share counts as not mounted: %w", err)
		}
	}
	return root{path: path, id: identityOf(info), local: localFS(dir)}, nil
}

// localFS reports whether dir is on a file system whose changes all pass
// through this kernel. An unknown one is taken for remote: polling it is slower
// but right.
func localFS(dir *os.File) bool {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return false
	}
	switch uint32(st.Type) { // magic numbers are 32 bits wide
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, zfsMagic:
		return true
	}
	return false
}

const zfsMagic = 0x2fc12fc1 // statfs(2) of OpenZFS

func identityOf(info fs.FileInfo) identity {
	st := info.Sys().(*syscall.Stat_t)
	return identity{dev: st.Dev, ino: st.Ino}
}

func fingerprintOf(info fs.FileInfo) fingerprint {
	st := info.Sys().(*syscall.Stat_t)
	return fingerprint{size: st.Size, mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano(), dev: st.Dev, ino: st.Ino}
}

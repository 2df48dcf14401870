package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/filetime"
)

// root is what a folder's path led to when it was last looked at.
type root struct {
	path   string // free of symbolic links
	id     identity
	kind   kind
	leases bool // a read lease tells whether a file is still being written
}

// kind says where the changes of a file system are made.
type kind int

const (
	share   kind = iota // on other machines too: no events of those, and another clock
	local               // through this kernel alone
	unknown             // not known to this program
)

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
	kind, leases := kindOf(int(dir.Fd()))
	return root{path: path, id: identityOf(info), kind: kind, leases: leases}, nil
}

// kindOf tells the kind of the file system of an open file, and whether its leases
// can be relied on. FUSE counts as a share: whoever changes the files behind it causes
// no event, and holds no lease back. On overlayfs a writer that has mapped a file
// and closed it is not seen, which is no reason to distrust it for all others.
func kindOf(fd int) (_ kind, leases bool) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return share, false
	}
	return kindOfType(&st)
}

func kindOfType(st *unix.Statfs_t) (_ kind, leases bool) {
	switch uint32(st.Type) { // magic numbers are 32 bits wide
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return local, true
	case unix.RAMFS_MAGIC, zfsMagic:
		return local, false
	case unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.CODA_SUPER_MAGIC,
		unix.NCP_SUPER_MAGIC, unix.OCFS2_SUPER_MAGIC, lustreMagic, gpfsMagic, gfs2Magic, vboxMagic:
		return share, false
	}
	return unknown, false
}

// Magic numbers that package unix does not have.
const (
	zfsMagic    = 0x2fc12fc1
	lustreMagic = 0x0bd00bd0
	gpfsMagic   = 0x47504653
	gfs2Magic   = 0x01161970
	vboxMagic   = 0x786f4256
)

func identityOf(info fs.FileInfo) identity {
	st := info.Sys().(*syscall.Stat_t)
	return identity{dev: st.Dev, ino: st.Ino}
}

func fingerprintOf(st *unix.Stat_t) fingerprint {
	return fingerprint{size: st.Size, mtime: filetime.Nanos(st.Mtim.Unix()), ctime: filetime.Nanos(st.Ctim.Unix()), dev: st.Dev, ino: st.Ino}
}

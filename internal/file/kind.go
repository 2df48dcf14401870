package file

import "golang.org/x/sys/unix"

// Kind says where the changes of a file system are made.
type Kind int

// The kinds.
const (
	Share   Kind = iota // on other machines too: no events of those, and another clock
	Local               // through this kernel alone
	Unknown             // not known to this program
)

// Trusted reports whether the clock that stamps the files is this machine's, and an
// inode number stays that of its file. Neither is so on a share, and nobody knows it
// of a file system that is not known.
func (k Kind) Trusted() bool { return k == Local }

// KindOf tells the kind of the file system of an open file, and whether its leases
// can be relied on. FUSE counts as a share: whoever changes the files behind it causes
// no event, and holds no lease back. On overlayfs a writer that has mapped a file
// and closed it is not seen, which is no reason to distrust it for all others.
func KindOf(fd int) (_ Kind, leases bool) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return Share, false
	}
	return KindOfType(&st)
}

// KindAt is KindOf of what lies at path.
func KindAt(path string) Kind {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return Share
	}
	k, _ := KindOfType(&st)
	return k
}

// KindOfType is KindOf of what statfs said.
func KindOfType(st *unix.Statfs_t) (_ Kind, leases bool) {
	switch uint32(st.Type) { // magic numbers are 32 bits wide
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return Local, true
	case unix.RAMFS_MAGIC, zfsMagic:
		return Local, false
	case unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.CODA_SUPER_MAGIC,
		unix.NCP_SUPER_MAGIC, unix.OCFS2_SUPER_MAGIC, lustreMagic, gpfsMagic, gfs2Magic, vboxMagic:
		return Share, false
	}
	return Unknown, false
}

// Magic numbers that package unix does not have.
const (
	zfsMagic    = 0x2fc12fc1
	lustreMagic = 0x0bd00bd0
	gpfsMagic   = 0x47504653
	gfs2Magic   = 0x01161970
	vboxMagic   = 0x786f4256
)

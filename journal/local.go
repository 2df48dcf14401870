package journal

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// network are the magic numbers of file systems whose server is elsewhere.
var network = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "nfs",
	unix.SMB_SUPER_MAGIC:  "smb",
	unix.SMB2_SUPER_MAGIC: "smb",
	unix.CIFS_SUPER_MAGIC: "cifs",
	unix.AFS_SUPER_MAGIC:  "afs",
	unix.CODA_SUPER_MAGIC: "coda",
	unix.V9FS_MAGIC:       "9p",
	unix.CEPH_SUPER_MAGIC: "ceph",
	0x0bd00bd0:            "lustre", // LL_SUPER_MAGIC of its own headers
}

// local refuses a directory on a network file system.
func local(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	return localType(dir, int64(st.Type)) //nolint:unconvert // its width differs between machines
}

func localType(dir string, magic int64) error {
	if name, ok := network[magic&0xffffffff]; ok {
		return fmt.Errorf("%w (%s is on %s)", ErrNetwork, dir, name)
	}
	return nil
}

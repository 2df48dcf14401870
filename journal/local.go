package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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

// remote are the names of FUSE file systems whose server is elsewhere, too.
var remote = map[string]bool{
	"sshfs": true, "rclone": true, "s3fs": true, "goofys": true, "gcsfuse": true, "blobfuse": true, "blobfuse2": true, "davfs": true,
	"glusterfs": true, "ceph": true, "ceph-fuse": true, "smbnetfs": true, "curlftpfs": true, "gvfsd-fuse": true, "juicefs": true, "beegfs": true,
}

// Place refuses the path of a journal, which need not be there yet, on a network file
// system, or with something else in the place of its files: ErrNetwork, ErrLinked. Open
// does as well.
func Place(path string) error {
	return errors.Join(placed(path), unlinked(path))
}

// placed refuses a path on a network file system.
func placed(path string) error {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		err := local(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return err
		}
	}
}

// local refuses a directory on a network file system.
func local(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	if uint32(st.Type) == unix.FUSE_SUPER_MAGIC {
		if name := subtype(dir); remote[name] {
			return fmt.Errorf("%w (%s is on %s)", ErrNetwork, dir, name)
		}
	}
	return localType(dir, int64(st.Type)) //nolint:unconvert // its width differs between machines
}

// subtype returns which FUSE file system a directory is on; "" if that is not known.
func subtype(dir string) string {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return ""
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer mounts.Close() // nothing was written
	device := fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		head, tail, _ := strings.Cut(lines.Text(), " - ") // see proc_pid_mountinfo(5)
		if fields := strings.Fields(head); len(fields) > 2 && fields[2] == device {
			kind, _, _ := strings.Cut(tail, " ")
			return strings.TrimPrefix(kind, "fuse.")
		}
	}
	return ""
}

func localType(dir string, magic int64) error {
	if name, ok := network[magic&0xffffffff]; ok {
		return fmt.Errorf("%w (%s is on %s)", ErrNetwork, dir, name)
	}
	return nil
}

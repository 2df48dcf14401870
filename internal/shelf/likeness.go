package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// likeness is how the directories and texts look that are made in a drop folder:
// whoever the folder is for may read them and put their files back.
//
// They get their modes as they are made, and their group from the setgid bit of the
// directory they are made in. A service may be forbidden to change either
// afterwards, and a chmod by one who is not of the group takes the setgid bit away.
// So the process must have cleared its umask; a default ACL is obeyed.
type likeness struct {
	dir, text uint32 // modes
	uid, gid  int
	setgid    bool
}

// likenessOf is that of a drop folder. Its own mode is left to us where it gives us
// less than we need, and a text can be read by all who may enter.
func likenessOf(folder fs.FileInfo) likeness {
	st := folder.Sys().(*syscall.Stat_t)
	return likeness{
		dir:  st.Mode&(0o777|unix.S_ISVTX) | 0o700,
		text: st.Mode&0o666 | st.Mode&0o111<<2 | 0o600,
		uid:  int(st.Uid), gid: int(st.Gid), setgid: st.Mode&unix.S_ISGID != 0,
	}
}

// makeDir makes a directory with all above it, each like the drop folder. One that
// is there is used as it is.
func (s *Shelf) makeDir(rel string) error {
	err := s.mkdir(rel)
	switch {
	case errors.Is(err, fs.ErrExist):
		info, err := s.root.Lstat(rel)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%q lies in the place of a directory that files are to be moved into: rename it, or clear it away", rel)
		}
		return err
	case (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) && path.Dir(rel) != rel:
		if err := s.makeDir(path.Dir(rel)); err != nil {
			return err
		}
		return s.makeDir(rel)
	}
	return err
}

// mkdir makes one directory, or is fs.ErrExist.
func (s *Shelf) mkdir(rel string) error {
	if _, err := s.root.Lstat(rel); err == nil {
		return fs.ErrExist
	}
	home := path.Dir(rel)
	if born := s.birthplace(home); born != home {
		return s.mkdirAt(path.Join(born, fmt.Sprintf(".ingestd-%d.new", s.id)), rel)
	}
	return s.mkdirAt(rel, rel)
}

// mkdirAt makes a directory at from and then moves it to rel, if that is another
// place. A crash in between leaves an empty one, which the next try uses.
func (s *Shelf) mkdirAt(from, rel string) error {
	born, err := s.directory(path.Dir(from))
	if err != nil {
		return err
	}
	defer born.Close() // nothing is written through it
	err = unix.Mkdirat(int(born.Fd()), path.Base(from), s.like.dir)
	if errors.Is(err, fs.ErrExist) && from != rel {
		if info, serr := s.root.Lstat(from); serr == nil && info.IsDir() {
			err = nil
		}
	}
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: from, Err: err}
	}
	made, err := s.directory(from)
	if err != nil {
		return err
	}
	defer made.Close() // as above
	s.adjust(made, born)
	if from == rel {
		return nil
	}
	home, err := s.directory(path.Dir(rel))
	if err != nil {
		return err
	}
	defer home.Close() // as above
	err = unix.Renameat2(int(born.Fd()), path.Base(from), int(home.Fd()), path.Base(rel), unix.RENAME_NOREPLACE)
	if cannotPromise(err) {
		err = unix.Renameat(int(born.Fd()), path.Base(from), int(home.Fd()), path.Base(rel)) // over an empty directory at most
	}
	if err != nil {
		_ = s.root.Remove(from) // another worker made it, or the error tells
		return &os.LinkError{Op: "move", Old: from, New: rel, Err: err}
	}
	return nil
}

// directory opens a directory, to do something in it.
func (s *Shelf) directory(rel string) (*os.File, error) {
	return s.root.OpenFile(rel, unix.O_PATH|unix.O_DIRECTORY, 0)
}

// birthplace is where what is to lie in a directory is made: there, or in the drop
// folder itself where that hands its group down and the directory does not.
func (s *Shelf) birthplace(dir string) string {
	if !s.like.setgid || dir == "." {
		return dir
	}
	info, err := s.root.Lstat(dir)
	if err != nil || info.Mode()&fs.ModeSetgid != 0 {
		return dir // whose group its own administrator chose, if it is another one
	}
	folder, err := s.directory(".")
	if err != nil {
		return dir
	}
	defer folder.Close() // nothing is written through it
	if unix.Faccessat(int(folder.Fd()), ".", unix.W_OK|unix.X_OK, 0) != nil {
		return dir
	}
	return "."
}

// adjust gives what was just made in a directory to the folder's owner, where root
// made it, and to the folder's group, where the directory did not. It is forbidden
// to a service, and impossible on many shares: then it stays as it was made.
func (s *Shelf) adjust(made, in *os.File) {
	var st, home unix.Stat_t
	if unix.Fstat(int(made.Fd()), &st) != nil || unix.Fstat(int(in.Fd()), &home) != nil {
		return
	}
	uid, gid := -1, -1
	if os.Geteuid() == 0 && int(st.Uid) != s.like.uid {
		uid = s.like.uid
	}
	if home.Mode&unix.S_ISGID == 0 && int(st.Gid) != s.like.gid {
		gid = s.like.gid
	}
	if uid >= 0 || gid >= 0 {
		_ = unix.Fchownat(int(made.Fd()), "", uid, gid, unix.AT_EMPTY_PATH) // as above
	}
}

// create writes a text for people in the place of an earlier one. It is durable before it
// gets its name: a power cut would else leave an empty file under that, which nobody knows
// for a text of ours.
func (s *Shelf) create(rel, text string) error {
	if err := s.root.Remove(rel); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in, err := s.directory(path.Dir(rel))
	if err != nil {
		return err
	}
	defer in.Close() // nothing is written through it
	file, err := s.root.OpenFile(rel, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(s.like.text))
	if err != nil {
		return err
	}
	s.adjust(file, in)
	_, err = file.WriteString(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

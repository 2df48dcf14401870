package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// ErrWritten is a file that a program holds open for writing.
var ErrWritten = errors.New("a program has the file open for writing")

// hiddenPrefix begins a file's hidden name. The number of its entry follows.
const hiddenPrefix = ".ingestd-"

// HiddenName is the hidden name of an entry's file on its way out of the folder.
func HiddenName(rel string, entry int64) string {
	return path.Join(path.Dir(rel), hiddenPrefix+strconv.FormatInt(entry, 10))
}

// EntryOfHidden is the entry whose file has a hidden name; false if the name is none.
func EntryOfHidden(rel string) (entry int64, ok bool) {
	digits, ok := strings.CutPrefix(path.Base(rel), hiddenPrefix)
	if !ok {
		return 0, false
	}
	entry, err := strconv.ParseInt(digits, 10, 64)
	return entry, err == nil && entry > 0 && strconv.FormatInt(entry, 10) == digits
}

// Departure is one file on its way out of its drop folder, or back: that of the entry for
// which the shelf was opened.
//
// The file first gets a hidden name beside it, so that nobody finds it any more, and is
// then looked at once more through its open descriptor: what changed in the last
// moment is put back. Where it goes is recorded before anything is done, so that
// whatever a crash leaves is found again.
type Departure struct {
	*Shelf

	Path string    // where the file was found
	Was  file.Stat // what the file system said of it then

	// Hidden and Target are the intent as it is recorded: the hidden name, "" for no intent,
	// and where the file goes in the end, "" for a deletion.
	Hidden, Target string
	// Record stores an intent; two empty names take it back.
	Record func(hidden, target string) error
	// Renamed reports whether the file, which is in no place of an intent, was found under
	// another path: then it was not we who took it.
	Renamed func() (bool, error)

	// Moved is where the file was moved to; "" if it was deleted or stays.
	Moved string
}

// Hide gives the file its hidden name and returns it open; nil when there is nothing to
// take, or it was taken before. unchanged tells whether the file is still what it was when
// it was found, and target where it is to go, "" to delete it.
func (d *Departure) Hide(unchanged func(now file.Stat) (bool, error), target func() string) (*os.File, error) {
	if d.Hidden != "" { // a crash may have come in between
		if d.SameFile(d.Path, d.Hidden) { // between the steps of moveByLink
			if err := d.root.Remove(d.Path); err != nil {
				return nil, err
			}
		}
		file, _, err := d.OpenRegular(d.Hidden)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		if d.Target != "" && d.Arrived() {
			d.Moved = d.Target
			return nil, nil
		}
	}
	file, hint, err := d.OpenRegular(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.lost(); err != nil {
			return nil, err
		}
		return nil, d.forgetUnlessDeleted()
	}
	if err != nil {
		return nil, err
	}
	if same, err := unchanged(d.Was.Renumbered(hint, file)); err != nil || !same {
		_ = file.Close() // nothing was written
		return nil, errors.Join(err, d.Forget())
	}
	if watcher.Written(file) {
		_ = file.Close() // nothing was written
		return nil, ErrWritten
	}
	if d.Hidden == "" {
		d.Target = target()
	}
	if d.Target != "" { // a file that cannot be moved keeps its name
		if err := d.MakeRoom(d.Path, d.Target); err != nil {
			_ = file.Close() // nothing was written
			return nil, errors.Join(err, d.Forget())
		}
	}
	if d.Hidden == "" {
		d.Hidden = HiddenName(d.Path, d.id)
		if err := d.record(); err != nil {
			_ = file.Close() // nothing was written
			return nil, err
		}
	}
	if err := d.Move(d.Path, d.Hidden); err != nil {
		_ = file.Close()                                        // nothing was written
		if errors.Is(err, fs.ErrNotExist) && !d.Holds(d.Path) { // renamed just now: it was not we who took it
			return nil, d.Forget()
		}
		return nil, err
	}
	return file, nil
}

// Unaltered reports whether the open file that Hide returned is the entry's as it was, and
// still has the hidden name.
func (d *Departure) Unaltered(opened *os.File) bool {
	return d.isOurs(opened) && d.Names(d.Hidden, opened)
}

// isOurs reports that an open file is the entry's, as it was; its change time moves with
// its name.
func (d *Departure) isOurs(opened *os.File) bool {
	now, err := fresh(opened)
	if err != nil {
		return false
	}
	was := d.Was
	was.ChangeTime = now.ChangeTime
	now.Dev = was.Dev
	return was.Renumbered(now, opened) == was
}

// Arrived reports whether the file is in its last place already.
func (d *Departure) Arrived() bool {
	file, _, err := d.OpenRegular(d.Target)
	if err != nil {
		return false
	}
	defer file.Close() // nothing was written
	return d.isOurs(file)
}

// Finish brings the file from its hidden name to where it belongs.
func (d *Departure) Finish() error {
	if d.Target == "" {
		return d.root.Remove(d.Hidden)
	}
	to, err := d.MoveNumbered(d.Hidden, d.Target, func(to string) error {
		if to == d.Target {
			return nil
		}
		d.Target = to
		return d.record()
	})
	if errors.Is(err, unix.EXDEV) { // another mount of the same file system
		_, back := d.PutBack()
		return errors.Join(err, back)
	}
	if err != nil {
		return err
	}
	d.Moved = to
	return nil
}

// PutBack gives the file that has its hidden name its own back, or the next one that is
// free, and returns that.
func (d *Departure) PutBack() (string, error) {
	to, err := d.MoveNumbered(d.Hidden, d.Path, nil)
	if err != nil {
		return "", err
	}
	return to, d.Forget()
}

// Undo gives a file that is on its way out its name back, which it returns; "" if it has
// arrived, or is not on its way any more.
func (d *Departure) Undo() (string, error) {
	if file, _, err := d.OpenRegular(d.Hidden); err == nil {
		_ = file.Close() // nothing was written
		return d.PutBack()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if d.Target != "" && d.Arrived() {
		return "", nil // it was too late
	}
	if err := d.lost(); err != nil && !d.Holds(d.Path) {
		return "", err
	}
	if d.IsHere() { // the intent was not begun
		return "", d.Forget()
	}
	return "", d.forgetUnlessDeleted()
}

// IsHere reports whether the file lies where it was found.
func (d *Departure) IsHere() bool {
	file, is, err := d.OpenRegular(d.Path)
	if err != nil {
		return false
	}
	defer file.Close() // nothing was written
	return d.Was.Alike(d.Was.Renumbered(is, file))
}

// IsHidden reports whether the file has its hidden name.
func (d *Departure) IsHidden() bool {
	_, err := d.root.Lstat(HiddenName(d.Path, d.id))
	return err == nil
}

// Unhide gives the file its name back without a word of it in the record, for that is over:
// the entry of the file has moved on. It is an error if the file may be under its hidden
// name all the same.
func (d *Departure) Unhide() error {
	hidden := HiddenName(d.Path, d.id)
	if _, err := d.root.Lstat(hidden); errors.Is(err, fs.ErrNotExist) && d.Hidden != "" {
		return d.Lacks(hidden)
	} else if err != nil {
		return nil //nolint:nilerr // there is nothing to return, or a scan finds it
	}
	_, err := d.MoveNumbered(hidden, d.Path, nil)
	return err
}

// BringBack puts the file, which was moved away or is on its way, where it was found, and
// removes the texts of its failure beside it.
func (d *Departure) BringBack() error {
	for _, from := range []string{d.Hidden, d.Target} {
		file, _, err := d.OpenRegular(from)
		if from == "" || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		same := d.isOurs(file)
		_ = file.Close() // nothing was written
		if !same {
			continue
		}
		err = d.Move(from, d.Path)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("another file lies at its place by now; the one that failed is %s: %w", from, err)
		}
		if err == nil && from == d.Target {
			_ = d.RemoveNotes(from, path.Base(d.Path), notes.Failed, "") // texts for people, perhaps deleted by them
		}
		return err
	}
	if file, _, err := d.OpenRegular(d.Path); err == nil { // somebody was faster
		return file.Close()
	}
	return fmt.Errorf("its file is neither at %s nor at its place: put it there", d.Target)
}

// Resume gives the file of a hidden name, hidden, which need not be the recorded one any
// more, a visible name in the directory where it lies, and returns that; "" if the file
// turned out to be in its last place already.
func (d *Departure) Resume(hidden string) (string, error) {
	if d.Target != "" && d.SameFile(hidden, d.Target) { // between the steps of moveByLink
		return "", d.root.Remove(hidden)
	}
	// The record first: a crash in between leaves a file that is found again.
	if d.Hidden != "" && (d.Target == "" || !d.Arrived()) {
		if err := d.Forget(); err != nil {
			return "", err
		}
	}
	return d.MoveNumbered(hidden, path.Join(path.Dir(hidden), path.Base(d.Path)), nil)
}

// Forget takes the intent back.
func (d *Departure) Forget() error {
	if d.Hidden == "" {
		return nil
	}
	d.Hidden, d.Target = "", ""
	return d.record()
}

// forgetUnlessDeleted takes the intent back for a file that is in none of its places, but
// not that to delete a file which has not got another path meanwhile: it was deleted by us,
// or is gone anyhow.
func (d *Departure) forgetUnlessDeleted() error {
	if d.Hidden == "" {
		return nil
	}
	renamed, err := d.Renamed()
	if err != nil || d.Target == "" && !renamed {
		return err
	}
	return d.Forget()
}

// ForgetRenamed takes the intent back if the file got another path before it was taken.
func (d *Departure) ForgetRenamed() error {
	if d.Target != "" && d.Arrived() {
		return nil
	}
	if err := d.Lacks(d.Hidden); err != nil {
		return err
	}
	renamed, err := d.Renamed()
	if err != nil || !renamed {
		return err
	}
	return d.Forget()
}

func (d *Departure) record() error { return d.Record(d.Hidden, d.Target) }

// lost returns nil if a file that was on its way out of the folder is in none of the places
// on that way, for certain.
func (d *Departure) lost() error {
	if d.Hidden == "" {
		return nil
	}
	for _, at := range []string{d.Hidden, d.Path, d.Target} {
		if at == "" || at == d.Target && d.isOfAnother(at) {
			continue
		}
		if err := d.Lacks(at); err != nil {
			return fmt.Errorf("the file has the hidden name %q, and is neither there nor at its destination: put the directory %q back if it was moved: %w",
				d.Hidden, path.Dir(d.Hidden), err)
		}
	}
	return nil
}

// isOfAnother reports that another file has the name that was intended for this one: it
// would have got a number.
func (d *Departure) isOfAnother(rel string) bool {
	file, _, err := d.OpenRegular(rel)
	if err != nil {
		return false
	}
	defer file.Close() // nothing was written
	return !d.isOurs(file)
}

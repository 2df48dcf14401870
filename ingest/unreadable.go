package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"strconv"
	"sync"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// denied is the verdict on a file that we may not read. Many programs give a file its
// rights only after its content, so it is waited for, with growing waits, until its
// attempts are spent. It goes round again when its mode or owner changes, which is
// news to the watcher, and at the next start, which may bring us another group.
func denied(e journal.Entry, err error, l limits) verdict {
	who := "the daemon's user"
	if d, ok := errors.AsType[*deniedError](err); ok {
		who = "the user " + d.user
	}
	hint := fmt.Sprintf("Let %s read it (chmod, chgrp or setfacl), or give the service the group that may (SupplementaryGroups=). "+
		"It stays where it is, and goes in by itself when its mode, owner or ACL changes and when ingestd starts; `ingestd retry ID` tries at once.", who)
	if !l.waits {
		return verdict{to: journal.Failed, reason: reasons.Of(reasons.ClassUnreadable, err, hint)}
	}
	return counted(e, err, l, reasons.ClassUnreadable, hint)
}

// deniedError says who may not read what, for the error of the system does not.
type deniedError struct {
	user string
	what string
	err  error
}

func (e *deniedError) Error() string {
	reason := e.err
	if errno, ok := errors.AsType[syscall.Errno](e.err); ok {
		reason = errno // the rest repeats the path
	}
	return fmt.Sprintf("the user %s %s: %v", e.user, e.what, reason)
}

func (e *deniedError) Unwrap() error { return e.err }

// explainDenied adds to the refusal to read an entry's file who may, and leaves any
// other error as it is.
func (p *Pipeline) explainDenied(e journal.Entry, err error) error {
	if !errors.Is(err, fs.ErrPermission) || errors.Is(err, file.ErrLocked) {
		return err
	}
	s, openErr := p.openShelf(e.Folder, e.ID)
	if openErr != nil {
		return openErr
	}
	defer s.close()
	d := &deniedError{user: ourName(), err: err}
	info, statErr := s.root.Lstat(e.Path)
	if statErr == nil {
		d.what = fmt.Sprintf("may not read %q, which %s", e.Path, rightsOf(info))
		return d
	}
	for at := path.Dir(e.Path); errors.Is(statErr, fs.ErrPermission); at = path.Dir(at) { // ends at the folder, which is open
		if info, statErr = s.root.Lstat(at); statErr == nil {
			d.what = fmt.Sprintf("may not read %q, because its directory %q %s", e.Path, at, rightsOf(info))
			return d
		}
	}
	return err
}

// rightsOf says whose a file or directory is, and who may what with it.
func rightsOf(info fs.FileInfo) string {
	st := info.Sys().(*syscall.Stat_t)
	owner, group := nameOfUser(st.Uid), strconv.FormatUint(uint64(st.Gid), 10)
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return fmt.Sprintf("belongs to %s:%s with mode %04o", owner, group, st.Mode&0o7777)
}

// ourName is the name of the user that this process runs as.
var ourName = sync.OnceValue(func() string { return nameOfUser(uint32(os.Geteuid())) })

// nameOfUser is the name of a user, or the number of one without.
func nameOfUser(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

// retryUnreadable sends round again what failed because it could not be read: a new
// process may have other rights.
func retryUnreadable(ctx context.Context, j *journal.Journal, folders []string) error {
	var again []journal.Entry
	err := j.Reader().Entries(ctx, journal.Filter{Statuses: []journal.Status{journal.Failed}, Folders: folders}, func(e journal.Entry) error {
		if e.Reason.Class == reasons.ClassUnreadable && !e.Taken() {
			again = append(again, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range again {
		newer, err := j.Reader().HasNewer(ctx, e)
		if err == nil && !newer {
			_, err = j.Advance(ctx, journal.Move{ID: e.ID, From: journal.Failed, To: journal.Settled, ResetCounts: true, AsNew: e.AsNew})
			err = ignoreMoved(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

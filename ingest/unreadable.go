package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
)

// denied is the verdict on a file that we may not read. Many programs give a file its
// rights only after its content, so it is waited for, with growing waits, until its
// attempts are spent. It goes round again when its mode or owner changes, which is
// news to the watcher, and at the next start, which may bring us another group.
func denied(e journal.Entry, err error, l limits) verdict {
	who := "the daemon's user"
	if d, ok := errors.AsType[*shelf.DeniedError](err); ok {
		who = "the user " + d.User
	}
	hint := fmt.Sprintf("Let %s read it (chmod, chgrp or setfacl), or give the service the group that may (SupplementaryGroups=). "+
		"It stays where it is, and goes in by itself when its mode, owner or ACL changes and when ingestd starts; `ingestd retry ID` tries at once.", who)
	if !l.waits {
		return verdict{to: journal.Failed, reason: reasons.Of(reasons.ClassUnreadable, err, hint)}
	}
	return counted(e, err, l, reasons.ClassUnreadable, hint)
}

// explainDenied adds to the refusal to read an entry's file who may, and leaves any
// other error as it is.
func (p *Pipeline) explainDenied(e journal.Entry, err error) error {
	if !shelf.IsDenied(err) {
		return err
	}
	s, openErr := shelf.Open(p.mounts, e.Folder, e.ID)
	if openErr != nil {
		return openErr
	}
	defer s.Close()
	return s.Explain(e.Path, err)
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
			err = journal.UnlessMoved(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

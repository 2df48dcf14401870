package ingest

import (
	"context"
	"fmt"
	"sync"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// leftovers are files that still lie in folders which do not keep theirs, though their
// entries rest: a backfill left them, or the folder kept its files until now. Each scan
// finds them, so they are only remembered; a few at a time become chores, so that an
// archive of them is in nobody's way. Safe for concurrent use.
type leftovers struct {
	journal *journal.Journal
	which   map[string]journal.Leftover // of each folder that does not keep its files
	came    func(folder string)         // told when there are more

	mu  sync.Mutex
	ids map[string][]int64 // by folder; may hold what was moved meanwhile
}

// maxLeftovers is how many are remembered of a folder. The next scan finds the rest.
const maxLeftovers = 50_000

func newLeftovers(j *journal.Journal, folders []dropfolder.Folder, came func(folder string)) *leftovers {
	l := &leftovers{journal: j, came: came, which: make(map[string]journal.Leftover), ids: make(map[string][]int64)}
	for _, f := range folders {
		switch f.After {
		case dropfolder.AfterMove:
			l.which[f.Name] = journal.Leftover{Statuses: []journal.Status{journal.Filed, journal.Duplicate, journal.Failed}, Except: reasons.ClassUnreadable}
		case dropfolder.AfterDelete: // a duplicate is never deleted
			l.which[f.Name] = journal.Leftover{Statuses: []journal.Status{journal.Filed, journal.Failed}, Except: reasons.ClassUnreadable}
		}
	}
	return l
}

// note remembers the leftovers among files of one folder; fresh are those of them that
// are not as the journal knows them.
func (l *leftovers) note(ctx context.Context, found, fresh []file.File) error {
	if len(found) == len(fresh) {
		return nil
	}
	folder := found[0].Folder
	which, moves := l.which[folder]
	if !moves || l.count(folder) >= maxLeftovers {
		return nil
	}
	unknown := make(map[string]bool, len(fresh))
	for _, f := range fresh {
		unknown[f.Path] = true
	}
	known := make([]file.File, 0, len(found)-len(fresh))
	for _, f := range found {
		if !unknown[f.Path] {
			known = append(known, f)
		}
	}
	ids, err := journal.ChoresOf(l.journal).Leftovers(ctx, known, which)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids[folder] = append(l.ids[folder], ids...)
	if len(ids) > 0 {
		l.came(folder)
	}
	return err
}

func (l *leftovers) count(folder string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids[folder])
}

// open makes chores of a few leftovers of a folder, and reports whether there are more.
func (l *leftovers) open(ctx context.Context, folder string) (more bool, err error) {
	l.mu.Lock()
	ids := l.ids[folder]
	some := ids[:min(len(ids), choreBatch)]
	l.ids[folder] = ids[len(some):]
	l.mu.Unlock()
	if len(some) == 0 {
		return false, nil
	}
	return len(some) < len(ids), journal.ChoresOf(l.journal).FileLeftovers(ctx, some, l.which[folder])
}

// stillInTenovos asks before a file is moved or deleted whose content came in earlier.
// What was in Tenovos then may have been removed there since, which is asked before it is
// deleted, and may never have been proved to be there, where the folder kept its files.
func (p *Pipeline) stillInTenovos(ctx context.Context, e journal.Entry, after dropfolder.After) error {
	if e.Status == journal.Duplicate {
		return p.proofs.ProveDuplicate(ctx, e)
	}
	if after == dropfolder.AfterDelete {
		seen, err := p.desk.Verify(ctx, e)
		if err == nil && !seen.Good() {
			err = fmt.Errorf("the file is not deleted, because Tenovos does not hold its content as it did: %s", seen.Detail)
		}
		if err != nil {
			return err
		}
	}
	return p.proofs.Prove(ctx, e, e)
}

// tell logs what became of a file whose entry had come to rest before: nothing else in
// the log says that it is not there any more.
func (t *taking) tell() {
	what := "moved out of the drop folder"
	if t.to == "" {
		what = "deleted"
	}
	switch t.e.Status {
	case journal.Filed:
		what = "a file that is in Tenovos was " + what
	case journal.Duplicate:
		what = "a duplicate was " + what + ": no asset was made of it"
	case journal.Failed:
		what = "a file that failed was " + what
	default:
		return
	}
	t.p.entryLog(t.p.log.Info(), t.e).Str("to", t.to).Str("reason", t.e.Reason.Message).Msg(what)
}

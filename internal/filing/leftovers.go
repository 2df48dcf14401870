package filing

import (
	"context"
	"sync"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Leftovers are files that still lie in folders which do not keep theirs, though their
// entries rest: a backfill left them, or the folder kept its files until now. Each scan
// finds them, so they are only remembered; a few at a time become chores, so that an
// archive of them is in nobody's way. Safe for concurrent use.
type Leftovers struct {
	intents journal.Filing
	which   map[string]journal.Leftover // of each folder that does not keep its files
	came    func(folder string)         // told when there are more

	mu  sync.Mutex
	ids map[string][]int64 // by folder; may hold what was moved meanwhile
}

// maxLeftovers is how many are remembered of a folder. The next scan finds the rest.
const maxLeftovers = 50_000

// NewLeftovers returns those of folders; came is told of a folder where there are more.
func NewLeftovers(intents journal.Filing, folders []dropfolder.Folder, came func(folder string)) *Leftovers {
	l := &Leftovers{intents: intents, came: came, which: make(map[string]journal.Leftover), ids: make(map[string][]int64)}
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

// Note remembers the leftovers among files of one folder; fresh are those of them that
// are not as the journal knows them.
func (l *Leftovers) Note(ctx context.Context, found, fresh []file.File) error {
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
	ids, err := l.intents.Leftovers(ctx, known, which)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids[folder] = append(l.ids[folder], ids...)
	if len(ids) > 0 {
		l.came(folder)
	}
	return err
}

func (l *Leftovers) count(folder string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids[folder])
}

// OpenChores makes chores of a few leftovers of a folder, atOnce at the most, and reports whether there are more.
func (l *Leftovers) OpenChores(ctx context.Context, folder string, atOnce int) (more bool, err error) {
	l.mu.Lock()
	ids := l.ids[folder]
	some := ids[:min(len(ids), atOnce)]
	l.ids[folder] = ids[len(some):]
	l.mu.Unlock()
	if len(some) == 0 {
		return false, nil
	}
	return len(some) < len(ids), l.intents.OpenChores(ctx, some, l.which[folder])
}

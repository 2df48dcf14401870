package report

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Group is all entries that are in one status for one reason.
type Group struct {
	Status string `json:"status"`
	Reason string `json:"reason"` // with … for what differs between the files: names, numbers and ids
	Hint   string `json:"hint"`
	Count  int    `json:"count"`
	Bytes  int64  `json:"bytes"` // of their files
	// First and Last are when the first and the last of them came to the status.
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Folders  []string  `json:"folders"`
	Examples []Example `json:"examples"` // the first three by id
}

// Example is one entry of a Group.
type Example struct {
	ID     int64  `json:"id"`
	Folder string `json:"folder"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// maxExamples bounds the examples of a group, or of a trouble. Beyond maxGroups reasons, the rest of a
// status is one group: what a million different reasons have in common is not for a summary.
const (
	maxExamples = 3
	maxGroups   = 1000
)

// Groups puts entries together by their reasons. Its zero value has none.
type Groups struct {
	by map[[2]string]*Group
}

// otherReasons is the reason of a group of all those that are too many.
const otherReasons = "other reasons"

// Add counts an entry.
func (g *Groups) Add(e Entry) {
	if g.by == nil {
		g.by = make(map[[2]string]*Group)
	}
	key := [2]string{e.Status, reasons.Form(e.Reason, e.Path)}
	group := g.by[key]
	if group == nil && len(g.by) >= maxGroups {
		key[1] = otherReasons
		group = g.by[key]
	}
	if group == nil {
		group = &Group{Status: e.Status, Reason: e.Reason, Hint: e.Hint, First: e.Since, Last: e.Since}
		if key[1] == otherReasons {
			group.Reason, group.Hint = otherReasons, ""
		}
		g.by[key] = group
	}
	group.Count++
	group.Bytes += e.Size
	if e.Since.Before(group.First) {
		group.First = e.Since
	}
	if e.Since.After(group.Last) {
		group.Last = e.Since
	}
	if group.Reason != e.Reason {
		group.Reason = key[1]
	}
	if group.Hint != e.Hint {
		group.Hint = reasons.Form(e.Hint, e.Path)
	}
	if !slices.Contains(group.Folders, e.Folder) {
		group.Folders = append(group.Folders, e.Folder)
	}
	if len(group.Examples) < maxExamples {
		group.Examples = append(group.Examples, Example{ID: e.ID, Folder: e.Folder, Path: e.Path, Reason: e.Reason})
	}
}

// All returns the groups, the largest first.
func (g *Groups) All() []Group {
	out := make([]Group, 0, len(g.by))
	for _, group := range g.by {
		slices.Sort(group.Folders)
		out = append(out, *group)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// Summarise returns the groups of a selection. Entries that a newer one of their path has
// superseded are in none of them, unless they are asked for.
func Summarise(ctx context.Context, r *journal.Reader, s Selection) ([]Group, error) {
	var groups Groups
	err := Selected(ctx, r, s, func(e Entry) error {
		if s.Shows(e) {
			groups.Add(e)
		}
		return nil
	})
	return groups.All(), err
}

// Shows reports whether people are shown an entry: of one that is superseded, the newer one
// of its path tells the rest.
func (s Selection) Shows(e Entry) bool {
	return s.All || e.Status != string(journal.Superseded) || len(s.IDs) > 0 || slices.Contains(s.Statuses, journal.Superseded)
}

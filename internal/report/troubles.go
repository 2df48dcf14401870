package report

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Trouble is a reason for which files of a folder are held or failed. Two files have it in
// common if their reasons are of one class and say the same of each, see reasons.Form.
type Trouble struct {
	Folder string
	Status string // held or failed
	Class  string
	Form   string
	Count  int     // of the files that were looked at
	First  []Entry // the first files, with the whole of each reason
}

// Bounds of Troubles.
const (
	maxTroubles   = 20     // of a folder and status
	maxLookedAt   = 20_000 // reasons of a folder and status
	maxLookedEach = 2_000  // of these, where many folders have troubles
	manyFolders   = 10
)

// Troubles are why files of a folder are held or failed, the most frequent first.
type Troubles struct {
	List []Trouble
	More int // reasons beyond the list
	// Unread counts the files that were not looked at: they are in no Count.
	Unread int
}

// TroublesOf returns the troubles of each of the folders, by their names. What it costs is
// bounded whatever number of files is held.
func TroublesOf(ctx context.Context, r *journal.Reader, folders []Folder) (map[string]*Troubles, error) {
	troubled := 0
	for _, f := range folders {
		if f.Held+f.Failed > 0 {
			troubled++
		}
	}
	limit := maxLookedAt
	if troubled > manyFolders {
		limit = maxLookedEach
	}
	out := make(map[string]*Troubles, troubled)
	for _, f := range folders {
		t := &Troubles{}
		for _, of := range []struct {
			status journal.Status
			count  int
		}{{journal.Failed, f.Failed}, {journal.Held, f.Held}} {
			if of.count == 0 {
				continue
			}
			if err := t.add(ctx, r, f.Name, of.status, of.count, limit); err != nil {
				return nil, err
			}
		}
		out[f.Name] = t
	}
	return out, nil
}

// add adds the troubles of the files in one status.
func (t *Troubles) add(ctx context.Context, r *journal.Reader, folder string, status journal.Status, count, limit int) error {
	type kind struct{ class, form string }
	type found struct {
		kind
		count int
		first []int64
	}
	var all []*found
	forms := make(map[string]string) // of messages, most of which are the same
	kinds := make(map[kind]*found)
	looked := 0
	err := journal.ListingOf(r).Reasons(ctx, folder, status, 0, limit, func(id int64, of string, why journal.Reason) bool {
		looked++
		form, ok := forms[why.Message]
		if !ok {
			form = reasons.Form(why.Message, of)
			if !strings.Contains(why.Message, path.Base(of)) { // else another file's name would stand for this one's
				forms[why.Message] = form
			}
		}
		k := kind{why.Class, form}
		f := kinds[k]
		if f == nil {
			f = &found{kind: k}
			kinds[k] = f
			all = append(all, f)
		}
		if f.count++; len(f.first) < maxExamples {
			f.first = append(f.first, id)
		}
		return true
	})
	if err != nil {
		return err
	}
	t.Unread += max(0, count-looked)
	sortBy(all, func(f *found) int { return -f.count })
	if more := len(all) - maxTroubles; more > 0 {
		t.More += more
		all = all[:maxTroubles]
	}
	var ids []int64
	for _, f := range all {
		ids = append(ids, f.first...)
	}
	entries, err := EntriesOf(ctx, r, ids)
	if err != nil {
		return err
	}
	for _, f := range all {
		one := Trouble{Folder: folder, Status: string(status), Class: f.class, Form: f.form, Count: f.count}
		one.First = one.still(f.first, entries)
		t.List = append(t.List, one)
	}
	return nil
}

// still returns the entries of some ids that are in the status of the trouble: others have
// moved on meanwhile.
func (t Trouble) still(ids []int64, entries map[int64]Entry) (out []Entry) {
	for _, id := range ids {
		if e, ok := entries[id]; ok && e.Status == t.Status {
			out = append(out, e)
		}
	}
	return out
}

// Again returns the troubles with their first files as those are now: what is in the way of
// one changes without an event. The rest is as it was, and not read again.
func (t *Troubles) Again(ctx context.Context, r *journal.Reader) (*Troubles, error) {
	var all []int64
	ids := make([][]int64, len(t.List))
	for i, one := range t.List {
		for _, e := range one.First {
			ids[i] = append(ids[i], e.ID)
		}
		all = append(all, ids[i]...)
	}
	entries, err := EntriesOf(ctx, r, all)
	if err != nil {
		return nil, err
	}
	now := *t
	now.List = slices.Clone(t.List)
	for i, one := range now.List {
		now.List[i].First = one.still(ids[i], entries)
	}
	return &now, nil
}

// In returns up to limit files of a trouble behind the entry after, and the last entry that
// was looked at, to go on from; 0 where there are no more.
func (t Trouble) In(ctx context.Context, r *journal.Reader, after int64, limit int) (files []Entry, next int64, err error) {
	var ids []int64
	looked := 0
	err = journal.ListingOf(r).Reasons(ctx, t.Folder, journal.Status(t.Status), after, maxLookedAt, func(id int64, of string, why journal.Reason) bool {
		looked++
		next = id
		if (t.Class == "" || why.Class == t.Class) && (t.Form == "" || reasons.Form(why.Message, of) == t.Form) {
			ids = append(ids, id)
		}
		return len(ids) < limit
	})
	if err != nil {
		return nil, 0, err
	}
	if len(ids) < limit && looked < maxLookedAt {
		next = 0
	}
	entries, err := EntriesOf(ctx, r, ids)
	return t.still(ids, entries), next, err
}

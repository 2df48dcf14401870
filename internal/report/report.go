// Package report is what the journal says of folders and files, for people and programs:
// the books of each folder, and each entry with its reason. It only reads.
package report

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Folder is one drop folder's books. They balance: Seen is counted on its own
// when a file is first found, and equals the sum of what follows it.
type Folder struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Watch  string `json:"watch"`  // notify or poll, as in force
	Paused string `json:"paused"` // why the folder waits; "" while it does not
	Hours  string `json:"hours"`  // that it waits for its hours, and from when those are; "" within them. That is no pause
	// PausedBy is what it waits for in classes, see journal.Pauses.
	PausedBy []string `json:"paused_by"`
	// Polled is how many directories are polled because the kernel gives no more
	// watches, each with all below it.
	Polled     int       `json:"polled"`
	Open       int       `json:"open"`       // of Settling: a program has the file open for writing
	Waiting    int       `json:"waiting"`    // files whose sentinel is not there yet; not in Seen
	Companions int       `json:"companions"` // sidecars and manifests; not in Seen
	Edits      int       `json:"edits"`      // corrections of assets that are still to be sent, or seen
	LastScan   time.Time `json:"last_scan"`  // when the latest scan ended; zero before the first
	Unreadable int       `json:"unreadable"` // directories and files that cannot be read; what is below them is not in Seen
	Unread     string    `json:"unread"`     // the first of these, with the reason
	// Arriving is how many of Settling wait for a transfer under way beside them, Beside
	// the first of these transfers; Empty how many are empty and wait for their content,
	// EmptyFile the first of them.
	Arriving   int    `json:"arriving"`
	Beside     string `json:"beside"`
	Empty      int    `json:"empty"`
	EmptyFile  string `json:"empty_file"`
	Seen       int    `json:"seen"`
	Ignored    int    `json:"ignored"`
	Settling   int    `json:"settling"`
	Queued     int    `json:"queued"`    // settled or mapped
	Uploading  int    `json:"uploading"` // from creating to verified, and cancelling
	Filed      int    `json:"filed"`
	Duplicate  int    `json:"duplicate"`
	Held       int    `json:"held"`
	Failed     int    `json:"failed"`
	Cancelled  int    `json:"cancelled"`
	Superseded int    `json:"superseded"`
	Withdrawn  int    `json:"withdrawn"`
	Pruned     int    `json:"pruned"` // forgotten on request; in no other number

	// QueuedSince is since when the queued file waits that has waited longest; zero for none.
	QueuedSince time.Time `json:"queued_since"`

	// Unmatched counts manifests that have rows without a file, and sidecars that are
	// nobody's; UnmatchedFirst are the first of them, by path.
	Unmatched      int                 `json:"unmatched"`
	UnmatchedFirst []journal.Unmatched `json:"unmatched_first"`
}

// mostUnmatched is how many companions that speak of no file are listed of a folder.
const mostUnmatched = 20

// State is how many files of a folder are in one state. Its name is that of the field in
// JSON.
type State struct {
	Name  string
	Files int
}

// States are the states that a file can be in, in the order of a life. Seen is their sum.
func (f Folder) States() []State {
	out := make([]State, len(states))
	for i, s := range states {
		out[i] = State{s.name, *s.of(&f)}
	}
	return out
}

var states = []struct {
	name string
	of   func(f *Folder) *int
}{
	{"settling", func(f *Folder) *int { return &f.Settling }},
	{"queued", func(f *Folder) *int { return &f.Queued }},
	{"uploading", func(f *Folder) *int { return &f.Uploading }},
	{"filed", func(f *Folder) *int { return &f.Filed }},
	{"duplicate", func(f *Folder) *int { return &f.Duplicate }},
	{"held", func(f *Folder) *int { return &f.Held }},
	{"failed", func(f *Folder) *int { return &f.Failed }},
	{"ignored", func(f *Folder) *int { return &f.Ignored }},
	{"cancelled", func(f *Folder) *int { return &f.Cancelled }},
	{"superseded", func(f *Folder) *int { return &f.Superseded }},
	{"withdrawn", func(f *Folder) *int { return &f.Withdrawn }},
}

// Sum adds up the files of folders: what was seen, and each state.
func Sum(folders []Folder) (sum Folder) {
	for _, f := range folders {
		sum.Seen += f.Seen
		for _, s := range states {
			*s.of(&sum) += *s.of(&f)
		}
	}
	return sum
}

// Unbalanced is how many files the books miss (positive) or count twice.
func (f Folder) Unbalanced() int {
	left := f.Seen
	for _, s := range f.States() {
		left -= s.Files
	}
	return left
}

// Folders returns the books of every folder that the journal knows, by name.
func Folders(ctx context.Context, r *journal.Reader) ([]Folder, error) {
	counts, err := r.Counts(ctx)
	if err != nil {
		return nil, fmt.Errorf("count the journal's entries: %w", err)
	}
	folders := make([]Folder, len(counts))
	for i, c := range counts {
		folders[i] = folderOf(c)
		f := &folders[i]
		if f.UnmatchedFirst, f.Unmatched, err = journal.CompanionReaderOf(r).Unmatched(ctx, f.Name, mostUnmatched); err != nil {
			return nil, fmt.Errorf("read what is told of companions: %w", err)
		}
	}
	return folders, nil
}

func folderOf(c journal.Counts) Folder {
	f := Folder{
		Name: c.Name, Path: c.Path, Watch: c.Watch, Paused: c.Paused, Hours: c.Hours, PausedBy: append([]string{}, strings.Fields(c.PausedBy)...), QueuedSince: c.QueuedAt,
		Seen: c.Seen + c.Settling, Settling: c.Settling, Pruned: c.Pruned,
		Polled: c.Polled, Open: c.Open, Waiting: c.Waiting, LastScan: c.LastScan,
		Companions: c.Companions, Edits: c.Edits, Unreadable: c.Unreadable, Unread: c.Unread,
		Arriving: c.Arriving, Beside: c.Beside, Empty: c.Empty, EmptyFile: c.EmptyFile,
	}
	for status, n := range c.By {
		switch status {
		case journal.Settled, journal.Mapped:
			f.Queued += n
		case journal.Creating, journal.Uploading, journal.Completing,
			journal.Verifying, journal.Verified, journal.Cancelling:
			f.Uploading += n
		case journal.Filed:
			f.Filed += n
		case journal.Duplicate:
			f.Duplicate += n
		case journal.Held:
			f.Held += n
		case journal.Failed:
			f.Failed += n
		case journal.Cancelled:
			f.Cancelled += n
		case journal.Ignored:
			f.Ignored += n
		case journal.Superseded:
			f.Superseded += n
		case journal.Withdrawn:
			f.Withdrawn += n
		}
	}
	return f
}

// Package report is what the journal says of folders and files, for people and programs:
// the books of each folder, and each entry with its reason. It only reads.
package report

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Folder is one drop folder's books. They balance: Seen is counted on its own
// when a file is first found, and equals the sum of what follows it.
type Folder struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Watch  string `json:"watch"`  // notify or poll, as in force
	Paused string `json:"paused"` // why the folder waits; "" while it does not
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

	// Unmatched counts manifests that have rows without a file, and sidecars that are
	// nobody's; UnmatchedFirst are the first of them, by path.
	Unmatched      int                 `json:"unmatched"`
	UnmatchedFirst []journal.Unmatched `json:"unmatched_first"`
}

// mostUnmatched is how many companions that speak of no file are listed of a folder.
const mostUnmatched = 20

// Unbalanced is how many files the books miss (positive) or count twice.
func (f Folder) Unbalanced() int {
	return f.Seen - (f.Ignored + f.Settling + f.Queued + f.Uploading + f.Filed + f.Duplicate +
		f.Held + f.Failed + f.Cancelled + f.Superseded + f.Withdrawn)
}

// Entry is one file as the journal knows it.
type Entry struct {
	ID             int64     `json:"id"`
	Folder         string    `json:"folder"`
	Path           string    `json:"path"`
	Status         string    `json:"status"`
	Reason         string    `json:"reason"`
	Hint           string    `json:"hint"`
	ObjectID       string    `json:"object_id"`
	FileID         string    `json:"file_id"`
	OriginalFileID string    `json:"original_file_id"`
	Attempts       int       `json:"attempts"`
	Size           int64     `json:"size"` // bytes
	Sent           int64     `json:"sent"` // bytes of the last attempt: stored, or on their way for more than a second
	Updated        time.Time `json:"updated"`
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
		Name: c.Name, Path: c.Path, Watch: c.Watch, Paused: c.Paused,
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

// Entries yields what is not filed, or everything.
func Entries(ctx context.Context, r *journal.Reader, all bool, yield func(Entry) error) error {
	obstacles, err := r.Obstacles(ctx)
	if err != nil {
		return err
	}
	sent, err := Sent(ctx, r)
	if err != nil {
		return err
	}
	return r.Entries(ctx, journal.Filter{All: all}, func(e journal.Entry) error {
		return yield(Entry{
			ID: e.ID, Folder: e.Folder, Path: e.Path, Status: string(e.Status),
			Reason: reasonWith(e, obstacles[e.ID]), Hint: e.Reason.Hint,
			ObjectID: e.ObjectID, FileID: e.FileID, OriginalFileID: e.OriginalFileID,
			Attempts: e.AttemptCount, Size: e.Size, Sent: max(e.Sent, sent[e.ID]), Updated: e.Updated,
		})
	})
}

// Sent returns, by the id of its entry, how many bytes have left of each file on its way.
func Sent(ctx context.Context, r *journal.Reader) (map[int64]int64, error) {
	all, err := journal.OnTheirWay(ctx, r)
	sent := make(map[int64]int64, len(all))
	for _, f := range all {
		sent[f.ID] = f.Sent
	}
	return sent, err
}

// reasonWith is why an entry is as it is, and what keeps its file in the drop folder if it
// was to be moved from there.
func reasonWith(e journal.Entry, obstacle string) string {
	if obstacle == "" || !e.Status.Resting() {
		return e.Reason.Message
	}
	obstacle = "its file cannot be moved out of the drop folder yet, which is tried again: " + obstacle
	if e.Reason.Message == "" {
		return obstacle
	}
	return e.Reason.Message + "; " + obstacle
}

// WriteJSON writes folders and entries as one JSON document; daemon says whether a
// process owns the journal. The entries are streamed: a journal of a million of them
// is never in memory.
func WriteJSON(ctx context.Context, out io.Writer, r *journal.Reader, daemon, all bool) error {
	folders, err := Folders(ctx, r)
	if err != nil {
		return err
	}
	head, err := json.Marshal(folders)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(display.NewWriter(out)) // some read it on a terminal
	fmt.Fprintf(w, "{\"daemon\": %t, \"folders\": %s, \"entries\": [", daemon, head)
	separator := "\n"
	err = Entries(ctx, r, all, func(e Entry) error {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s%s", separator, line)
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "]}")
	return w.Flush()
}

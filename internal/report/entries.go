package report

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/journal"
)

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
	Class          string    `json:"class,omitempty"`    // of the reason
	Generation     int       `json:"generation"`         // 1 is the first content of the path
	Found          time.Time `json:"found"`              // when the file was first seen settled
	Since          time.Time `json:"since"`              // when it came to its status
	Next           time.Time `json:"next,omitzero"`      // when it is tried again
	MovedTo        string    `json:"moved_to,omitempty"` // where its file was moved, below the folder
}

// Selection says which entries are told of; all its conditions hold together, but for ids and paths.
type Selection struct {
	All      bool             // filed ones, too, where nothing else names what is wanted
	Folders  []string         // of these alone; none means all, for the books as well
	Statuses []journal.Status // in one of these
	IDs      []int64          // one of these,
	Below    []journal.PathIn // or at one of these paths, or below
	Since    time.Time        // that came to their status then or later
	Summary  bool             // for WriteJSON: Groups in the place of entries
}

// Entries yields what is not filed, or everything.
func Entries(ctx context.Context, r *journal.Reader, all bool, yield func(Entry) error) error {
	return Selected(ctx, r, Selection{All: all}, yield)
}

// Selected yields the entries of a selection, by id.
func Selected(ctx context.Context, r *journal.Reader, s Selection, yield func(Entry) error) error {
	obstacles, err := r.Obstacles(ctx)
	if err != nil {
		return err
	}
	hours, err := journal.HoursOf(ctx, r)
	if err != nil {
		return err
	}
	sent, err := Sent(ctx, r)
	if err != nil {
		return err
	}
	f := journal.Filter{All: s.All, Folders: s.Folders, IDs: s.IDs, Statuses: s.Statuses, Since: s.Since, Below: s.Below}
	return r.Entries(ctx, f, func(e journal.Entry) error {
		shown := entryOf(e, obstacles[e.ID], hours[e.Folder])
		shown.Sent = max(shown.Sent, sent[e.ID])
		return yield(shown)
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

// entryOf is an entry of the journal, what is in the way of its file, and what its
// folder waits for outside of its hours.
func entryOf(e journal.Entry, obstacle journal.Obstacle, hours string) Entry {
	return Entry{
		ID: e.ID, Folder: e.Folder, Path: e.Path, Status: string(e.Status),
		Reason: reasonWith(e, obstacle, hours), Hint: e.Reason.Hint,
		ObjectID: e.ObjectID, FileID: e.FileID, OriginalFileID: e.OriginalFileID,
		Attempts: e.AttemptCount, Size: e.Size, Sent: e.Sent, Updated: e.Updated,
		Class: e.Reason.Class, Generation: e.Generation, Found: e.SeenAt, Since: e.Since, Next: e.NotBefore, MovedTo: movedTo(e),
	}
}

// movedTo is where a file lies that was moved.
func movedTo(e journal.Entry) string {
	if e.Status != journal.Filed && e.Status != journal.Withdrawn {
		return "" // it is an intent until then
	}
	return e.MovedTo
}

// FoldersOf is Folders of a selection.
func FoldersOf(ctx context.Context, r *journal.Reader, s Selection) ([]Folder, error) {
	folders, err := Folders(ctx, r)
	if len(s.Folders) > 0 {
		folders = slices.DeleteFunc(folders, func(f Folder) bool { return !slices.Contains(s.Folders, f.Name) })
	}
	return folders, err
}

// reasonWith is why an entry is as it is, and what keeps its file in the drop folder if it
// was to be moved from there, or people from being told of it. One that waits for the hours
// of its folder alone, which hours words, has nothing of its own to say.
func reasonWith(e journal.Entry, obstacle journal.Obstacle, hours string) string {
	if hours != "" && e.Reason.Message == "" && (e.Status == journal.Settled || e.Status == journal.Mapped) {
		return hours
	}
	all := make([]string, 0, 3)
	add := func(before, text string) {
		if text != "" {
			all = append(all, before+text)
		}
	}
	add("", e.Reason.Message)
	if e.Status.Resting() {
		add("its file cannot be moved out of the drop folder yet, which is tried again: ", obstacle.Moving)
		add("no note can be left beside it yet, which is tried again: ", obstacle.Telling)
	}
	return strings.Join(all, "; ")
}

// WriteJSON writes folders and entries as one JSON document; daemon says whether a
// process owns the journal. See WriteSelection.
func WriteJSON(ctx context.Context, out io.Writer, r *journal.Reader, daemon, all bool) error {
	return WriteSelection(ctx, out, r, daemon, Selection{All: all})
}

// WriteSelection is WriteJSON of a selection. The entries are streamed: a journal of a
// million of them is never in memory.
func WriteSelection(ctx context.Context, out io.Writer, r *journal.Reader, daemon bool, s Selection) error {
	folders, err := FoldersOf(ctx, r, s)
	if err != nil {
		return err
	}
	head, err := json.Marshal(folders)
	if err != nil {
		return err
	}
	troubles, err := journal.OutwardOf(r).Troubles(ctx)
	if err != nil {
		return err
	}
	receivers, err := json.Marshal(troubles)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(display.NewWriter(out)) // some read it on a terminal
	fmt.Fprintf(w, "{\"daemon\": %t, \"folders\": %s, \"receivers\": %s, ", daemon, head, receivers)
	if s.Summary {
		groups, err := Summarise(ctx, r, s)
		if err != nil {
			return err
		}
		text, err := json.Marshal(groups)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\"groups\": %s, \"entries\": []}\n", text)
		return w.Flush()
	}
	fmt.Fprint(w, "\"entries\": [")
	separator := "\n"
	err = Selected(ctx, r, s, func(e Entry) error {
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

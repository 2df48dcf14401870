package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Bounds of what is told of one file: the beginning, and what came last.
const (
	firstHappenings = 50
	lastHappenings  = 250
)

// fact is a line on a file.
type fact struct{ Name, Value string }

// eventView is what happened to a file at one time, or what is left out.
type eventView struct {
	At                 time.Time // zero where it says what is left out
	Text, Reason, Hint string
}

// serveFile shows one file and what happened to it.
func (p *Page) serveFile(w http.ResponseWriter, req *http.Request) {
	id, err := positive(req, "id")
	if err != nil || id == 0 {
		http.Error(w, "the address names no file", http.StatusBadRequest)
		return
	}
	e, err := p.Lists.Entry(req.Context(), id)
	if errors.Is(err, journal.ErrUnknown) {
		http.Error(w, "the journal has no such file, or has forgotten it", http.StatusNotFound)
		return
	}
	var entries map[int64]report.Entry
	if err == nil {
		entries, err = report.EntriesOf(req.Context(), p.Lists, []int64{id})
	}
	var events []eventView
	if err == nil {
		events, err = p.events(req.Context(), id)
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	one := entries[id]
	f := view{page: p, token: p.Token(req)}.file(one, "")
	p.send(w, "history", struct {
		frame
		File   fileView
		Facts  []fact
		Events []eventView
	}{p.frame(req, "ingestd: "+f.Name), f, factsOf(e, one), events})
}

// factsOf are the lines on an entry that say something.
func factsOf(e journal.Entry, one report.Entry) (facts []fact) {
	version := ""
	if one.OriginalFileID != one.FileID {
		version = one.OriginalFileID
	}
	for _, line := range []fact{
		{"Folder", display.Name(e.Folder)}, {"Status", cmp.Or(doings[one.Status], one.Status)}, {"Size", bytesText(e.Size)},
		{"Asset", display.Text(e.ObjectID)}, {"File", display.Text(e.FileID)}, {"Version of", display.Text(version)},
		{"Attempts", count(e.AttemptCount)}, {"Moved to", display.Name(e.MovedTo)}, {"Number", strconv.FormatInt(e.ID, 10)},
	} {
		if line.Value != "" {
			facts = append(facts, line)
		}
	}
	return facts
}

// events are what happened to an entry. Of very much the middle is left out.
func (p *Page) events(ctx context.Context, id int64) (out []eventView, err error) {
	if p.History == nil {
		return nil, nil
	}
	all, err := p.History(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the history of entry %d: %w", id, err)
	}
	for i, h := range all {
		left := len(all) - firstHappenings - lastHappenings
		if left > 1 && i >= firstHappenings && i < firstHappenings+left {
			if i == firstHappenings {
				out = append(out, eventView{Text: fmt.Sprintf("%s more are left out here; `ingestd history %d` has them.", count(left), id)})
			}
			continue
		}
		v := eventView{At: h.At, Text: capital(display.Text(h.Text)), Reason: display.Text(h.Reason), Hint: display.Text(h.Hint)}
		if h.Count > 1 {
			v.Text += fmt.Sprintf(" (%s times", count(h.Count))
			if !h.Last.IsZero() {
				v.Text += ", the last time " + h.Last.Format(time.DateTime)
			}
			v.Text += ")"
		}
		out = append(out, v)
	}
	return out, nil
}

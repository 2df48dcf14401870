package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/internal/display"
)

// Action is what a button asks for: something about one file, or about all that are in a
// status for one reason, see report.Trouble.
type Action struct {
	Kind string // retry or cancel
	ID   int64  // 0: the rest says which

	Folder, Status, Class, Form string
}

// Outcome is what became of one file.
type Outcome struct {
	ID     int64
	Path   string
	Result string // see desk.Outcome
	Detail string
	Good   bool
}

// answerWithin is how long a button waits for its answer. What takes longer goes on.
const answerWithin = 20 * time.Second

// serveAction has a request carried out and tells what became of it: a script in JSON, and
// anybody else by a page.
func (p *Page) serveAction(w http.ResponseWriter, req *http.Request) {
	a, err := actionOf(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // else the time to read the request would end the answer
	ctx, cancel := context.WithTimeout(req.Context(), answerWithin)
	defer cancel()
	outcomes, err := p.Ask(ctx, a)
	if req.Context().Err() != nil {
		return // nobody waits
	}
	var text string
	good := true
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		text = "It is asked for, and takes its time: the page shows when it is done."
	case err != nil:
		text, good = display.Text(err.Error()), false
	default:
		text, good = told(outcomes)
	}
	if strings.Contains(req.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(struct {
			Text string `json:"text"`
			Good bool   `json:"good"`
		}{text, good})
		return
	}
	heading := map[string]string{"retry": "Retry", "cancel": "Cancel"}[a.Kind]
	p.send(w, "answer", struct {
		frame
		Heading, Answer string
	}{p.frame(req, "ingestd: "+heading), heading, text})
}

func actionOf(req *http.Request) (Action, error) {
	a := Action{Kind: strings.TrimPrefix(req.URL.Path, "/"), Folder: req.PostFormValue("folder"), Status: req.PostFormValue("status"),
		Class: req.PostFormValue("class"), Form: req.PostFormValue("form")}
	if text := req.PostFormValue("id"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return a, fmt.Errorf("%.20q is no id of a file", text)
		}
		return Action{Kind: a.Kind, ID: id}, nil
	}
	if a.Folder == "" || a.Class == "" || a.Status != "held" && a.Status != "failed" {
		return a, errors.New("the request names no file, and no reason for which files of a folder are held or failed")
	}
	return a, nil
}

// results are the results of outcomes, in words for one file.
var results = map[string]string{
	"requeued":   "sent round again",
	"cancelled":  "cancelled",
	"cancelling": "being cancelled",
	"ingested":   "ingested already",
	"skipped":    "left as it is",
	"failed":     "not done",
	"unknown":    "not there any more",
}

// told puts outcomes into a sentence.
func told(outcomes []Outcome) (text string, good bool) {
	if len(outcomes) == 0 {
		return "There is nothing left to do it to.", true
	}
	good = true
	type sum struct {
		count  int
		detail string
	}
	sums := map[string]*sum{}
	var order []string
	for _, o := range outcomes {
		good = good && o.Good
		s := sums[o.Result]
		if s == nil {
			s = &sum{}
			sums[o.Result] = s
			order = append(order, o.Result)
		}
		s.count++
		if s.detail == "" {
			s.detail = display.Text(o.Detail)
		}
	}
	var said []string
	for _, result := range order {
		s, words := sums[result], results[result]
		if words == "" {
			words = result
		}
		if len(outcomes) > 1 {
			words = humanize.Comma(int64(s.count)) + " " + words
		}
		if s.detail != "" {
			words += ": " + s.detail
		}
		said = append(said, words)
	}
	text = strings.Join(said, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + ".", good
}

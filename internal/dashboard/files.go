package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	pageOf   = 100 // files of a trouble
	maxQuery = 200 // characters
)

// filesView is a page of a list of files.
type filesView struct {
	frame
	Heading, Why   string
	Named, Files   []fileView
	Next, NextText string // the rest of the list; "" where it ends
	Auto           bool   // the rest is wanted, too
	End            string
}

// serveFiles lists the files that a search finds, or those of one trouble.
func (p *Page) serveFiles(w http.ResponseWriter, req *http.Request) {
	after, err := positive(req, "after")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	list := p.listTrouble
	if req.URL.Query().Has("q") {
		list = p.listFound
	}
	v, err := list(req, after)
	switch {
	case err == nil:
		p.send(w, "files", v)
	case req.Context().Err() == nil:
		p.fail(w, err)
	}
}

// positive reads an id of the address; 0 where there is none.
func positive(req *http.Request, name string) (int64, error) {
	text := req.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%s: %.20q is no id of a file", name, text)
	}
	return id, nil
}

func (p *Page) listFound(req *http.Request, after int64) (filesView, error) {
	text := req.URL.Query().Get("q")
	if runes := []rune(text); len(runes) > maxQuery {
		text = string(runes[:maxQuery])
	}
	found, err := report.Search(req.Context(), p.Lists, text, after)
	if err != nil {
		return filesView{}, err
	}
	v := filesView{frame: p.frame(req, "ingestd: search"), Heading: "Search", End: "These are all."}
	v.Query = text
	view := view{page: p, token: v.Token}
	for _, e := range found.Named {
		v.Named = append(v.Named, view.found(e))
	}
	for _, e := range found.Files {
		v.Files = append(v.Files, view.found(e))
	}
	switch {
	case strings.TrimSpace(text) == "":
		v.Why, v.End = "Type a part of a file's name or path.", ""
	case found.Next != 0:
		v.Heading = fmt.Sprintf("Files with %s", display.Name(text))
		v.Next, v.NextText, v.Auto = "files?"+url.Values{"q": {text}, "after": {strconv.FormatInt(found.Next, 10)}}.Encode(), "Search on", true
	default:
		v.Heading = fmt.Sprintf("Files with %s", display.Name(text))
		if len(v.Files) == 0 && after == 0 {
			v.End = "No file has that in its path."
		}
	}
	return v, nil
}

// found is a file with its folder, as files of all folders are listed.
func (v view) found(e report.Entry) fileView {
	f := v.file(e, "")
	f.Name = display.Name(e.Folder + "/" + e.Path)
	if e.Status == string(journal.Filed) {
		f.Reason, f.Hint = "", ""
	}
	return f
}

func (p *Page) listTrouble(req *http.Request, after int64) (filesView, error) {
	q := req.URL.Query()
	t := report.Trouble{Folder: q.Get("folder"), Status: q.Get("status"), Class: q.Get("class"), Form: q.Get("form")}
	v := filesView{frame: p.frame(req, "ingestd: "+t.Status), End: "These are all."}
	if t.Status != string(journal.Held) && t.Status != string(journal.Failed) {
		v.Heading, v.End = "Nothing to list", "A list is of the files of a folder that are held or failed."
		return v, nil
	}
	files, next, err := t.In(req.Context(), p.Lists, after, pageOf)
	if err != nil {
		return v, err
	}
	v.Heading = fmt.Sprintf("%s: %s", display.Name(t.Folder), t.Status)
	why, view := "", view{page: p, token: v.Token}
	for i, e := range files {
		if i == 0 {
			why, v.Why = e.Reason, capital(display.Text(e.Reason))
		}
		f := view.file(e, why)
		f.Doing = ""
		v.Files = append(v.Files, f)
	}
	if next != 0 {
		q.Set("after", strconv.FormatInt(next, 10))
		v.Next, v.NextText = "files?"+q.Encode(), "Show more files"
	}
	return v, nil
}

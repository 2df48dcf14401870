package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/follow"
)

// Message is what a receiver is told of one event. Its JSON is the body of a webhook.
type Message struct {
	Event    string `json:"event"`
	Time     string `json:"time"` // RFC 3339, UTC
	Folder   string `json:"folder"`
	Path     string `json:"path"`
	ID       int64  `json:"id"` // of the entry; 0 for none
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint"`
	ObjectID string `json:"object_id"`
}

func messageOf(e follow.Event) Message {
	return Message{
		Event: kindOf(e), Time: e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Folder: e.Folder,
		Path: strings.ToValidUTF8(e.Path, "\uFFFD"), ID: e.Entry, Status: e.Status, Reason: e.Reason, Hint: e.Hint, ObjectID: e.ObjectID,
	}
}

// What says in some words what has happened.
func (m Message) What() string {
	switch m.Event {
	case Failed:
		return "failed: " + m.file()
	case Held:
		return "held: " + m.file()
	case DropDone:
		return "drop done: " + m.file()
	case Paused:
		return "paused: " + m.all()
	case Resumed:
		return "goes on: " + m.all()
	}
	return m.Event
}

func (m Message) file() string {
	if m.Path == "" {
		return "folder " + m.Folder
	}
	return m.Path + " in folder " + m.Folder
}

func (m Message) all() string {
	if m.Folder == "" {
		return "all folders"
	}
	return "folder " + m.Folder
}

// Digest is what a mail is made of.
type Digest struct {
	Host   string
	Total  int       // events
	Counts []Count   // of each kind, in the order of Events
	Events []Message // the first of them
	More   int       // how many are only counted
}

// Count is how many events there are of a kind.
type Count struct {
	Event string
	N     int
}

// Summary counts the events in words.
func (d Digest) Summary() string {
	parts := make([]string, 0, len(d.Counts))
	for _, c := range d.Counts {
		text := fmt.Sprintf("%d %s", c.N, strings.ReplaceAll(c.Event, "_", " "))
		if c.Event == Failed || c.Event == Held {
			text = fmt.Sprintf("%s %s", files(c.N), c.Event)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// The words of a mail, unless the configuration has others.
const (
	mailSubject = `ingestd on {{.Host}}: {{if eq .Total 1}}{{(index .Events 0).What}}{{else}}{{.Summary}}{{end}}`
	mailBody    = `{{.Summary}}
{{range .Events}}
{{.What}}
{{- with .Reason}}
  Why: {{.}}{{end}}
{{- with .Hint}}
  What helps: {{.}}{{end}}
{{- with .ObjectID}}
  Asset: {{.}}{{end}}
  {{.Time}}{{if .ID}}, entry {{.ID}}{{end}}
{{end}}
{{- if .More}}
... and {{.More}} more.
{{end}}
` + "`ingestd status` lists what is not in, and why.\n"
)

// maxText bounds what a template makes, in bytes.
const maxText = 1 << 20

// words are the templates of a receiver; a webhook without a template has none.
type words struct{ subject, body *template.Template }

func parse(r Receiver) (w words, err error) {
	subject, body := "", r.Body
	if r.IsMail() {
		subject, body = or(r.Subject, mailSubject), or(r.Body, mailBody)
	}
	if w.subject, err = templateOf("subject", subject); err != nil {
		return w, err
	}
	w.body, err = templateOf("body", body)
	return w, err
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// templateOf compiles a text; "" has none.
func templateOf(name, text string) (*template.Template, error) {
	if text == "" {
		return nil, nil
	}
	return template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"json": asJSON}).Parse(text)
}

// asJSON quotes a value to stand in JSON.
func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// Check tries the templates of a receiver on an event of each kind. The error is about the
// key that it returns, subject or body.
func Check(r Receiver) (key string, err error) {
	for _, key := range []string{"subject", "body"} {
		text := map[string]string{"subject": r.Subject, "body": r.Body}[key]
		t, err := templateOf(key, text)
		if err != nil || t == nil {
			if err != nil {
				return key, err
			}
			continue
		}
		for _, kind := range Events() {
			m := messageOf(follow.Event{ID: 1, Entry: 1, Time: time.Unix(0, 0), Kind: kind, Folder: "folder", Path: `a/"b".jpg`, Status: kind, Reason: "reason", Hint: "hint", ObjectID: "id"})
			var data any = m
			if r.IsMail() {
				data = Digest{Host: "host", Total: 1, Counts: []Count{{kind, 1}}, Events: []Message{m}}
			}
			out, err := fill(t, data)
			if err != nil {
				return key, err
			}
			if !r.IsMail() && r.ContentType == "" && !json.Valid(out) {
				return key, errors.New("what it makes is no JSON: quote values by {{json .Reason}}, or name another content_type")
			}
		}
	}
	return "", nil
}

// fill executes a template, within bounds.
func fill(t *template.Template, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := t.Execute(&bounded{&out, maxText}, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

type bounded struct {
	io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("the template makes more than %d bytes", maxText)
	}
	return b.Writer.Write(p)
}

// printable is a message for people to read, without what steers a terminal or breaks a line.
func printable(m Message) Message {
	for _, text := range []*string{&m.Folder, &m.Path, &m.Reason, &m.Hint, &m.ObjectID} {
		*text = display.Text(*text)
	}
	return m
}

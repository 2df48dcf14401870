// Package health answers whoever watches over the daemon: whether it is alive, and whether
// it can ingest at present. However often it is asked, the journal is read once a second at
// the most, and Tenovos asked a few times a minute; without a question nothing is done.
package health

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// How long an answer holds, and may take.
const (
	journalHolds = time.Second
	tenovosHolds = 5 * time.Second // an account that refuses the login must not be tried without end:
	mostFailures = 12              // after this many failures in a row each holds so many times as long
	answerTime   = 5 * time.Second
)

// Folder is a drop folder.
type Folder struct {
	Name   string
	Paused string // why nothing is taken from it; "" while it is
}

// State is what the daemon knows by itself.
type State struct {
	Waits   string // why nothing goes to Tenovos; "" while it does
	Folders []Folder
	// Ask asks Tenovos for something harmless; nil where there is nobody to ask.
	Ask func(context.Context) error
}

// Health is asked over HTTP. Safe for concurrent use.
type Health struct {
	journal func(context.Context) error
	state   func() State

	read, asked held
}

// New returns the health of a daemon. journal reads something, or says why it cannot; state
// is called for each question.
func New(journal func(context.Context) error, state func() State) *Health {
	return &Health{journal: journal, state: state}
}

// Alive answers /healthz: 200 while the process is there and can read its journal, else 503.
// Nothing that a restart would not mend makes it fail.
func (h *Health) Alive(w http.ResponseWriter, req *http.Request) {
	if h.read.ask(req.Context(), journalHolds, h.journal) != nil {
		http.Error(w, unreadable, http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

const unreadable = "the journal cannot be read"

// Part is one thing that has to be there, in the answer of /readyz.
type Part struct {
	Name   string `json:"name,omitempty"` // of a folder
	Ready  bool   `json:"ready"`
	Reason string `json:"reason"` // why it is not; "" where it is
}

// Answer is that of /readyz in JSON.
type Answer struct {
	Ready   bool   `json:"ready"`
	Journal Part   `json:"journal"`
	Tenovos Part   `json:"tenovos"`
	Folders []Part `json:"folders"`
}

// Ready answers /readyz: 200 while all folders are there and Tenovos answers, else 503 with
// the reasons; as text, or as JSON where that is asked for by Accept.
func (h *Health) Ready(w http.ResponseWriter, req *http.Request) {
	a := h.answer(req.Context())
	status := http.StatusOK
	if !a.Ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Vary", "Accept")
	if strings.Contains(req.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(a) // the client is gone
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, a.text())
}

func (h *Health) answer(ctx context.Context) Answer {
	a := Answer{Journal: part("", ""), Folders: []Part{}}
	if h.read.ask(ctx, journalHolds, h.journal) != nil {
		a.Journal = part("", unreadable)
	}
	s := h.state()
	why := s.Waits
	if why == "" && s.Ask != nil {
		if err := h.asked.ask(ctx, tenovosHolds, s.Ask); err != nil {
			why = sentence(err)
		}
	}
	a.Tenovos = part("", why)
	a.Ready = a.Journal.Ready && a.Tenovos.Ready
	for _, f := range s.Folders {
		a.Folders = append(a.Folders, part(f.Name, f.Paused))
		a.Ready = a.Ready && f.Paused == ""
	}
	return a
}

// sentence says why Tenovos did not answer.
func sentence(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("it has not answered within %v", answerTime)
	}
	return secret.Sentence(err)
}

func part(name, why string) Part { return Part{Name: name, Ready: why == "", Reason: why} }

func (a Answer) text() string {
	if a.Ready {
		return "ready\n"
	}
	var b strings.Builder
	b.WriteString("not ready\n")
	for _, p := range append([]Part{{"journal", a.Journal.Ready, a.Journal.Reason}, {"Tenovos", a.Tenovos.Ready, a.Tenovos.Reason}}, a.Folders...) {
		if !p.Ready {
			fmt.Fprintf(&b, "%s: %s\n", p.Name, strings.ReplaceAll(cmp.Or(p.Reason, "?"), "\n", " "))
		}
	}
	return b.String()
}

// held is an answer that holds for a while.
type held struct {
	mu       sync.Mutex
	err      error
	until    time.Time
	failures int // in a row
}

// ask asks, unless there is an answer that holds: one at a time, and for nobody alone, so
// that one who goes away meanwhile leaves no wrong answer to the others.
func (h *held) ask(ctx context.Context, holds time.Duration, ask func(context.Context) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return h.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	if h.err = ask(ctx); h.err == nil {
		h.failures = 0
	} else if h.failures < mostFailures {
		h.failures++
	}
	h.until = time.Now().Add(holds * time.Duration(max(1, h.failures)))
	return h.err
}

package dashboard

import (
	"io"
	"net/http"

	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Deps is what the pages are made of.
type Deps struct {
	// Lists is a reader for the pages alone: a client that is slow to read holds one of its
	// connections, and none that anybody else waits for.
	Lists *journal.Reader
}

// Page is what there is to see.
type Page struct{ deps Deps }

// New returns the page.
func New(d Deps) *Page { return &Page{d} }

// Register has a mux serve the page. Who may see it is decided before the mux.
func (p *Page) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, req *http.Request) { serveStatus(w, req, p.deps.Lists) })
}

const unreadable = "the journal cannot be read"

func serveStatus(w http.ResponseWriter, req *http.Request, r *journal.Reader) {
	w.Header().Set("Content-Type", "application/json")
	out := &counted{Writer: w}
	err := report.WriteJSON(req.Context(), out, r, true, req.URL.Query().Has("all"))
	switch {
	case err == nil:
	case out.n == 0:
		http.Error(w, unreadable, http.StatusInternalServerError)
	default: // the status was sent: only a cut connection tells that this is not all
		panic(http.ErrAbortHandler)
	}
}

// counted counts the bytes that went through it.
type counted struct {
	io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += int64(n)
	return n, err
}

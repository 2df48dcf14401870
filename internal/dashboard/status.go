package dashboard

import (
	"io"
	"net/http"

	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

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

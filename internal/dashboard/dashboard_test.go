package dashboard

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// books opens a journal with a file in each of a few statuses.
func books(t *testing.T) *journal.Journal {
	t.Helper()
	return booksAt(t, filepath.Join(t.TempDir(), "journal.db"))
}

func booksAt(t *testing.T, path string) *journal.Journal {
	t.Helper()
	ctx := t.Context()
	j, err := journal.Open(ctx, path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	var found []file.File
	for i := range 5 {
		found = append(found, file.File{Folder: "in", Path: fmt.Sprintf("%d.jpg", i), Stat: file.Stat{Size: int64(i)}})
	}
	if _, err := j.Admit(ctx, found); err != nil {
		t.Fatal(err)
	}
	for id, to := range map[int64]journal.Status{1: journal.Held, 2: journal.Failed, 3: journal.Ignored} {
		_, err := j.Advance(ctx, journal.Move{ID: id, From: journal.Settled, To: to, Reason: journal.Reason{Message: "because", Hint: "do"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = j.Advance(ctx, journal.Move{ID: 4, From: journal.Settled, To: journal.Mapped, Asset: []byte("{}"), Filename: "3.jpg"})
	if err == nil {
		_, err = j.Advance(ctx, journal.Move{ID: 4, From: journal.Mapped, To: journal.Creating})
	}
	if err == nil {
		err = journal.FoldersOf(j).Set(ctx, journal.FolderState{Name: "in", Path: "/in", Watch: "notify", Settling: 2})
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestServe(t *testing.T) {
	j := books(t)
	mux := http.NewServeMux()
	New(Deps{Lists: j.Reader()}).Register(mux)
	reply := httptest.NewRecorder()
	mux.ServeHTTP(reply, httptest.NewRequest(http.MethodGet, "/status.json?all", nil))
	if reply.Code != http.StatusOK || !json.Valid(reply.Body.Bytes()) {
		t.Error(reply.Code, reply.Body)
	}
}

// cutOff takes the first write alone.
type cutOff struct {
	*httptest.ResponseRecorder
}

func (w cutOff) Write(b []byte) (int, error) {
	if w.Body.Len() > 0 {
		return 0, io.ErrShortWrite
	}
	return w.ResponseRecorder.Write(b)
}

// A document that breaks off is no document: the connection breaks off, too.
func TestStatusBreaksOff(t *testing.T) {
	j := books(t)
	var found []file.File
	for i := range 100 {
		found = append(found, file.File{Folder: "in", Path: fmt.Sprintf("more/%d.jpg", i)})
	}
	if _, err := j.Admit(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	out := cutOff{httptest.NewRecorder()}
	defer func() {
		if r := recover(); r != http.ErrAbortHandler {
			t.Errorf("the handler ended with %v", r)
		}
		if out.Body.Len() == 0 {
			t.Error("nothing was sent at all")
		}
	}()
	serveStatus(out, httptest.NewRequest(http.MethodGet, "/status.json", nil), j.Reader())
}

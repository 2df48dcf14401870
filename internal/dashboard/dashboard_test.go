package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, l.Addr().String(), j.Reader(), j.Reader(), http.NotFoundHandler()) }()
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get("/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Error(code, body)
	}
	if code, body := get("/status.json?all"); code != http.StatusOK || !json.Valid([]byte(body)) {
		t.Error(code, body)
	}
	if code, _ := get("/"); code != http.StatusNotFound {
		t.Error(code)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
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

// Clients that are slow to read do not hold up the health.
func TestSlowClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := booksAt(t, path)
	lists, err := journal.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan bool)
	var slow sync.WaitGroup
	defer func() {
		close(end)
		slow.Wait()
		_ = lists.Close()
	}()
	for range 4 { // every connection that a reader has
		begun := make(chan bool)
		slow.Go(func() {
			once := sync.OnceFunc(func() { close(begun) })
			_ = lists.Entries(t.Context(), journal.Filter{}, func(journal.Entry) error {
				once()
				<-end
				return nil
			})
		})
		<-begun
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, l.Addr().String(), j.Reader(), lists, http.NotFoundHandler()) }()
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

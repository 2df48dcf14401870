package uploader

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// observed counts what an Observer is told.
type observed struct {
	mu     sync.Mutex
	sent   map[string]int64
	stored int
}

func (o *observed) Sent(folder string, bytes int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent[folder] += bytes
}

func (o *observed) Stored(took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stored++; took < 0 {
		o.stored = -1
	}
}

// TestObserver has a part refused once its bytes left: these were sent, and nothing was
// stored. Sent again, they count again. What the progress of the file says is another thing.
func TestObserver(t *testing.T) {
	var refuse atomic.Bool
	refuse.Store(true)
	s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
		if refuse.Load() {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "<Error><Code>InternalError</Code></Error>", http.StatusInternalServerError)
			return true
		}
		return false
	})
	const size = 1000
	o := &observed{sent: map[string]int64{}}
	u := New(Config{Observer: o})
	src, _ := opened(t, random(size))
	progress := int64(0)
	job := Job{
		Source: src, Folder: "in", Parts: []Part{{Number: 1, Size: size, URL: secret.URL(s.URL + "/a")}},
		Done: func(context.Context, Done) error { return nil }, Progress: func(n int64) { progress += n },
	}
	if err := u.Upload(t.Context(), job); err == nil {
		t.Fatal("it was refused, and there is no error")
	}
	if o.sent["in"] != size || o.stored != 0 || progress != 0 {
		t.Errorf("refused: %d bytes sent, %d parts stored, %d bytes on", o.sent["in"], o.stored, progress)
	}
	refuse.Store(false)
	if err := u.Upload(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if o.sent["in"] != 2*size || o.stored != 1 || progress != size {
		t.Errorf("taken: %d bytes sent, %d parts stored, %d bytes on", o.sent["in"], o.stored, progress)
	}
}

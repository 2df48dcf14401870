package tenovos

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestObserve has an observer told of each request on the wire: of the login, of the one
// that a refused session cost, and of one that takes too long.
func TestObserve(t *testing.T) {
	f := newFake(t)
	f.reply("GET /user", 200, userReply)
	var mu sync.Mutex
	var told []string
	var last error
	c := f.client(func(cfg *Config) {
		cfg.CallTimeout = 200 * time.Millisecond
		cfg.Observe = func(operation string, err error, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf("%s %t", operation, err == nil))
			if last = err; took < 0 {
				t.Errorf("%s took %v", operation, took)
			}
		}
	})
	want := func(what string, requests ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(told, requests) {
			t.Errorf("%s: told of %q, want %q", what, told, requests)
		}
		told = nil
	}
	if _, err := c.CurrentUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("the first call", "log in true", "get current user true")
	f.sleep(2 * time.Hour)
	if _, err := c.CurrentUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("the session had ended", "refresh the session true", "get current user true")

	over := make(chan struct{})
	defer close(over)
	f.mu.Lock()
	f.routes["GET /user"] = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}
	f.mu.Unlock()
	if _, err := c.CurrentUser(t.Context()); !errors.Is(err, ErrTimeout) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a call without an answer ended with %v", err)
	}
	if want("no answer", "get current user false"); !errors.Is(last, ErrTimeout) {
		t.Errorf("the observer was told %v", last)
	}
}

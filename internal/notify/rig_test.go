package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/follow"
)

// outbox is a feed that remembers places, and how much of it was held at once.
type outbox struct {
	mu     sync.Mutex
	events []follow.Event
	places map[string]int64
	told   map[chan<- struct{}]bool
	most   int // events that were read at once
	noted  int // times that a place was noted
}

func newOutbox() *outbox {
	return &outbox{places: map[string]int64{}, told: map[chan<- struct{}]bool{}}
}

func (o *outbox) add(events ...follow.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		e.ID = int64(len(o.events) + 1)
		o.events = append(o.events, e)
	}
	for c := range o.told {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (o *outbox) After(ctx context.Context, id int64, limit int) ([]follow.Event, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	rest := o.events[id:]
	rest = rest[:min(limit, len(rest))]
	o.most = max(o.most, len(rest))
	return slices.Clone(rest), nil
}

func (o *outbox) Cursor(_ context.Context, name string) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, known := o.places[name]
	if !known {
		id = int64(len(o.events))
		o.places[name] = id
	}
	return id, nil
}

func (o *outbox) SetCursor(_ context.Context, name string, id int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id < o.places[name] {
		return fmt.Errorf("the place of %s goes back from %d to %d", name, o.places[name], id)
	}
	o.places[name], o.noted = id, o.noted+1
	return nil
}

func (o *outbox) notify(c chan<- struct{}) func() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told[c] = true
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.told, c)
	}
}

func (o *outbox) mostAtOnce() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.most
}

func (o *outbox) place(name string) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.places[name]
}

// running is a follower at work.
type running struct {
	end    chan struct{}
	cancel context.CancelFunc
	ended  chan error
}

// run starts a follower that brings the events of an outbox to a receiver.
func run(t *testing.T, o *outbox, r Receiver, log io.Writer, change ...func(*follow.Options)) *running {
	t.Helper()
	logger := zerolog.New(log)
	taker, err := New(r, Deps{Host: "here", Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	opt := follow.Options{
		Name: "r", Title: r.Title(), AtOnce: AtOnce(r), Notify: o.notify, Grace: 5 * time.Second, Keep: follow.ThreeDays,
		Now: time.Now, Log: logger, FirstTry: time.Millisecond,
	}
	for _, c := range change {
		c(&opt)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &running{end: make(chan struct{}), cancel: cancel, ended: make(chan error, 1)}
	go func() { f.ended <- follow.New(opt, o, o, taker).Run(ctx, f.end) }()
	t.Cleanup(cancel)
	return f
}

// stop ends a follower as the daemon does.
func (f *running) stop(t *testing.T) {
	t.Helper()
	close(f.end)
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
}

// kill ends a follower in the middle of what it does.
func (f *running) kill(t *testing.T) {
	t.Helper()
	f.cancel()
	if err := <-f.ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// hook is a receiver of webhooks over TCP, which may go away and come back.
type hook struct {
	t      *testing.T
	addr   string
	answer func(key string, n int) int // the status for an event that is offered for the n-th time
	server *http.Server

	mu      sync.Mutex
	offered map[string]int
	taken   []string // keys that were answered well, in order
	bodies  map[string]string
	signed  map[string]string
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{t: t, addr: "127.0.0.1:0", offered: map[string]int{}, bodies: map[string]string{}, signed: map[string]string{}}
	h.open()
	t.Cleanup(h.close)
	return h
}

func (h *hook) open() {
	h.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.addr = l.Addr().String()
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go h.server.Serve(l) //nolint:errcheck // it ends with close
}

func (h *hook) close() { _ = h.server.Close() }

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	key := r.Header.Get("X-Ingestd-Event")
	h.mu.Lock()
	h.offered[key]++
	n := h.offered[key]
	h.mu.Unlock()
	status := http.StatusOK
	if h.answer != nil {
		status = h.answer(key, n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if before, again := h.bodies[key]; again && before != string(body) {
		h.t.Errorf("event %s was first %q, then %q", key, before, body)
	}
	h.bodies[key], h.signed[key] = string(body), r.Header.Get("X-Ingestd-Signature")
	if status/100 == 2 {
		h.taken = append(h.taken, key)
	}
	if status/100 == 3 {
		w.Header().Set("Location", "http://"+h.addr+"/elsewhere")
	}
	w.WriteHeader(status)
}

func (h *hook) keys() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not seen within a minute: %s", what)
		}
	}
}

// failures are n events of files that failed.
func failures(from, n int) []follow.Event {
	out := make([]follow.Event, n)
	for i := range out {
		out[i] = follow.Event{
			Time: time.Now(), Folder: "in", Path: fmt.Sprintf("%d.jpg", from+i), Entry: int64(from + i),
			Status: Failed, Reason: "because", Hint: "do",
		}
	}
	return out
}

func keysOf(events []follow.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Key()
	}
	return out
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

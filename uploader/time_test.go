package uploader

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a network of in-memory connections without buffers, so that the time
// of a test can be the bubble's.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// inBubble uploads a file of size bytes in parts of partSize to a store that
// pauses for read after each 32 KiB, and for think before it answers. It returns
// how long that took.
func inBubble(t *testing.T, c Config, size int, partSize int64, read, think time.Duration) (took time.Duration, err error) {
	synctest.Test(t, func(t *testing.T) {
		network := pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		var handlers sync.WaitGroup
		server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handlers.Add(1)
			defer handlers.Done()
			for {
				if _, err := io.CopyN(io.Discard, r.Body, 32<<10); err != nil {
					break
				}
				time.Sleep(read)
			}
			time.Sleep(think)
			w.Header().Set("ETag", `"opaque"`)
		})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(network) }()

		transport := newTransport()
		transport.DialContext = network.dial
		c.HTTP = &http.Client{Transport: transport}
		src, _ := opened(t, random(size))
		parts := cut("http://store.example", src, partSize)
		start := time.Now()
		o := upload(t.Context(), t, New(c), Job{Source: src, Parts: parts})
		took, err = time.Since(start), o.err
		transport.CloseIdleConnections()
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		handlers.Wait()
	})
	return took, err
}

// A part that crawls, but moves, is no stall however long it takes.
func TestSlowIsNoStall(t *testing.T) {
	took, err := inBubble(t, Config{}, 1<<20, 1<<20, 29*time.Second, time.Second)
	if err != nil || took < 15*time.Minute {
		t.Errorf("got %v after %v", err, took)
	}
}

func TestStallTimes(t *testing.T) {
	for _, tc := range []struct {
		name        string
		read, think time.Duration
		want        time.Duration // until the stall is noticed
	}{
		{"between reads", 31 * time.Second, 0, 30 * time.Second},
		{"before the answer", 0, 61 * time.Second, 60 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			took, err := inBubble(t, Config{}, 1<<20, 1<<20, tc.read, tc.think)
			if !errors.Is(err, ErrStalled) || took != tc.want {
				t.Errorf("got %v after %v, want ErrStalled after %v", err, took, tc.want)
			}
		})
	}
}

// The limit holds over parts in flight together, and to wait for it is no stall.
func TestBandwidth(t *testing.T) {
	for _, tc := range []struct {
		size      int
		bandwidth int64
		want      time.Duration
	}{
		{4_000_000, 1_000_000, 4 * time.Second},
		{400_000, 10_000, 40 * time.Second},
		{400, 3, 400 * time.Second / 3},
	} {
		c := Config{Bandwidth: Steady(tc.bandwidth), StallAfter: 100 * time.Millisecond}
		took, err := inBubble(t, c, tc.size, int64(tc.size/4), 0, 0)
		if err != nil || took < tc.want*19/20 || took > tc.want*21/20 {
			t.Errorf("%d bytes at %d a second: %v after %v, want %v", tc.size, tc.bandwidth, err, took, tc.want)
		}
	}
}

// The limit changes in the middle of a part, and goes and comes; a clock that is set is
// noticed.
func TestBandwidthChangesInAPart(t *testing.T) {
	const second = time.Second
	type step struct {
		until time.Duration // since the start, on the clock; the last one holds for ever
		rate  int64
	}
	for _, tc := range []struct {
		name  string
		steps []step
		set   time.Duration // how far the clock is set after two seconds
		want  time.Duration // 4,000,000 bytes in one part take
	}{
		{"slower", []step{{2 * second, 1_000_000}, {0, 250_000}}, 0, 10 * second},
		{"faster", []step{{8 * second, 250_000}, {0, 1_000_000}}, 0, 10 * second},
		{"off", []step{{4 * second, 250_000}, {0, 0}}, 0, 4 * second},
		{"small between", []step{{second, 1_000_000}, {61 * second, 10}, {0, 3_000_000}}, 0, 62 * second},
		{"from small", []step{{10 * second, 10}, {0, 1_000_000}}, 0, 14 * second},
		{"thrice", []step{{2 * second, 1_000_000}, {6 * second, 100_000}, {0, 1_600_000}}, 0, 7 * second},
		{"set forward", []step{{time.Hour, 250_000}, {0, 1_000_000}}, time.Hour, 5500 * time.Millisecond},
		{"set back", []step{{-time.Minute, 1_750_000}, {time.Hour, 250_000}, {0, 1}}, -time.Hour, 4 * second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var start time.Time
			clock := func() time.Time {
				now := time.Now()
				if start.IsZero() {
					start = now
				}
				if now.Sub(start) >= 2*second {
					now = now.Add(tc.set)
				}
				return now
			}
			at := func(now time.Time) (int64, time.Time) {
				for _, s := range tc.steps[:len(tc.steps)-1] {
					if until := start.Add(s.until).Round(0); now.Before(until) {
						return s.rate, until
					}
				}
				return tc.steps[len(tc.steps)-1].rate, start.Add(1000 * time.Hour)
			}
			c := Config{Bandwidth: at, Clock: clock, StallAfter: 100 * time.Millisecond}
			took, err := inBubble(t, c, 4_000_000, 4_000_000, 0, 0)
			if err != nil || took < tc.want*19/20 || took > tc.want*21/20 {
				t.Errorf("it took %v (%v), want %v", took, err, tc.want)
			}
		})
	}
}

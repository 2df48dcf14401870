package uploader

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"
	"time"
)

// maxRead is the most that one Read of a body takes from the file; net/http asks
// for no more.
const maxRead = 32 << 10

// watchdog cancels a part that stands still. It is kicked by every read of the
// body, for net/http reads on only when the socket has taken what it read before.
type watchdog struct {
	after time.Duration
	timer *time.Timer
}

func newWatchdog(after time.Duration, cancel context.CancelCauseFunc) *watchdog {
	return &watchdog{after: after, timer: time.AfterFunc(after, func() { cancel(ErrStalled) })}
}

func (w *watchdog) kick() { w.timer.Reset(w.after) }

// await allows for the answer: what is left in the buffers on the way, and the
// store putting the part on its disks.
func (w *watchdog) await() { w.timer.Reset(2 * w.after) }

// stop holds still until the next kick.
func (w *watchdog) stop() { w.timer.Stop() }

// body reads one part of a source: it hashes, counts, limits the rate and kicks
// the watchdog. It caps a file that grows and fails for one that shrinks.
//
// net/http may go on reading a body after Do has returned, when the store answers
// early. So its reader and its owner may be two goroutines, and end draws the
// line: what is read later is neither counted nor hashed.
type body struct {
	src      *Source
	part     Part
	wait     func(n int) (int, error) // for leave to send some of n bytes
	watch    *watchdog
	progress func(delta int64)
	begun    func() // before the first byte is read; nil: nobody wants to know

	mu    sync.Mutex
	sent  int64 // bytes read, hashed and given to net/http
	md5   hash.Hash
	whole hash.Hash // SHA-256, nil unless the part is the whole file
	err   error     // why the source could not be read
	ended bool
}

// newBody returns the body of a request that ctx ends.
func newBody(ctx context.Context, src *Source, part Part, limit *throttle, watch *watchdog, progress func(int64)) *body {
	b := &body{src: src, part: part, watch: watch, progress: progress, md5: md5.New()}
	b.wait = func(n int) (int, error) {
		limiter := limit.now()
		if limiter == nil {
			return n, nil
		}
		watch.stop() // to wait for our own limit is no stall
		defer watch.kick()
		n = min(n, limiter.Burst())
		return n, limiter.WaitN(ctx, n)
	}
	if part.Offset == 0 && part.Size == src.hint.Size {
		b.whole = sha256.New()
	}
	return b
}

var (
	errBodyEnded = errors.New("the request is over")
	errBodyTwice = errors.New("the connection broke after the first bytes of the part were sent")
)

// Read implements io.Reader for net/http.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	sent, ended := b.sent, b.ended
	b.mu.Unlock()
	if sent == 0 && !ended && b.begun != nil {
		b.begun()
	}
	left := b.part.Size - sent
	switch {
	case ended:
		return 0, errBodyEnded
	case left == 0:
		return 0, io.EOF
	}
	n, err := b.wait(int(min(int64(len(p)), maxRead, left)))
	if err != nil {
		return 0, err
	}
	// Not under the lock: a share may hang.
	n, err = b.src.read(p[:n], b.part.Offset+sent)

	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ended:
		return 0, errBodyEnded
	case err != nil:
		b.err = err
		return 0, err
	}
	b.md5.Write(p[:n])
	if b.whole != nil {
		b.whole.Write(p[:n])
	}
	b.sent += int64(n)
	b.progress(int64(n))
	if b.sent == b.part.Size {
		b.watch.await()
	} else {
		b.watch.kick()
	}
	return n, nil
}

// Close does nothing: the body may be needed again, see again.
func (b *body) Close() error { return nil }

// again lets net/http send the request on another connection, as long as nothing
// of the part has been read. Later than that put decides.
func (b *body) again() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent > 0 {
		return nil, errBodyTwice
	}
	return b, nil
}

// end stops all reading. It returns how many bytes were sent and why the source
// could not be read, if that was so.
func (b *body) end() (sent int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	return b.sent, b.err
}

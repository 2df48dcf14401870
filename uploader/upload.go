package uploader

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config sets up an Uploader. The zero value is usable.
type Config struct {
	Parts        int              // parts in flight for one file; default 4
	Bandwidth    Bandwidth        // over all uploads together; nil is no limit
	StallAfter   time.Duration    // how long a part may stand still, and half of how long its answer may take; default 30s
	ExpiryMargin time.Duration    // a URL with less life than this, or than a tenth of its own, is not used any more; default 30s
	API          string           // base URL of the API that hands the URLs out, see ErrForeignHost; "" trusts all of them
	HTTP         *http.Client     // its transport is used; default: one of our own for content stores
	Clock        func() time.Time // default time.Now
	// Ahead is how far the clock is ahead of the one by which URLs are signed, as far as
	// is known; default: they agree.
	Ahead func() time.Duration
	// Observer is told what is sent; nil: nobody is.
	Observer Observer
}

// Observer is told what leaves for the content store. Its methods are called from several
// goroutines at once and must not block.
type Observer interface {
	// Sent tells that bytes of a file of a folder left, those that have to be sent once
	// more included.
	Sent(folder string, bytes int64)
	// Stored tells how long a part took that is stored, from its first request to the answer
	// of its last.
	Stored(took time.Duration)
}

// nobody is an Observer of nothing.
type nobody struct{}

func (nobody) Sent(string, int64)   {}
func (nobody) Stored(time.Duration) {}

// Uploader sends files to a content store. It may be used concurrently; all
// uploads share its connections and its bandwidth.
type Uploader struct {
	parts  int
	limit  *throttle
	stall  time.Duration
	margin time.Duration
	http   http.RoundTripper
	now    func() time.Time
	expect expectations
	handed *handOuts
	ahead  func() time.Duration
	seen   Observer
}

// New returns an Uploader.
func New(c Config) *Uploader {
	u := &Uploader{parts: c.Parts, stall: c.StallAfter, margin: c.ExpiryMargin, now: c.Clock, ahead: c.Ahead, handed: newHandOuts(c.API), seen: c.Observer}
	if u.parts < 1 {
		u.parts = 4
	}
	if u.stall <= 0 {
		u.stall = 30 * time.Second
	}
	if u.margin <= 0 {
		u.margin = 30 * time.Second
	}
	if c.HTTP != nil && c.HTTP.Transport != nil {
		u.http = c.HTTP.Transport
	} else {
		transport := newTransport()
		if c.API != "" {
			u.handed.watch(transport)
		}
		u.http = transport
	}
	if u.now == nil {
		u.now = time.Now
	}
	if u.ahead == nil {
		u.ahead = func() time.Duration { return 0 }
	}
	if u.seen == nil {
		u.seen = nobody{}
	}
	u.limit = newThrottle(c.Bandwidth, u.now)
	return u
}

// Done is a part that the store has confirmed.
type Done struct {
	Number     int
	ETag       string // as the store sent it, quotes included, but see StrongETag
	MD5        []byte // of the bytes sent
	SHA256     []byte // of the bytes sent, if the part is the whole file; else nil
	Comparable bool   // ETag is an MD5, and it equals ours; false says nothing either way

	// Contradicts, with Job.AnyETag: ETag looks like an MD5, and is not that of the bytes
	// sent. The store may hold others, or give ETags that are no MD5s without saying so.
	Contradicts bool
}

// Job is one file to send, or what is left of it.
type Job struct {
	Source *Source
	Folder string // whose file it is, for Config.Observer
	Parts  []Part // those that are not stored yet

	// Done is called once for each stored part, one call at a time, before
	// Upload returns. Its context outlives Upload's, for a stored part is a fact
	// that must be recorded even during a shutdown. An error ends the upload.
	Done func(context.Context, Done) error

	// Progress, if not nil, is called with the bytes that a part moved on by,
	// negative when a part failed and its bytes do not count. It is called from
	// several goroutines at once and must not block. The sum is exact when
	// Upload returns; meanwhile it runs ahead of the wire by what the
	// connections buffer.
	Progress func(delta int64)

	// AnyETag takes a part for stored whose ETag looks like another MD5 than that of the
	// bytes sent, see Done.Contradicts; else that is ErrChecksum.
	AnyETag bool

	// Stop, when closed, drains: no further part is started, those on their way
	// finish. Nil never stops.
	Stop <-chan struct{}
}

// Upload sends the job's parts, at most Config.Parts at once. It returns nil when
// each is stored, reported, and the source is still what it was, as Source.Check
// judges.
//
// A part is a PUT with Content-Length, of the bare URL and no header but, where it is
// large, Expect: 100-continue, so that a refusal arrives before the bytes leave. Hosts
// that refuse the question (417) or do not answer it are not asked again. If the store
// does not accept the signature and the signature covers x-amz-meta-objectid, the part
// is sent once more with that header.
//
// The first error cancels the other parts; those stored by then are reported.
// ErrSourceChanged and ErrSourceGone prevail over what else went wrong, and are
// looked for before each part and after the last. When ctx ends, everything
// is cut off at once and the error wraps its cause.
func (u *Uploader) Upload(ctx context.Context, job Job) error {
	progress := job.Progress
	job.Progress = func(delta int64) {
		if delta > 0 {
			u.seen.Sent(job.Folder, delta)
		}
		if progress != nil {
			progress(delta)
		}
	}
	if err := job.Source.Check(); err != nil {
		return err
	}
	for _, part := range job.Parts { // before the first byte leaves
		if err := u.handed.check(ctx, part.URL); err != nil {
			return err
		}
	}
	var (
		mu     sync.Mutex // serialises Done
		stored int
	)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(u.parts)
	for _, part := range job.Parts {
		group.Go(func() error {
			select {
			case <-job.Stop:
				return nil
			case <-inner.Done():
				return nil
			default:
			}
			if err := job.Source.Check(); err != nil {
				return err
			}
			began := u.now()
			done, err := u.put(inner, job, part)
			if err != nil {
				return err
			}
			u.seen.Stored(u.now().Sub(began))
			mu.Lock()
			defer mu.Unlock()
			if err := job.Done(context.WithoutCancel(ctx), done); err != nil {
				return fmt.Errorf("part %d: record that it is stored: %w", part.Number, err)
			}
			stored++
			return nil
		})
	}
	err := group.Wait()
	switch {
	case err == nil && stored == len(job.Parts):
		return job.Source.Check()
	case ctx.Err() != nil:
		return fmt.Errorf("upload of %q was cut off: %w", job.Source.name, context.Cause(ctx))
	case err == nil:
		return ErrStopped
	}
	if changed := job.Source.Check(); changed != nil {
		return changed
	}
	return err
}

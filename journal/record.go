package journal

import (
	"context"
	"time"
)

const (
	// RecordWait is how long a busy host, or its disk, may take to store a fact. Nothing
	// goes on meanwhile; a journal that needs longer is broken.
	RecordWait = time.Minute
	// recordGrace is what is left of that when ctx ends: the process is to end, too.
	recordGrace = 10 * time.Second
)

// Recording returns a context for storing a fact: it survives the end of ctx, because
// what has happened must be known to the next process, but not for long.
func Recording(ctx context.Context) (context.Context, context.CancelFunc) {
	rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), RecordWait)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-rctx.Done():
		case <-time.After(recordGrace):
			cancel()
		}
	})
	return rctx, func() { stop(); cancel() }
}

package hands

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
)

// abandonAfter is how long the workers may take to notice the end. A system call
// on a share that hangs cannot be interrupted; it must not keep the program from
// stopping. What the worker was about stands in the journal, as after a crash.
const abandonAfter = 5 * time.Second

// Await returns when the group of those who have entries in hand has ended, or abandonAfter
// after ctx, which is the group's, has.
func (h *Hands) Await(ctx context.Context, g *errgroup.Group, log zerolog.Logger) error {
	ended := make(chan error, 1)
	go func() { ended <- g.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(abandonAfter)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		h.logAbandoned(log)
		return context.Cause(ctx)
	}
}

// logAbandoned names the files that are still being worked on.
func (h *Hands) logAbandoned(log zerolog.Logger) {
	none := true
	for id, f := range h.Each {
		none = false
		log.Warn().Str("folder", f.Folder).Str("path", f.Path).Int64("id", id).
			Msg("the file's folder does not answer: stopping without it, the next start goes on with it")
	}
	if none {
		log.Warn().Msg("a folder that a request or clean-up is about does not answer: stopping without it")
	}
}

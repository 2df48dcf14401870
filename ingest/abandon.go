package ingest

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// abandonAfter is how long the workers may take to notice the end. A system call
// on a share that hangs cannot be interrupted; it must not keep the program from
// stopping. What the worker was about stands in the journal, as after a crash.
const abandonAfter = 5 * time.Second

// await returns when the group has ended, or abandonAfter after ctx, which is the
// group's, has.
func (p *Pipeline) await(ctx context.Context, g *errgroup.Group) error {
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
		p.logAbandoned()
		return context.Cause(ctx)
	}
}

// logAbandoned names the files that are still being worked on.
func (p *Pipeline) logAbandoned() {
	none := true
	for id, f := range p.hands.Each {
		none = false
		p.log.Warn().Str("folder", f.Folder).Str("path", f.Path).Int64("id", id).
			Msg("the file's folder does not answer: stopping without it, the next start goes on with it")
	}
	if none {
		p.log.Warn().Msg("a folder that a request or clean-up is about does not answer: stopping without it")
	}
}

// unlessCanceled is an error that is not that the run was to end.
func unlessCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

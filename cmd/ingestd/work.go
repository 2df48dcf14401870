package main

import (
	"context"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
)

// work runs the pipeline, and keeps the names fresh while it does. What the rules
// held back before is released where they, or the names, have changed since.
func (e *engine) work(ctx context.Context, drain, source <-chan struct{}, log zerolog.Logger) error {
	release := func(ctx context.Context) error { return e.release(ctx, log) }
	if err := release(ctx); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	keeping, enough := untilDrain(gctx, drain)
	g.Go(func() error { return e.rules.Keep(keeping, log, release) })
	g.Go(func() error {
		defer enough()
		return e.pipeline.Run(gctx, drain, source)
	})
	return g.Wait()
}

// release sends round again what the rules held back before they, or the names of
// the account, became what they are.
func (e *engine) release(ctx context.Context, log zerolog.Logger) error {
	for name := range e.walked {
		n, err := e.pipeline.Release(ctx, name, e.rules.Sum(name))
		if err != nil {
			return err
		}
		if n > 0 {
			log.Info().Str("folder", name).Int("files", n).Msg("the rules or the account's names have changed: files that they held back go round again")
		}
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/metrics"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Waits between the tries to reach the API at the start.
const (
	firstConnectWait = time.Second
	lastConnectWait  = 30 * time.Second
)

// connectPatiently is connect for the daemon and the backfill: an API that does
// not answer is waited for, and said so once; a refusal is final. told is called with
// the reason after each try that did not reach it.
func connectPatiently(ctx context.Context, cfg *config.Config, m *metrics.Metrics, log zerolog.Logger, told func(why error)) (*account, error) {
	said := false
	for wait := firstConnectWait; ; wait = min(2*wait, lastConnectWait) {
		a, err := connect(ctx, cfg, m)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !isOutage(err) {
			if said && err == nil {
				log.Info().Msg("Tenovos answers: starting")
			}
			return a, err
		}
		if !said {
			log.Warn().AnErr("reason", err).Msg("Tenovos does not answer: waiting for it before anything else")
			said = true
		}
		told(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// answerAfter is how long a first try may take before requests are answered by what
// does not need Tenovos: a login is slow, and then all of them can be carried out.
const answerAfter = 5 * time.Second

// connectAnswering is connectPatiently for the owner of a journal: requests are answered
// meanwhile, and `status` tells what is waited for. told is called with each new reason.
func connectAnswering(ctx context.Context, cfg *config.Config, folders []config.Folder, j *journal.Journal, reloads chan<- int64, m *metrics.Metrics, log zerolog.Logger, told func(why string)) (acct *account, err error) {
	var w *ingest.Waiting
	w = ingest.NewWaiting(pipelineConfig(cfg, folders, nil), ingest.Deps{Journal: j, Log: log, Handlers: map[string]desk.Handler{
		requestReload: handOver(reloads),
		requestPrune:  handlePrune(cfg, j, reloads == nil),
		requestBackfill: func(context.Context, journal.Request) (any, error) {
			return nil, fmt.Errorf("what the folders hold is ingested without this command as soon as Tenovos answers, which is waited for: %s", w.Why())
		},
	}})
	states := newFolderStates(folders, j, log)
	failed := make(chan struct{})
	first := sync.OnceFunc(func() { close(failed) })
	g, gctx := errgroup.WithContext(ctx)
	connecting, connected := context.WithCancel(gctx)
	g.Go(func() (err error) {
		defer connected()
		acct, err = connectPatiently(gctx, cfg, m, log, func(cause error) {
			if why := secret.Sentence(cause); why != w.Why() {
				w.Because(why)
				states.pause(journal.PausedByTenovos, "Tenovos is waited for since the start: "+why)
				told(why)
			}
			first()
		})
		return err
	})
	g.Go(func() error {
		select {
		case <-failed:
		case <-time.After(answerAfter):
		case <-connecting.Done():
			return nil
		}
		if err := w.Serve(connecting); !isEnd(err) {
			return err
		}
		return nil
	})
	err = states.during(g.Wait)
	select {
	case <-failed:
		states.pause("", "") // a backfill does not record the folders anew
		states.record()
	default:
	}
	return acct, err
}

// handOver passes requests to reload to a service, which outlives what answers the
// others; nil is that there is none.
func handOver(reloads chan<- int64) desk.Handler {
	return func(ctx context.Context, r journal.Request) (any, error) {
		if reloads == nil {
			return nil, errors.New("a backfill owns the journal: it goes by the configuration that it began with")
		}
		select {
		case reloads <- r.ID:
			return nil, desk.ErrLater
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// oneLine is a reason for a status line.
func oneLine(why string) string { return display.Text(strings.ReplaceAll(why, "\n", " ")) }

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/metrics"
	"github.com/tenovos-ingest/ingestd/internal/rules"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// account is a Tenovos login together with the rules resolved against it.
type account struct {
	client *tenovos.Client
	rules  *rules.Set // nil for what needs none, see unruled
}

// unruled is an account of which nothing was asked yet.
func unruled(cfg *config.Config) (*account, error) {
	client, err := newClient(cfg, nil)
	return &account{client: client}, err
}

// connect logs in, reads what the account has and resolves every rule. Mistakes
// are all in one *config.Invalid. m may be nil.
func connect(ctx context.Context, cfg *config.Config, m *metrics.Metrics) (*account, error) {
	client, err := newClient(cfg, m)
	if err != nil {
		return nil, err
	}
	if err := client.Ready(ctx); err != nil {
		return nil, final(err)
	}
	set := rules.New(cfg, func(ctx context.Context) (mapping.Account, error) { return rules.ReadAccount(ctx, client, cfg) }, collectEarlier)
	if err := set.Refresh(ctx); err != nil {
		return nil, final(err)
	}
	return &account{client: client, rules: set}, nil
}

// collectEarlier lets the garbage that may pile up not grow with the manifests, which
// are large, last long, and cost a collection next to nothing: else the process would
// take their size twice. An operator's GOGC stands.
func collectEarlier(tables int64) {
	const rest = 32 << 20 // about what everything else takes
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(int(100 * (rest + tables/8) / (rest + tables)))
	}
}

// isOutage reports trouble that passes, or that is mended elsewhere.
func isOutage(err error) bool {
	return !errors.Is(err, tenovos.ErrCredentials) &&
		(errors.Is(err, tenovos.ErrUnavailable) || errors.Is(err, tenovos.ErrIntermediary) || errors.Is(err, tenovos.ErrThrottled) || errors.Is(err, tenovos.ErrAmbiguous))
}

// final marks an error in which Tenovos refuses the account or what it asks for at the
// start: the next start would only log in once more, to be refused again.
func final(err error) error {
	if _, answered := errors.AsType[*tenovos.Error](err); !answered || isOutage(err) || errors.Is(err, tenovos.ErrCredentials) {
		return err
	}
	return fmt.Errorf("%w: %w", err, errUnusable)
}

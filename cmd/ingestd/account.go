package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// account is a Tenovos login together with the rules resolved against it.
type account struct {
	client     *tenovos.Client
	names      *names
	collectors map[string]*facts.Collector // by folder name
}

// connect logs in, reads what the account has and resolves every rule. Mistakes
// are all in one *config.Invalid.
func connect(ctx context.Context, cfg *config.Config) (*account, error) {
	client, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	if err := client.Ready(ctx); err != nil {
		return nil, err
	}
	n := newNames(cfg, func(ctx context.Context) (mapping.Account, error) { return readAccount(ctx, client, cfg) })
	if err := n.refresh(ctx); err != nil {
		return nil, err
	}
	a := &account{client: client, names: n, collectors: make(map[string]*facts.Collector, len(cfg.Folders))}
	for _, f := range cfg.Folders {
		a.collectors[f.Name] = newCollector(f)
	}
	return a, nil
}

// readAccount asks for the names that the rules use.
func readAccount(ctx context.Context, c *tenovos.Client, cfg *config.Config) (mapping.Account, error) {
	acct := mapping.Account{Vocabularies: make(map[string]tenovos.Vocabulary)}
	var err error
	if acct.Templates, err = c.Templates(ctx); err != nil {
		return acct, fmt.Errorf("read the metadata templates: %w", err)
	}
	if acct.Security, err = c.SecurityTemplates(ctx); err != nil {
		return acct, fmt.Errorf("read the security templates: %w", err)
	}
	rules := make([]mapping.Rules, len(cfg.Folders))
	for i, f := range cfg.Folders {
		rules[i] = f.Rules
	}
	if mapping.NamesVocabulary(rules) {
		all, err := c.Vocabularies(ctx)
		if err != nil {
			return acct, fmt.Errorf("read the vocabularies: %w", err)
		}
		for _, v := range all {
			acct.Vocabularies[v.ID] = v
		}
	}
	for _, id := range mapping.VocabularyIDs(rules, acct) {
		if len(acct.Vocabularies[id].Values) > 0 {
			continue
		}
		v, err := c.Vocabulary(ctx, id)
		if errors.Is(err, tenovos.ErrNotFound) {
			continue // Resolve says which attribute misses it
		}
		if err != nil {
			return acct, fmt.Errorf("read the vocabulary %s: %w", id, err)
		}
		acct.Vocabularies[id] = v
	}
	return acct, nil
}

// Waits between the tries to reach the API at the start.
const (
	firstConnectWait = time.Second
	lastConnectWait  = 30 * time.Second
)

// connectPatiently is connect for the daemon and the backfill: an API that does
// not answer is waited for, and said so once; a refusal is final.
func connectPatiently(ctx context.Context, cfg *config.Config, log zerolog.Logger) (*account, error) {
	said := false
	for wait := firstConnectWait; ; wait = min(2*wait, lastConnectWait) {
		a, err := connect(ctx, cfg)
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
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func isOutage(err error) bool {
	return !errors.Is(err, tenovos.ErrCredentials) &&
		(errors.Is(err, tenovos.ErrUnavailable) || errors.Is(err, tenovos.ErrIntermediary) || errors.Is(err, tenovos.ErrThrottled) || errors.Is(err, tenovos.ErrAmbiguous))
}

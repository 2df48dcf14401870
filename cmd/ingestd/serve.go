package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/journal"
)

// requester has requests about entries carried out: by the daemon that owns the journal,
// or in this process where there is none.
type requester struct {
	cmd    *cobra.Command
	cfg    *config.Config
	reader *journal.Reader
	// connect reaches as much of Tenovos as the request needs. It is called only where there
	// is no daemon.
	connect func(context.Context) (*account, error)
}

// answer returns the answer to a request.
func (r requester) answer(ctx context.Context, kind string, s desk.Selection) (json.RawMessage, error) {
	owned, err := journal.Owned(r.cfg.Journal)
	switch {
	case err != nil:
		return nil, err
	case owned:
		return askerOf(r.cmd, r.cfg.Journal, r.reader).ask(ctx, kind, s)
	}
	return r.serve(ctx, kind, s)
}

// serve carries out a request in this process, with a pipeline that nothing is found for.
func (r requester) serve(ctx context.Context, kind string, s desk.Selection) (_ json.RawMessage, err error) {
	acct, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	log := newLogger(r.cfg, r.cmd.ErrOrStderr())
	j, err := openJournal(ctx, r.cfg, false, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = closeWith(j.Close, err) }()
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	id, err := journal.Ask(ctx, r.cfg.Journal, kind, raw)
	if err != nil {
		return nil, err
	}
	hold := make(claims)
	defer hold.release()
	pc := pipelineConfig(r.cfg, r.cfg.Folders, acct.rules)
	for i, claim := range hold.of(r.cfg.Folders) {
		pc.Folders[i].Claim = claim
	}
	if err := ingest.New(pc, pipelineDeps(r.cfg, acct, j, nil, log)).Desk().ServeOne(ctx, id); err != nil {
		return nil, err
	}
	answer, text, _, err := journal.AnswersOf(r.reader).To(ctx, id)
	if err == nil && text != "" {
		err = errors.New(text)
	}
	return answer, err
}

package main

import (
	"context"
	"io"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dashboard"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/history"
	"github.com/tenovos-ingest/ingestd/journal"
)

// active lists what the engine works on, if there is one at work.
func (s *setup) active() []dashboard.Active {
	e := s.engine.Load()
	if e == nil {
		return nil
	}
	var out []dashboard.Active
	for _, a := range e.pipeline.Active() {
		out = append(out, dashboard.Active{ID: a.ID, Folder: a.Folder, Path: a.Path, Size: a.Size, Sent: a.Sent})
	}
	return out
}

// asks has what the page's buttons ask for carried out as the commands do: it leaves a
// request in the journal, which whoever is at work there answers, also while Tenovos is
// waited for.
func (v *serving) asks(cfg *config.Config) func(context.Context, dashboard.Action) ([]dashboard.Outcome, error) {
	a := asker{path: cfg.Journal, reader: v.lists, within: defaultTimeout, err: io.Discard}
	return func(ctx context.Context, wanted dashboard.Action) ([]dashboard.Outcome, error) {
		answer, err := a.ask(ctx, wanted.Kind, selectionOf(wanted))
		if err != nil {
			return nil, err
		}
		became, err := outcomes(answer)
		out := make([]dashboard.Outcome, len(became))
		for i, o := range became {
			out[i] = dashboard.Outcome{ID: o.ID, Path: o.Path, Result: o.Result, Detail: o.Detail, Good: o.Good()}
		}
		return out, err
	}
}

// selectionOf is what a button is about. Its kind is that of the request.
func selectionOf(a dashboard.Action) desk.Selection {
	if a.ID != 0 {
		return desk.Selection{IDs: []int64{a.ID}}
	}
	return desk.Selection{Folders: []string{a.Folder}, Statuses: []journal.Status{journal.Status(a.Status)}, Class: a.Class, Alike: a.Form}
}

// history is what happened to a file, as `ingestd history` tells it.
func (v *serving) history(ctx context.Context, id int64) ([]dashboard.Happening, error) {
	events, err := history.Of(ctx, v.lists, id)
	out := make([]dashboard.Happening, len(events))
	for i, e := range events {
		out[i] = dashboard.Happening{At: e.Time, Text: e.Text, Reason: e.Reason, Hint: e.Hint, Count: e.Count, Last: e.Last}
	}
	return out, err
}

package edits

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// A bulk edit must name the metadata template of its assets, and gives it to them
// when it is carried out. So that it puts back no template that somebody changed in
// Tenovos, each asset is looked at right before: one that has another template by now
// is edited by itself, where no template is named. Tenovos carries a bulk edit out
// later, by itself. A change that is seen until then is repeated afterwards; one that
// comes and is undone between two looks of ingestd, or while it does not run, is lost.

// templates looks after the templates of assets in bulk edits.
type templates struct {
	api interface {
		Asset(ctx context.Context, id string) (tenovos.Asset, error)
		BulkEdit(ctx context.Context, e tenovos.BulkEdit) (tenovos.Job, error)
	}
	log zerolog.Logger

	mu      sync.Mutex
	changed map[int64]string // by entry: the template that its asset got while a bulk edit was under way
}

func newTemplates(api API, log zerolog.Logger) *templates {
	return &templates{api: api, log: log, changed: make(map[int64]string)}
}

// target is an edit with the entry whose asset it changes.
type target struct {
	edit  journal.Edit
	entry journal.Entry
}

// split looks at the assets of edits and tells those that have a template, and so can
// be in a bulk edit, from all others. The error is everyone's trouble.
func (t *templates) split(ctx context.Context, targets []target, template string) (same []target, others []journal.Edit, err error) {
	fits := make([]bool, len(targets))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * atOnce)
	for i, x := range targets {
		g.Go(func() error {
			a, err := t.api.Asset(gctx, x.entry.FileID)
			fits[i] = err == nil && a.TemplateID == template && !a.Deleted()
			if outage.Everybodys(err) || gctx.Err() != nil {
				return fmt.Errorf("look at asset %s before a bulk edit: %w", x.entry.ObjectID, err)
			}
			return nil // its own edit meets the same error, and answers it
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for i, x := range targets {
		if fits[i] {
			same = append(same, x)
		} else {
			others = append(others, x.edit)
		}
	}
	return same, others, nil
}

// see notes that an asset has another template than the bulk edit names that is
// under way for it.
func (t *templates) see(e journal.Entry, a tenovos.Asset, ours string) {
	if a.TemplateID == "" || a.TemplateID == ours {
		return
	}
	t.mu.Lock()
	known := t.changed[e.ID]
	t.changed[e.ID] = a.TemplateID
	t.mu.Unlock()
	if known != a.TemplateID {
		t.log.Warn().Str("folder", e.Folder).Str("path", e.Path).Str("object_id", e.ObjectID).Str("template", a.TemplateID).
			Msg("the template of an asset was changed in Tenovos while a bulk edit was under way: it is set again if the bulk edit puts the old one back")
	}
}

// keep gives an asset in which a bulk edit is seen the template again that it had got
// meanwhile. Its error leaves that for another time.
func (t *templates) keep(ctx context.Context, e journal.Entry, a tenovos.Asset, ours string) error {
	t.mu.Lock()
	template := t.changed[e.ID]
	t.mu.Unlock()
	if template != "" && a.TemplateID == ours {
		// A bulk edit needs something to change, and the security stays as it is by this.
		_, err := t.api.BulkEdit(ctx, tenovos.BulkEdit{TemplateID: template, ObjectIDs: []string{e.ObjectID}, SecurityIDs: a.SecurityIDs})
		switch {
		case errors.Is(err, tenovos.ErrRejected):
			t.log.Error().Str("object_id", e.ObjectID).Str("template", template).AnErr("reason", err).
				Str("hint", "Give the asset its template again in Tenovos.").Msg("a bulk edit put back a template that was changed in Tenovos meanwhile")
		case err != nil:
			return fmt.Errorf("give asset %s its template %s again: %w", e.ObjectID, template, err)
		default:
			t.log.Warn().Str("object_id", e.ObjectID).Str("template", template).Msg("a template that was changed in Tenovos meanwhile is set again")
		}
	}
	t.mu.Lock()
	delete(t.changed, e.ID)
	t.mu.Unlock()
	return nil
}

// blame explains why the edit of one asset was refused, where that is because it has
// another template by now.
func (t *templates) blame(ctx context.Context, e journal.Entry, ours string, refused error) (journal.Reason, bool) {
	if !errors.Is(refused, tenovos.ErrRejected) {
		return journal.Reason{}, false
	}
	a, err := t.api.Asset(ctx, e.FileID)
	if err != nil || a.TemplateID == "" || a.TemplateID == ours {
		return journal.Reason{}, false
	}
	return reasons.Of(reasons.ClassRejected, fmt.Errorf("its asset keeps the metadata that it has: its template was changed in Tenovos to %s, which does not take what the rules give: %w", a.TemplateID, refused),
		"Change the metadata by hand, or give the asset the template of its rule again and run `ingestd update`."), true
}

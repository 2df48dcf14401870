package rules

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// AccountAPI is the part of the API that tells what an account has.
type AccountAPI interface {
	Templates(ctx context.Context) ([]tenovos.Template, error)
	Template(ctx context.Context, id string) (tenovos.Template, error)
	Vocabularies(ctx context.Context) ([]tenovos.Vocabulary, error)
	Vocabulary(ctx context.Context, id string) (tenovos.Vocabulary, error)
	SecurityTemplates(ctx context.Context) ([]tenovos.SecurityTemplate, error)
	CurrentUser(ctx context.Context) (tenovos.User, error)
}

// accountReader asks for what the rules want to know of the account, and for no
// more: most accounts may list nothing. What it is refused for want of a right is
// noted in mapping.Account.Denied, and the reading goes on, so that every right that
// is missing is told at once.
type accountReader struct {
	api AccountAPI

	mu    sync.Mutex // of what single readings, which go side by side, have in common
	out   mapping.Account
	known bool // the account as a whole is not refused: a refusal is about a right
}

// readAtOnce bounds how many single things are read at the same time: each takes a
// second or more.
const readAtOnce = 4

// each reads single things side by side. get notes what it got with mu held.
func each(ctx context.Context, ids []string, get func(ctx context.Context, id string) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for _, id := range ids {
		g.Go(func() error { return get(gctx, id) })
	}
	return g.Wait()
}

// ReadAccount reads what the rules of all folders want to know.
func ReadAccount(ctx context.Context, api AccountAPI, cfg *config.Config) (mapping.Account, error) {
	rules := rulesOf(cfg)
	asked := mapping.Ask(rules)
	r := &accountReader{api: api, out: mapping.Account{
		Vocabularies:    make(map[string]tenovos.Vocabulary),
		SecurityAsGiven: !asked.Security,
		Denied:          mapping.Denied{Template: make(map[string]string), Vocabulary: make(map[string]string)},
	}}
	if err := r.templates(ctx, asked); err != nil {
		return r.out, fmt.Errorf("read the metadata templates: %w", err)
	}
	if asked.Security {
		var err error
		r.out.Security, err = api.SecurityTemplates(ctx)
		if r.out.Denied.Security, err = r.denied(ctx, err); err != nil {
			return r.out, fmt.Errorf("read the security templates: %w", err)
		}
	}
	if asked.Vocabularies {
		all, err := api.Vocabularies(ctx)
		if r.out.Denied.Vocabularies, err = r.denied(ctx, err); err != nil {
			return r.out, fmt.Errorf("read the vocabularies: %w", err)
		}
		for _, v := range all {
			r.out.Vocabularies[v.ID] = v
		}
	}
	return r.out, each(ctx, mapping.VocabularyIDs(rules, r.out), r.vocabulary)
}

// rulesOf returns the rules of all folders.
func rulesOf(cfg *config.Config) []mapping.Rules {
	rules := make([]mapping.Rules, len(cfg.Folders))
	for i, f := range cfg.Folders {
		rules[i] = f.Rules
	}
	return rules
}

// templates lists them where a rule names one, and else asks for those whose ids the
// rules give. Accounts differ in which of the two they may do: where a single one is
// refused, the list may have it.
func (r *accountReader) templates(ctx context.Context, asked mapping.Asked) error {
	if asked.Templates {
		if err := r.listTemplates(ctx); err != nil {
			return err
		}
	}
	single := slices.DeleteFunc(slices.Clone(asked.TemplateIDs), r.hasTemplate)
	if err := each(ctx, single, r.template); err != nil {
		return err
	}
	if len(r.out.Denied.Template) > 0 && !asked.Templates {
		if err := r.listTemplates(ctx); err != nil {
			return err
		}
	}
	maps.DeleteFunc(r.out.Denied.Template, func(id, _ string) bool { return r.hasTemplate(id) })
	return nil
}

// template reads one template.
func (r *accountReader) template(ctx context.Context, id string) error {
	t, err := r.api.Template(ctx, id)
	return r.note(ctx, id, err, r.out.Denied.Template, func() {
		if !r.hasTemplate(t.ID) { // one that rules write in two ways is one
			r.out.Templates = append(r.out.Templates, t)
		}
	})
}

// note keeps what was read of an id, or why it was refused.
func (r *accountReader) note(ctx context.Context, id string, err error, denied map[string]string, keep func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if isAbsent(err) {
		return nil // Resolve says which rule misses it
	}
	why, err := r.denied(ctx, err)
	switch {
	case err != nil:
		return err
	case why != "":
		denied[id] = why
	default:
		keep()
	}
	return nil
}

func (r *accountReader) listTemplates(ctx context.Context) error {
	list, err := r.api.Templates(ctx)
	if r.out.Denied.Templates, err = r.denied(ctx, err); err != nil {
		return err
	}
	for _, t := range list {
		if !r.hasTemplate(t.ID) {
			r.out.Templates = append(r.out.Templates, t)
		}
	}
	return nil
}

func (r *accountReader) hasTemplate(id string) bool {
	for _, t := range r.out.Templates {
		if strings.EqualFold(t.ID, id) {
			return true
		}
	}
	return false
}

// vocabulary reads one vocabulary, unless its values came with a list.
func (r *accountReader) vocabulary(ctx context.Context, id string) error {
	r.mu.Lock()
	have := len(r.out.Vocabularies[id].Values) > 0
	r.mu.Unlock()
	if have {
		return nil
	}
	v, err := r.api.Vocabulary(ctx, id)
	if err := r.note(ctx, id, err, r.out.Denied.Vocabulary, func() { r.out.Vocabularies[id] = v }); err != nil {
		return fmt.Errorf("read the vocabulary %s: %w", id, err)
	}
	return nil
}

// isAbsent reports that there is nothing of an id: the documents have 400 and 404
// for it.
func isAbsent(err error) bool {
	e, ok := errors.AsType[*tenovos.Error](err)
	return ok && (e.Kind == tenovos.NotFound || e.Kind == tenovos.Rejected && e.Status == 400)
}

// denied returns the answer by which the account was refused what it asked for, where
// only this one right is missing. Any other trouble is returned as it is.
func (r *accountReader) denied(ctx context.Context, err error) (why string, _ error) {
	if why = tenovos.LackedRight(err); why == "" {
		return "", err
	}
	if !r.known {
		if _, whole := r.api.CurrentUser(ctx); whole != nil {
			return "", fmt.Errorf("%w (and not even its own user may the account read: %w)", err, whole)
		}
		r.known = true
	}
	return why, nil
}

// TakenAsGiven returns notes on what of the rules is not held against the account.
func TakenAsGiven(cfg *config.Config) []string {
	if asked := mapping.Ask(rulesOf(cfg)); !asked.Security && len(asked.SecurityIDs) > 0 {
		return []string{"security templates are taken as given, because the rules give ids alone: " + strings.Join(asked.SecurityIDs, ", ")}
	}
	return nil
}

package rules

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// How often the account's names are read again: always, and at most, where files
// have names that are not among them.
const (
	namesEvery    = time.Hour
	namesAtMost   = time.Minute
	namesPatience = 30 * time.Second // for one reading
)

// Names are the rules of each folder, resolved against what the account had when
// it was last read. They are read again every hour, and when a file has a name
// that is not among them: somebody may have just made it.
type Names struct {
	cfg     *config.Config
	read    func(context.Context) (mapping.Account, error)
	current map[string]*atomic.Pointer[resolved] // by folder name

	wanted        chan chan struct{} // a file has an unknown name; to be closed when they were read again
	over          chan struct{}      // closed when Keep has ended: nobody reads them any more
	every, atMost time.Duration

	kept atomic.Bool // somebody reads them again when asked to

	reported string // the problems that were logged last; Keep's alone
}

// resolved are one folder's rules.
type resolved struct {
	mapper *mapping.Mapper
	sum    string // tells rules and names from others
}

func newNames(cfg *config.Config, read func(context.Context) (mapping.Account, error)) *Names {
	n := &Names{
		cfg: cfg, read: read, current: make(map[string]*atomic.Pointer[resolved], len(cfg.Folders)),
		wanted: make(chan chan struct{}), over: make(chan struct{}), every: namesEvery, atMost: namesAtMost,
	}
	for _, f := range cfg.Folders {
		n.current[f.Name] = new(atomic.Pointer[resolved])
	}
	return n
}

// Mapper returns a folder's rules as they are resolved now.
func (n *Names) Mapper(folder string) *mapping.Mapper { return n.current[folder].Load().mapper }

// Sum tells a folder's rules, and the names that they are about, from others.
func (n *Names) Sum(folder string) string { return n.current[folder].Load().sum }

// Refresh reads the names and resolves the rules. A folder whose rules do not
// resolve any more keeps those that it has; what is wrong is an *config.Invalid.
func (n *Names) Refresh(ctx context.Context) error {
	known, err := n.read(ctx)
	if err != nil {
		return err
	}
	var problems []yamltree.Problem
	for _, f := range n.cfg.Folders {
		m, wrong := mapping.Resolve(f.Rules, known)
		problems = append(problems, wrong...)
		if m != nil {
			n.current[f.Name].Store(&resolved{mapper: m, sum: f.RulesSum + " " + namesSum(known) + tablesSum(n.cfg.Manifests)})
		}
	}
	return n.cfg.Invalid(problems)
}

// tablesSum tells apart what manifests may take, for which files are held; "" is the
// usual.
func tablesSum(m config.Manifests) string {
	if m.Memory == manifest.DefaultMemory {
		return ""
	}
	return " " + strconv.FormatInt(m.Memory, 10)
}

// namesSum is a hash of all names that were read, in whatever order they came.
func namesSum(a mapping.Account) string {
	byID := func(x, y tenovos.VocabularyValue) int { return cmp.Compare(x.ID, y.ID) }
	sorted := mapping.Account{
		Templates: slices.Clone(a.Templates), Security: slices.Clone(a.Security),
		Vocabularies: make(map[string]tenovos.Vocabulary, len(a.Vocabularies)),
	}
	slices.SortFunc(sorted.Templates, func(x, y tenovos.Template) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(sorted.Security, func(x, y tenovos.SecurityTemplate) int { return cmp.Compare(x.ID, y.ID) })
	for id, v := range a.Vocabularies {
		v.Values = slices.SortedFunc(slices.Values(v.Values), byID)
		sorted.Vocabularies[id] = v
	}
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(sorted) // texts and lists of them: it cannot fail
	return hex.EncodeToString(h.Sum(nil))
}

// apply is Mapper.Map for the pipeline's workers: where a name is not known, the
// names are read again first, if that was not just done. The error is
// context.Canceled where the process ends meanwhile.
func (n *Names) apply(folder string, known metadata.Facts, path string) (mapping.Result, error) {
	m := n.Mapper(folder)
	r, err := m.Map(known, path)
	if err != nil || !r.Unknown() || !n.kept.Load() {
		return r, err
	}
	done := make(chan struct{})
	select {
	case n.wanted <- done:
	case <-n.over:
		return r, context.Canceled
	}
	select {
	case <-done:
	case <-n.over:
		return r, context.Canceled
	}
	if newer := n.Mapper(folder); newer != m {
		return newer.Map(known, path)
	}
	return r, nil
}

// Keep reads the names again every hour, and for files with unknown names, until
// ctx ends. Those that come too soon after a reading are not waited for; the names
// are read again as soon as they may. renewed is called after each reading that
// succeeded. It may be called once.
func (n *Names) Keep(ctx context.Context, log zerolog.Logger, renewed func(context.Context) error) error {
	n.kept.Store(true)
	defer close(n.over)
	next := time.NewTimer(n.every)
	defer next.Stop()
	var last time.Time
	for {
		var waiting chan struct{}
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		case waiting = <-n.wanted:
			if since := time.Since(last); since < n.atMost {
				close(waiting)
				next.Reset(n.atMost - since)
				continue
			}
		}
		err := n.renew(ctx, log)
		last = time.Now()
		next.Reset(n.every)
		if waiting != nil && ctx.Err() == nil {
			close(waiting)
		}
		if err == nil {
			err = renewed(ctx)
		} else {
			err = nil // logged; the names stay as they were
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// renew is Refresh with a log. Trouble with Tenovos is no file's, and others tell
// of it; a mistake is told once, until it is another.
func (n *Names) renew(ctx context.Context, log zerolog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, namesPatience)
	defer cancel()
	err := n.Refresh(ctx)
	invalid, wrong := errors.AsType[*config.Invalid](err)
	switch {
	case err == nil:
		n.reported = ""
		log.Debug().Msg("the names of templates, vocabularies and security templates were read again")
	case !wrong:
		log.Debug().AnErr("reason", err).Msg("the names of the account could not be read again: going on with those known")
	case err.Error() != n.reported:
		n.reported = err.Error()
		LogMistakes(log, invalid)
		log.Warn().Msg("the account has changed, and these rules do not fit it any more: files are mapped by the names known before")
		return nil
	default:
		return nil // logged already
	}
	return err
}

// LogMistakes logs each mistake of a configuration as `check` prints it.
func LogMistakes(log zerolog.Logger, invalid *config.Invalid) {
	for _, p := range invalid.Problems {
		log.Error().Str("mistake", invalid.File+":"+p.String()).Msg("mistake in the configuration")
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/intake"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/rules"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// forecast is what ingesting a file would do.
type forecast struct {
	Folder string `json:"folder"`
	Path   string `json:"path"`
	// Becomes is asset, version, federated, placeholder,
	// duplicate, renamed, known, companion, ignored, held, failed or skipped.
	Becomes string          `json:"becomes"`
	Why     string          `json:"why,omitempty"`
	Version string          `json:"original_file_id,omitempty"` // of the asset that gets a version
	Size    int64           `json:"size"`
	Rule    int             `json:"rule_line,omitempty"`
	Result  *mapping.Result `json:"result,omitempty"`
	// Problems are those of the result, and what a manifest contradicts itself in.
	Problems []mapping.Fault `json:"problems,omitempty"`
	// Gaps are sources of facts that could not be read.
	Gaps []metadata.Gap `json:"gaps,omitempty"`
	// Unmatched is what is told of a companion that speaks of files which are not there.
	Unmatched *journal.Unmatched `json:"unmatched,omitempty"`
	// Unread says why the daemon's user cannot read the file, Stuck why it cannot move it
	// away, or delete it, as the folder wants.
	Unread string `json:"unread,omitempty"`
	Stuck  string `json:"stuck,omitempty"`
	// Waits is what the file waits for first.
	Waits string `json:"waits,omitempty"`
}

// ingests reports that the file would become an asset or a version, or is one.
func (f forecast) ingests() bool {
	switch f.Becomes {
	case "held", "failed":
		return false
	}
	return true
}

// explainer says what would become of files, without changing anything. It is for one
// goroutine.
type explainer struct {
	folders map[string]config.Folder
	acct    *account
	who     person          // as whom the daemon runs
	reader  *journal.Reader // nil while there is no journal
	tellers map[string]dropfolder.Teller

	forecaster *intake.Forecaster

	latest ruled // see explained
}

// ruled is what the rules say of a file.
type ruled struct {
	file file.File
	rules.Explanation
	err error
}

func newExplainer(ctx context.Context, cfg *config.Config, acct *account) (*explainer, error) {
	x := &explainer{folders: make(map[string]config.Folder), acct: acct, tellers: make(map[string]dropfolder.Teller)}
	r, err := journal.OpenReader(ctx, cfg.Journal)
	if err != nil && !errors.Is(err, journal.ErrMissing) {
		return nil, err
	}
	if err == nil {
		x.reader = r
	}
	pc := pipelineConfig(cfg, cfg.Folders, acct.rules)
	watched := watchedFolders(cfg.Folders)
	for i, f := range cfg.Folders {
		x.folders[f.Name] = f
		pc.Folders[i].Wanted = func(rel string) bool { return watcher.Skipped(watched[i], rel) == "" }
		pc.Folders[i].Map = func(found file.File, _ string) (dropfolder.Mapped, error) {
			e, err := x.explained(found)
			return e.Mapped, err
		}
	}
	x.forecaster = intake.NewForecaster(intake.Config{Folders: pc.Folders, MaxFileSize: pc.MaxFileSize}, x.reader, acct.client)
	return x, nil
}

func (x *explainer) close() {
	if x.reader != nil {
		_ = x.reader.Close()
	}
}

// explained is what the rules say of a file. The answer is kept until another file is asked
// for: the decision asks, and then what is shown of it.
func (x *explainer) explained(found file.File) (rules.Explanation, error) {
	if found != x.latest.file {
		e, err := x.acct.rules.Explain(found)
		x.latest = ruled{found, e, err}
	}
	return x.latest.Explanation, x.latest.err
}

// file says what would become of a settled file, or of a row of a manifest without one.
func (x *explainer) file(ctx context.Context, found file.File) (forecast, error) {
	folder := x.folders[found.Folder]
	d, err := x.decide(ctx, folder, found)
	f := forecast{Folder: found.Folder, Path: found.Path, Size: found.Size, Becomes: d.becomes, Why: d.why, Version: d.version}
	if err != nil {
		return f, err
	}
	switch f.Becomes {
	case "skipped":
		return f, nil
	case "companion":
		return f, x.tellOf(ctx, &f)
	}
	e, err := x.explained(found)
	f.Gaps = e.Gaps
	if errors.Is(err, dropfolder.ErrNoRule) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.Result, f.Rule, f.Problems = e.Result, e.Result.RulePos.Line, e.Problems
	f.waitsFor(folder, e.Mapped, d)
	return f, nil
}

// waitsFor adds what the file waits for: a companion of its own, and, where it becomes
// something new, the rest of its drop and the hours of its folder; and what the decision waits for itself.
func (f *forecast) waitsFor(folder config.Folder, m dropfolder.Mapped, d decision) {
	var first []string
	if m.Wait > 0 {
		first = append(first, fmt.Sprintf("its %s, %v at the most", m.Waits, m.Wait))
	}
	begins := d.queued
	switch f.Becomes {
	case "asset", "version", "federated", "placeholder":
		begins = true
		if folder.Batch == "all" {
			first = append(first, "the rest of "+dropOf(f.Path))
		}
	}
	if open, _, why := folder.Hours.Open(time.Now()); begins && !open {
		first = append(first, why)
	}
	if d.waits != "" {
		first = append(first, "others: "+d.waits)
	}
	f.Waits = strings.Join(first, ", and ")
}

// dropOf says which drop a file belongs to.
func dropOf(path string) string {
	if dir, _, below := strings.Cut(path, "/"); below {
		return "its drop, " + dir
	}
	return "the files that lie in the folder itself"
}

// mayTake adds what the daemon's user may not do with the file.
func (f *forecast) mayTake(folder config.Folder, who person, path string) {
	unread, stuck := mayTake(folder, who, path)
	if unread != nil {
		f.Unread = fmt.Sprintf("%s cannot read it: %v", who, unread)
		f.Becomes, f.Why = "failed", "unless its rights change"
	}
	if stuck != nil {
		f.Stuck = fmt.Sprintf("%s cannot do what after: %s wants: %v", who, folder.After, stuck)
	}
}

// openFolder opens a drop folder.
func openFolder(f config.Folder) (*file.Root, error) { return file.OpenRoot(f.Path) }

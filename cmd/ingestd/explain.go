package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

func newExplainCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain PATH...",
		Short: "Show what a file would become: the rule, each value and where it came from",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{errors.New("name at least one file")}
			}
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			acct, err := connect(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			return explainAll(cmd.Context(), cfg, acct, args, asJSON, cmd.OutOrStdout())
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// forecast is what ingesting a file would do.
type forecast struct {
	Folder string `json:"folder"`
	Path   string `json:"path"`
	// Becomes is asset, version, content (of a placeholder), duplicate, known,
	// companion, ignored, held, failed or skipped.
	Becomes string          `json:"becomes"`
	Why     string          `json:"why,omitempty"`
	Version string          `json:"original_file_id,omitempty"` // of the asset that gets a version, or content
	Size    int64           `json:"size"`
	Rule    int             `json:"rule_line,omitempty"`
	Result  *mapping.Result `json:"result,omitempty"`
	// Problems are those of the result, and what a manifest contradicts itself in.
	Problems []mapping.Fault `json:"problems,omitempty"`
	// Gaps are sources of facts that could not be read.
	Gaps []facts.Gap `json:"gaps,omitempty"`
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

func explainAll(ctx context.Context, cfg *config.Config, acct *account, paths []string, asJSON bool, out io.Writer) error {
	o, err := newOracle(ctx, cfg, acct)
	if err != nil {
		return err
	}
	defer o.close()
	all := []forecast{}
	var failed []error
	for _, path := range paths {
		f, err := o.explain(ctx, cfg, path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, f)
		if !asJSON {
			printForecast(out, f)
		}
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		failed = append(failed, enc.Encode(all))
	}
	return errors.Join(failed...)
}

// oracle foretells what would become of a file, without changing anything.
type oracle struct {
	folders map[string]config.Folder
	acct    *account
	limit   int64
	reader  *journal.Reader // nil while there is no journal
}

func newOracle(ctx context.Context, cfg *config.Config, acct *account) (*oracle, error) {
	o := &oracle{folders: make(map[string]config.Folder), acct: acct, limit: cfg.Upload.MaxFileSize}
	for _, f := range cfg.Folders {
		o.folders[f.Name] = f
	}
	r, err := journal.OpenReader(ctx, cfg.Journal)
	if errors.Is(err, journal.ErrMissing) {
		return o, nil
	}
	o.reader = r
	return o, err
}

func (o *oracle) close() {
	if o.reader != nil {
		_ = o.reader.Close()
	}
}

// explain finds the folder of a path and foretells.
func (o *oracle) explain(ctx context.Context, cfg *config.Config, path string) (forecast, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return forecast{}, err
	}
	info, err := os.Lstat(abs)
	if err != nil {
		return forecast{}, fmt.Errorf("explain %s: %w", path, err)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return forecast{}, fmt.Errorf("explain %s: %w", path, err)
	}
	abs = filepath.Join(dir, filepath.Base(abs))
	for _, f := range cfg.Folders {
		root, err := filepath.EvalSymlinks(f.Path)
		if err != nil {
			continue
		}
		rel, ok := strings.CutPrefix(abs, strings.TrimSuffix(root, "/")+"/")
		if !ok {
			continue
		}
		return o.foretell(ctx, fileOf(f.Name, rel, info))
	}
	return forecast{}, fmt.Errorf("explain %s: it lies in none of the configured folders", path)
}

// fileOf is a file as the watcher would report it.
func fileOf(folder, rel string, info os.FileInfo) watcher.File {
	f := watcher.File{Folder: folder, Path: filepath.ToSlash(rel), Size: info.Size(), ModTime: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.ChangeTime, f.Dev, f.Ino = st.Ctim.Nano(), uint64(st.Dev), st.Ino //nolint:unconvert // their width differs between machines
	}
	if !info.Mode().IsRegular() {
		f.Size = -1
	}
	return f
}

// foretell says what would become of a settled file.
func (o *oracle) foretell(ctx context.Context, file watcher.File) (forecast, error) {
	folder := o.folders[file.Folder]
	f := forecast{Folder: file.Folder, Path: file.Path, Size: file.Size}
	if why := watcher.Skipped(watchedFolders([]config.Folder{folder})[0], file.Path); file.Size < 0 || why != "" {
		if file.Size < 0 {
			why = "only regular files are ingested"
		}
		f.Becomes, f.Why = "skipped", why
		return f, nil
	}
	if kind, ok := o.acct.collectors[file.Folder].Of(file.Path); ok {
		f.Becomes, f.Why = "companion", fmt.Sprintf("it is %s: it speaks of other files, and becomes no asset itself", companionWords[kind])
		return f, nil
	}
	known, err := o.acct.factsOf(file, "")
	if err != nil {
		return f, err
	}
	f.Gaps = known.Gaps
	r, err := o.acct.names.mapper(file.Folder).Map(known.Facts, file.Path)
	if errors.Is(err, mapping.ErrNoRule) {
		f.Becomes, f.Why = "ignored", err.Error()
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.Result, f.Rule, f.Becomes, f.Problems = &r, r.RulePos.Line, "asset", problemsOf(r, known)
	if m := mapped(folder, r, known); m.Wait > 0 {
		f.Waits = fmt.Sprintf("its %s, %v at the most", m.Waits, m.Wait)
	}
	if len(f.Problems) > 0 {
		f.Becomes, f.Why = "held", f.Problems[0].Attribute+": "+f.Problems[0].Message
		if r.Failed() {
			f.Becomes = "failed"
		}
	}
	if file.Size > o.limit {
		f.Becomes, f.Why = "failed", "the file is larger than upload.max_file_size"
	}
	if err := o.recall(ctx, folder, file, &f); err != nil {
		return f, err
	}
	if err := o.namesake(ctx, folder, &f); err != nil {
		return f, err
	}
	if creates := f.Becomes == "asset" || f.Becomes == "version" || f.Becomes == "content"; creates && folder.Batch == "all" {
		f.Waits = and(f.Waits, "the rest of "+dropOf(file.Path))
	}
	return f, nil
}

// dropOf says which drop a file belongs to.
func dropOf(path string) string {
	if dir, _, below := strings.Cut(path, "/"); below {
		return "its drop, " + dir
	}
	return "the files that lie in the folder itself"
}

// and joins what a file waits for.
func and(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", and " + b
}

// recall adds what the journal knows of the path.
func (o *oracle) recall(ctx context.Context, folder config.Folder, file watcher.File, f *forecast) error {
	if o.reader == nil {
		return nil
	}
	latest, ok, err := o.reader.Latest(ctx, file.Folder, file.Path)
	if err != nil {
		return err
	}
	if !ok {
		return o.recallCopy(ctx, folder, file, f)
	}
	if latest.Size == file.Size && latest.ModTime == file.ModTime && latest.ChangeTime == file.ChangeTime &&
		latest.Dev == file.Dev && latest.Ino == file.Ino {
		f.Becomes, f.Version = "known", latest.OriginalFileID
		if latest.Status == journal.Held || latest.Status == journal.Failed {
			f.Becomes = string(latest.Status)
		}
		f.Why = fmt.Sprintf("the journal knows this content as entry %d: %s", latest.ID, latest.Status)
		if latest.Reason.Message != "" {
			f.Why += ", " + latest.Reason.Message
		}
		return nil
	}
	if f.Becomes != "asset" {
		return nil
	}
	latest.Generation++ // what comes before the next generation
	prev, ok, err := o.reader.Previous(ctx, latest)
	switch {
	case !ok || folder.Versions == "off" && prev.Kind == journal.File:
	case ingest.TakesContent(prev, file.Size, time.Now()):
		f.Becomes, f.Version = "content", prev.OriginalFileID
		f.Why = fmt.Sprintf("entry %d made a placeholder, asset %s, whose upload URL lives still", prev.ID, prev.ObjectID)
	default:
		f.Becomes, f.Version = "version", prev.OriginalFileID
		f.Why = "the path was ingested before, with other size or times; the same bytes would not be sent again"
	}
	return err
}

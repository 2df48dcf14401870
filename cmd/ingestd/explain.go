package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

func newExplainCommand() *cobra.Command {
	var path, asUser string
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
			who, err := daemonUser(cmd.Context(), cfg, asUser)
			if err != nil {
				return err
			}
			acct, err := connect(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			return explainAll(cmd.Context(), cfg, acct, who, args, asJSON, cmd.OutOrStdout())
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	userFlag(cmd, &asUser)
	return cmd
}

// forecast is what ingesting a file would do.
type forecast struct {
	Folder string `json:"folder"`
	Path   string `json:"path"`
	// Becomes is asset, version, federated, placeholder,
	// duplicate, known, companion, ignored, held, failed or skipped.
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

func explainAll(ctx context.Context, cfg *config.Config, acct *account, who person, paths []string, asJSON bool, out io.Writer) error {
	o, err := newOracle(ctx, cfg, acct)
	if err != nil {
		return err
	}
	o.who = who
	defer o.close()
	show := func(f forecast) error { printForecast(out, f); return nil }
	list := &jsonList{out: out}
	if asJSON {
		show = func(f forecast) error { return list.add(f) }
	}
	var failed []error
	for _, path := range paths {
		f, err := o.explain(ctx, cfg, path)
		if err == nil {
			err = show(f)
		}
		failed = append(failed, err)
	}
	if asJSON {
		failed = append(failed, list.end())
	}
	return errors.Join(failed...)
}

// oracle foretells what would become of a file, without changing anything.
type oracle struct {
	folders map[string]config.Folder
	acct    *account
	who     person // as whom the daemon runs
	limit   int64
	reader  *journal.Reader // nil while there is no journal
	tellers map[string]dropfolder.Teller
}

func newOracle(ctx context.Context, cfg *config.Config, acct *account) (*oracle, error) {
	o := &oracle{folders: make(map[string]config.Folder), acct: acct, limit: cfg.Upload.MaxFileSize, tellers: make(map[string]dropfolder.Teller)}
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
	info, missing := lstat(abs)
	if missing != nil && !errors.Is(missing, fs.ErrNotExist) {
		return forecast{}, fmt.Errorf("explain %s: %w", path, missing)
	}
	abs = filepath.Join(config.Resolve(filepath.Dir(abs)), filepath.Base(abs))
	for _, f := range cfg.Folders {
		rel, ok := strings.CutPrefix(abs, strings.TrimSuffix(f.Root, "/")+"/")
		switch {
		case !ok:
		case missing == nil:
			found, err := o.foretell(ctx, fileOf(f.Name, rel, info))
			if err == nil && found.Becomes != "skipped" {
				found.mayTake(f, o.who, abs)
			}
			return found, err
		default:
			if found, ok, err := o.foretellRow(ctx, f.Name, filepath.ToSlash(rel)); ok || err != nil {
				return found, err
			}
		}
	}
	if missing != nil {
		return forecast{}, fmt.Errorf("explain %s: %w, nor has a manifest a row that is an asset without it", display.Name(path), missing)
	}
	return forecast{}, fmt.Errorf("explain %s: it lies in none of the configured folders", display.Name(path))
}

// lstat is os.Lstat that does not wait for a share that hangs.
func lstat(path string) (info os.FileInfo, err error) {
	return config.InTime(func() func() (os.FileInfo, error) {
		info, err := os.Lstat(path)
		return func() (os.FileInfo, error) { return info, err }
	}, func() (os.FileInfo, error) {
		return nil, errors.New("its file system does not answer: is its server there?")
	})()
}

// fileOf is a file as the watcher would report it.
func fileOf(folder, rel string, info os.FileInfo) file.File {
	f := file.File{Folder: folder, Path: filepath.ToSlash(rel), Stat: file.StatOf(info)}
	if !info.Mode().IsRegular() {
		f.Size = -1
	}
	return f
}

// foretell says what would become of a settled file.
func (o *oracle) foretell(ctx context.Context, file file.File) (forecast, error) {
	folder := o.folders[file.Folder]
	f := forecast{Folder: file.Folder, Path: file.Path, Size: file.Size}
	if why := watcher.Skipped(watchedFolders([]config.Folder{folder})[0], file.Path); file.Size < 0 || why != "" {
		if file.Size < 0 {
			why = "only regular files are ingested"
		}
		f.Becomes, f.Why = "skipped", why
		return f, nil
	}
	if is, err := o.companion(ctx, folder, file.Path, &f); err != nil || is {
		return f, err
	}
	if err := o.apply(folder, file, &f); err != nil || f.Result == nil {
		return f, err
	}
	if file.Size > o.limit {
		f.Becomes, f.Why = "failed", "the file is larger than upload.max_file_size"
	}
	if to, reason, rests := dropfolder.Empty(folder.Empty).Rest(file.Size); rests {
		f.Becomes, f.Why = string(to), reason.Message
	}
	if err := o.recall(ctx, folder, file, &f); err != nil {
		return f, err
	}
	if err := o.namesake(ctx, folder, &f); err != nil {
		return f, err
	}
	f.waitForDrop(folder)
	return f, nil
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

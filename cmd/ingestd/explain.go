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
	"github.com/tenovos-ingest/ingestd/internal/file"
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
			acct, err := connect(cmd.Context(), cfg, nil)
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

func explainAll(ctx context.Context, cfg *config.Config, acct *account, who person, paths []string, asJSON bool, out io.Writer) error {
	x, err := newExplainer(ctx, cfg, acct)
	if err != nil {
		return err
	}
	x.who = who
	defer x.close()
	show := func(f forecast) error { printForecast(out, f); return nil }
	list := &jsonList{out: out}
	if asJSON {
		show = func(f forecast) error { return list.add(f) }
	}
	var failed []error
	for _, path := range paths {
		f, err := x.path(ctx, cfg, path)
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

// path finds the folder of a path and says what would become of what lies there.
func (x *explainer) path(ctx context.Context, cfg *config.Config, path string) (forecast, error) {
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
			found, err := x.file(ctx, fileOf(f.Name, rel, info))
			if err == nil && found.Becomes != "skipped" {
				found.mayTake(f, x.who, abs)
			}
			return found, err
		default:
			if found, ok, err := x.row(ctx, f.Name, filepath.ToSlash(rel)); ok || err != nil {
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
		return nil, errors.New("its file system does not answer: look whether its server answers")
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

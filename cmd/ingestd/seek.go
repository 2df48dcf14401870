package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/history"
	"github.com/tenovos-ingest/ingestd/journal"
)

// errUnseen is a file of which the journal has nothing.
var errUnseen = errors.New("the journal knows nothing of it: it was not seen yet, or is none of a folder's files")

// maxFound bounds the entries that one argument may mean.
const maxFound = 10_000

// seeker finds the entries that arguments of the command line mean.
type seeker struct {
	cfg     *config.Config
	reader  *journal.Reader
	folders []string // where to look; none means everywhere
	known   []string // the names of the folders that the journal and the configuration have
}

// newSeeker looks in the named folders, which must exist.
func newSeeker(ctx context.Context, cfg *config.Config, r *journal.Reader, folders []string) (*seeker, error) {
	s := &seeker{cfg: cfg, reader: r, folders: folders}
	for _, f := range cfg.Folders {
		s.known = append(s.known, f.Name)
	}
	histories, err := r.Histories(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range histories { // one that is not configured any more has its files all the same
		if !slices.Contains(s.known, h.Name) {
			s.known = append(s.known, h.Name)
		}
	}
	for _, name := range folders {
		if !slices.Contains(s.known, name) {
			return nil, noFolder(s.known, name)
		}
	}
	return s, nil
}

func (s *seeker) query(arg string) history.Query {
	return history.Query{Text: arg, Paths: onDisk(s.cfg, arg), Folders: s.folders, Known: s.known, Moved: s.moved, Limit: maxFound}
}

// moved reports a path at which files lie that were moved out of a folder.
func (s *seeker) moved(at journal.PathIn) bool {
	for _, f := range s.cfg.Folders {
		if f.Name != at.Folder {
			continue
		}
		return slices.ContainsFunc(f.Kept(), func(dir string) bool { return strings.HasPrefix(at.Path, dir+"/") })
	}
	return false
}

// entries returns the ids of the entries that an argument means; errUnseen if it means none.
func (s *seeker) entries(ctx context.Context, arg string) ([]int64, error) {
	ids, err := history.Find(ctx, s.reader, s.query(arg))
	if shown, ok := unquoted(arg); ok && err == nil && len(ids) == 0 {
		ids, err = history.Find(ctx, s.reader, s.query(shown))
	}
	if err == nil && len(ids) == 0 {
		err = unseen(arg)
	}
	return ids, err
}

// unquoted is an argument as status shows it, whose path is in quotes because it has what a
// terminal should not be told as it is.
func unquoted(arg string) (string, bool) {
	at := strings.IndexByte(arg, '"')
	if at < 0 {
		return "", false
	}
	path, err := strconv.Unquote(arg[at:])
	return arg[:at] + path, err == nil
}

// below returns the directories that an argument means; errUnseen if it means none.
func (s *seeker) below(ctx context.Context, arg string) ([]journal.PathIn, error) {
	found, err := history.Below(ctx, s.reader, s.query(arg))
	if err == nil && len(found) == 0 {
		err = unseen(arg)
	}
	return found, err
}

func unseen(arg string) error {
	if _, err := strconv.ParseUint(arg, 10, 64); err == nil {
		return fmt.Errorf("%s: %w. `ingestd status --all` shows the ids that there are", arg, errUnseen)
	}
	return fmt.Errorf("%s: %w. `ingestd explain %s` says what becomes of a file", display.Name(arg), errUnseen, display.Name(arg))
}

// onDisk returns what a path on this machine's disk is in the folders, with links followed
// and without.
func onDisk(cfg *config.Config, arg string) (out []journal.PathIn) {
	abs, err := filepath.Abs(arg)
	if err != nil {
		return nil
	}
	resolved := filepath.Join(config.Resolve(filepath.Dir(abs)), filepath.Base(abs))
	for _, f := range cfg.Folders {
		for _, in := range [][2]string{{f.Root, resolved}, {f.Path, abs}} {
			rel, err := filepath.Rel(in[0], in[1])
			if in[0] == "" || err != nil || !filepath.IsLocal(rel) {
				continue
			}
			at := journal.PathIn{Folder: f.Name}
			if rel != "." { // which is the folder itself
				at.Path = filepath.ToSlash(rel)
			}
			if !slices.Contains(out, at) {
				out = append(out, at)
			}
		}
	}
	return out
}

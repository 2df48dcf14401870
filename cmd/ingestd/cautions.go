package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
	"github.com/tenovos-ingest/ingestd/journal"
)

// cautions are what is no mistake in a configuration, but hardly meant: what its text
// shows, and secrets that others than the daemon's user can read.
func cautions(cfg *config.Config, who person) []yamltree.Problem {
	out := slices.Clone(cfg.Warnings)
	seen := map[string]bool{}
	for _, s := range cfg.Secrets {
		if seen[s.Path] {
			continue
		}
		seen[s.Path] = true
		for _, p := range config.InTime(func() []yamltree.Problem { return exposed(cfg, s, who) }, nil) {
			p.Pos = s.Pos
			out = append(out, p)
		}
	}
	return yamltree.SortProblems(out)
}

// exposed says who else can read a secret.
func exposed(cfg *config.Config, s config.SecretFile, who person) (out []yamltree.Problem) {
	what := s.Key + ": " + s.Path
	if s.Path == cfg.File {
		what = s.Key + " stands in " + s.Path + ", which"
	}
	add := func(hint, format string, args ...any) {
		out = append(out, yamltree.Problem{Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	real := config.Resolve(s.Path)
	for _, f := range cfg.Folders {
		if rel, err := filepath.Rel(f.Root, real); f.Root != "" && err == nil && filepath.IsLocal(rel) {
			add("move it out of the folder", "%s lies in the drop folder %s: whoever delivers there can read it, and it may become an asset", what, f.Path)
		}
	}
	if errors.Is(journal.Place(real), journal.ErrNetwork) {
		add("keep secrets on a disk of this machine", "%s lies on a network share: its server, and other machines, can read it", what)
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if s.Handed && dir != "" {
		return out // only the service sees these
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return out // said already
	}
	hint := "chmod 600 " + s.Path
	if s.Path == cfg.File {
		hint = "chmod 640, or put the secret into a file of its own: " + s.Key + "_file"
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode().Perm(); {
	case mode&0o004 != 0:
		add(hint, "%s can be read by every user of this machine (mode %04o)", what, mode)
	case ok && mode&0o040 != 0 && sharedGroup(int(st.Gid), who):
		add(hint, "%s can be read by the group %s (mode %04o), which is not one of %s alone", what, groupName(int(st.Gid)), mode, who)
	}
	if dir := openDir(real); dir != "" {
		add("chmod o-w "+dir, "%s can be replaced by every user of this machine, who may all write in %s", what, dir)
	}
	return out
}

// openDir returns the directory above a file in which everyone may put another file, or
// directory, in its place; "" for none.
func openDir(name string) string {
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// sharedGroup reports whether a group may have other members than the daemon's user: any but
// root's and the user's own.
func sharedGroup(gid int, who person) bool { return gid != 0 && gid != who.gid }

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}

// logCautions says at the start, and after a reload, what `check` would.
func logCautions(log zerolog.Logger, cfg *config.Config) {
	who := ourselves()
	warnings := cautions(cfg, who)
	found := make([][]yamltree.Problem, len(cfg.Folders))
	var all sync.WaitGroup
	for i, f := range cfg.Folders { // all at once: shares that hang are waited for together
		all.Go(func() {
			found[i] = config.InTime(func() []yamltree.Problem {
				var r rights
				if _, err := os.Stat(f.Path); err == nil {
					r.destinations(f, who)
				}
				return r.wrong
			}, nil)
		})
	}
	all.Wait()
	warnings = append(warnings, slices.Concat(found...)...)
	for _, p := range warnings {
		log.Warn().Str("at", cfg.File+":"+strconv.Itoa(p.Line)+":"+strconv.Itoa(p.Column)).Str("hint", p.Hint).Msg(p.Message)
	}
}
